#include "passes/linear.h"
#include "passes/pass.h"

namespace kinglet::passes {

// The statistics of a BatchNormalization go into the weights before it.
Status fold_batch_norm_into_conv(const Graph& graph, NodeId id, Patch* patch) {
  const Node& node = graph.node(id);
  if (!is_op(node, "BatchNormalization") || node.outputs.size() != 1) return {};
  auto linear = linear_producer(graph, node.input(0));
  if (!linear) return {};
  auto affine = affine_of(graph, node, node.inputs[0], linear->channels);
  if (!affine) return {};
  KL_ASSIGN(auto folded, add_scaled(*linear, *affine, *linear->node, patch));
  if (!folded) return {};
  patch->replace(node.outputs[0], *folded);
  patch->remove(id);
  return {};
}

}  // namespace kinglet::passes
