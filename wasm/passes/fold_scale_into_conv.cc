#include "passes/linear.h"
#include "passes/pass.h"

namespace kinglet::passes {

// Constants that are multiplied with, or added to, the channels of a convolution or matrix product go into
// its weights and bias.
Status fold_scale_into_conv(const Graph& graph, NodeId id, Patch* patch) {
  const Node& node = graph.node(id);
  if (node.domain != kOnnx || (node.op != "Mul" && node.op != "Div" && node.op != "Add" && node.op != "Sub"))
    return {};
  for (ValueId x : node.inputs) {
    auto linear = x == kNoValue ? std::nullopt : linear_producer(graph, x);
    if (!linear) continue;
    auto affine = affine_of(graph, node, x, linear->channels);
    if (!affine) continue;
    KL_ASSIGN(auto folded, add_scaled(*linear, *affine, *linear->node, patch));
    if (!folded) continue;
    patch->replace(node.outputs[0], *folded);
    patch->remove(id);
    return {};
  }
  return {};
}

}  // namespace kinglet::passes
