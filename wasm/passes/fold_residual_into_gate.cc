#include "passes/match.h"
#include "passes/pass.h"

namespace kinglet::passes {

// x + x * gate, with a gate between 0 and 1 that mostly has one element for each channel, is x * (gate + 1).
Status fold_residual_into_gate(const Graph& graph, NodeId id, Patch* patch) {
  const Node& node = graph.node(id);
  if (!is_op(node, "Add") || node.inputs.size() != 2) return {};
  auto is_gate = [&](ValueId v) {
    bool sigmoid = producer(graph, v, "HardSigmoid") != nullptr || producer(graph, v, "Sigmoid") != nullptr;
    return sigmoid && read_once(graph, v) && is_float32(graph, v);
  };
  for (size_t i : {size_t{0}, size_t{1}}) {
    const Node* gated = producer(graph, node.inputs[i], "Mul");
    if (gated == nullptr || !read_once(graph, node.inputs[i])) continue;
    auto parts = either(*gated, is_gate);
    if (!parts || parts->first != node.inputs[1 - i]) continue;
    KL_ASSIGN(Tensor one, Tensor::scalar(1.0f));
    ValueId gate =
        patch->add(make_node(node, "Add", {parts->second, patch->add_constant("one", std::move(one))}));
    patch->replace(node.outputs[0], patch->add(make_node(*gated, "Mul", {parts->first, gate})));
    patch->remove(id);
    return {};
  }
  return {};
}

}  // namespace kinglet::passes
