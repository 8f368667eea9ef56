#include "passes/linear.h"
#include "passes/pass.h"

namespace kinglet::passes {

// Constants that are multiplied with, or added to, the channels behind a BatchNormalization go into its scale
// and bias.
Status fold_scale_into_batch_norm(const Graph& graph, NodeId id, Patch* patch) {
  const Node& node = graph.node(id);
  if (node.domain != kOnnx || (node.op != "Mul" && node.op != "Div" && node.op != "Add" && node.op != "Sub"))
    return {};
  for (ValueId x : node.inputs) {
    const Node* norm = producer(graph, x, "BatchNormalization");
    if (norm == nullptr || !read_once(graph, x) || norm->outputs.size() != 1 || norm->inputs.size() != 5)
      continue;
    const Tensor* scale = graph.constant(norm->inputs[1]);
    if (scale == nullptr) continue;
    Channels channels{scale->count(), rank_of(graph, norm->inputs[0]), 1};
    auto affine = affine_of(graph, node, x, channels);
    auto scales = per_channel(graph, norm->inputs[1], {channels.count, 1, 0});
    auto shifts = per_channel(graph, norm->inputs[2], {channels.count, 1, 0});
    if (!affine || !scales || !shifts) continue;
    for (size_t c = 0; c < scales->size(); ++c) {
      (*scales)[c] *= affine->scale[c];
      (*shifts)[c] = (*shifts)[c] * affine->scale[c] + affine->shift[c];
    }
    KL_ASSIGN(Tensor new_scale, vector_like(*scale, *scales));
    KL_ASSIGN(Tensor new_shift, vector_like(*scale, *shifts));
    Node changed = *norm;
    changed.def = nullptr;
    changed.inputs[1] = patch->add_constant(str(norm->name, ".scale"), std::move(new_scale));
    changed.inputs[2] = patch->add_constant(str(norm->name, ".bias"), std::move(new_shift));
    patch->replace(node.outputs[0], patch->add(std::move(changed)));
    patch->remove(id);
    return {};
  }
  return {};
}

}  // namespace kinglet::passes
