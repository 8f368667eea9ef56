#include "passes/match.h"
#include "passes/pass.h"

namespace kinglet::passes {

// A constant with an entry for each column that is added to a product with constant weights becomes its bias.
Status fuse_matmul_bias(const Graph& graph, NodeId id, Patch* patch) {
  const Node& node = graph.node(id);
  if (!is_op(node, "Add")) return {};
  auto with_bias = either(node, [&](ValueId v) {
    const Tensor* t = graph.constant(v);
    return t != nullptr && t->rank() == 1;
  });
  if (!with_bias || !is_float32(graph, with_bias->first) || !read_once(graph, with_bias->first)) return {};
  const Node* product = graph.producer(with_bias->first);
  if (product == nullptr) return {};
  bool fused = is_op(*product, "FusedMatMul", kMicrosoft);
  bool integers = is_op(*product, "MatMulIntegerToFloat", kMicrosoft);
  if (!fused && !integers && !is_op(*product, "MatMul")) return {};
  const size_t place = integers ? 6 : 2;
  if (product->input(place) != kNoValue || product->attributes.has("activation")) return {};
  const Tensor* weights = graph.constant(product->inputs[1]);
  if (weights == nullptr || weights->rank() < 2 || product->attributes.get_int("transBatchB") != 0) return {};
  int64_t columns = weights->shape().at(product->attributes.get_int("transB") != 0 ? -2 : -1);
  if (graph.constant(with_bias->second)->count() != columns) return {};
  std::vector<ValueId> inputs = product->inputs;
  inputs.resize(place, kNoValue);
  inputs.push_back(with_bias->second);
  patch->replace(node.outputs[0],
                 patch->add(make_node(*product, integers ? "MatMulIntegerToFloat" : "FusedMatMul",
                                      std::move(inputs), product->attributes, kMicrosoft)));
  patch->remove(id);
  return {};
}

}  // namespace kinglet::passes
