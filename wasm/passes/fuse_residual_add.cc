#include <algorithm>

#include "ops/registry.h"
#include "passes/match.h"
#include "passes/pass.h"
#include "passes/sample_shapes.h"

namespace kinglet::passes {

namespace {

// The value's producer when it is a convolution or product of float32 that can still take a residual.
const Node* open_linear(const Graph& graph, ValueId value) {
  if (value == kNoValue || !is_float32(graph, value) || !read_once(graph, value)) return nullptr;
  const Node* node = graph.producer(value);
  if (node == nullptr || node->outputs.size() != 1) return nullptr;
  if (is_op(*node, "Conv") || is_op(*node, "MatMul")) return node;
  bool fused = is_op(*node, "FusedConv", kMicrosoft) || is_op(*node, "FusedMatMul", kMicrosoft);
  return fused && node->input(3) == kNoValue && node->input(4) == kNoValue &&
                 !node->attributes.has("activation")
             ? node
             : nullptr;
}

}  // namespace

// A convolution or product whose result is added to a value of the same shape takes that value as its
// residual.
Result<bool> fuse_residual_add(Graph& graph) {
  std::vector<std::optional<Shape>> shapes;
  bool changed = false;
  for (NodeId id : std::vector<NodeId>(graph.order())) {
    const Node& node = graph.node(id);
    if (!is_op(node, "Add") || node.inputs.size() != 2 || node.inputs[0] == node.inputs[1]) continue;
    const Node* linear[] = {open_linear(graph, node.inputs[0]), open_linear(graph, node.inputs[1])};
    if (linear[0] == nullptr && linear[1] == nullptr) continue;
    if (shapes.empty()) shapes = sample_shapes(graph);
    auto shape = [&](ValueId v) {
      return static_cast<size_t>(v) < shapes.size() ? shapes[static_cast<size_t>(v)] : std::nullopt;
    };
    auto a = shape(node.inputs[0]), b = shape(node.inputs[1]);
    if (!a || !b || *a != *b) continue;
    // Of two, the one that is computed later.
    size_t which = linear[0] == nullptr ? 1 : 0;
    if (linear[0] != nullptr && linear[1] != nullptr) {
      const auto& order = graph.order();
      which = std::ranges::find(order, graph.edge(node.inputs[1]).producer) >
                      std::ranges::find(order, graph.edge(node.inputs[0]).producer)
                  ? 1
                  : 0;
    }
    const Node& sum = *linear[which];
    const char* op = sum.op.ends_with("Conv") ? "FusedConv" : "FusedMatMul";
    Patch patch(graph, id);
    Node fused = make_node(sum, op, {sum.input(0), sum.input(1), sum.input(2), node.inputs[1 - which]},
                           sum.attributes, kMicrosoft);
    fused.def = find_op(kMicrosoft, op);
    patch.replace(node.outputs[0], patch.add(std::move(fused)));
    patch.remove(id);
    patch.remove(graph.edge(node.inputs[which]).producer);
    std::move(patch).apply(graph);
    changed = true;
  }
  return changed;
}

}  // namespace kinglet::passes
