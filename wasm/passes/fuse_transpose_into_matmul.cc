#include <algorithm>

#include "passes/match.h"
#include "passes/pass.h"

namespace kinglet::passes {

namespace {

// x when `value` is x with its last two dimensions exchanged.
ValueId transposed(const Graph& graph, ValueId value) {
  const Node* node = producer(graph, value, "Transpose");
  if (node == nullptr) return kNoValue;
  auto given = node->attributes.get_ints("perm");
  std::vector<int64_t> perm(given.begin(), given.end());
  if (perm.size() < 2) return kNoValue;
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return std::ranges::is_sorted(perm) ? node->inputs[0] : kNoValue;
}

}  // namespace

// A product reads a transposed operand where it lies.
Status fuse_transpose_into_matmul(const Graph& graph, NodeId id, Patch* patch) {
  const Node& node = graph.node(id);
  bool plain = is_op(node, "MatMul");
  if ((!plain && !is_op(node, "FusedMatMul", kMicrosoft)) || !is_float32(graph, node.outputs[0])) return {};
  static constexpr const char* kTransposed[] = {"transA", "transB"};
  if (node.attributes.get_int("transBatchA") != 0 || node.attributes.get_int("transBatchB") != 0) return {};
  Node fused = make_node(node, "FusedMatMul", node.inputs, node.attributes, kMicrosoft);
  bool changed = false;
  for (size_t i = 0; i < 2; ++i) {
    ValueId x = transposed(graph, node.inputs[i]);
    if (x == kNoValue) continue;
    fused.inputs[i] = x;
    fused.attributes.set(kTransposed[i], int64_t{node.attributes.get_int(kTransposed[i]) == 0});
    changed = true;
  }
  if (!changed) return {};
  patch->replace(node.outputs[0], patch->add(std::move(fused)));
  patch->remove(id);
  return {};
}

}  // namespace kinglet::passes
