#include "passes/match.h"
#include "passes/pass.h"

namespace kinglet::passes {

// A product that is multiplied with a number, or divided by one, does that itself.
Status fuse_scale_into_matmul(const Graph& graph, NodeId id, Patch* patch) {
  const Node& node = graph.node(id);
  bool div = is_op(node, "Div");
  if (!div && !is_op(node, "Mul")) return {};
  auto parts = either(node, [&](ValueId v) { return scalar(graph, v).has_value(); });
  if (!parts || (div && parts->second != node.inputs[1])) return {};
  const Node* product = graph.producer(parts->first);
  if (product == nullptr || !is_float32(graph, parts->first) || !read_once(graph, parts->first)) return {};
  bool fused = is_op(*product, "FusedMatMul", kMicrosoft);
  if ((!fused && !is_op(*product, "MatMul")) || product->inputs.size() > 2 ||
      product->attributes.has("activation"))
    return {};
  double number = *scalar(graph, parts->second);
  double alpha = product->attributes.get_float("alpha", 1) * (div ? 1 / number : number);
  Node out = make_node(*product, "FusedMatMul", product->inputs, product->attributes, kMicrosoft);
  out.attributes.set("alpha", static_cast<float>(alpha));
  patch->replace(node.outputs[0], patch->add(std::move(out)));
  patch->remove(id);
  return {};
}

}  // namespace kinglet::passes
