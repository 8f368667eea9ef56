#include "passes/match.h"
#include "passes/pass.h"

namespace kinglet::passes {

// clip(x + 3, 0, 6) / 6, also as a product with 1/6, is HardSigmoid with alpha 1/6 and beta 1/2.
Status fuse_hard_sigmoid(const Graph& graph, NodeId id, Patch* patch) {
  const Node& node = graph.node(id);
  bool div = is_op(node, "Div"), mul = is_op(node, "Mul");
  if ((!div && !mul) || node.inputs.size() != 2) return {};
  auto sixth = [&](ValueId v) { return is_about(scalar(graph, v, 1), div ? 6.0 : 1.0 / 6); };
  auto parts = either(node, sixth);
  if (!parts || (div && parts->second != node.inputs[1])) return {};
  const Node* clip = producer(graph, parts->first, "Clip");
  if (clip == nullptr || !read_once(graph, parts->first)) return {};
  if (scalar(graph, clip->input(1), 1) != 0.0 || !is_about(scalar(graph, clip->input(2), 1), 6)) return {};
  const Node* add = producer(graph, clip->input(0), "Add");
  if (add == nullptr || !read_once(graph, clip->input(0))) return {};
  auto sum = either(*add, [&](ValueId v) { return is_about(scalar(graph, v, 1), 3); });
  if (!sum) return {};
  Attributes attributes;
  attributes.set("alpha", 1.0f / 6);
  attributes.set("beta", 0.5f);
  patch->replace(node.outputs[0],
                 patch->add(make_node(node, "HardSigmoid", {sum->first}, std::move(attributes))));
  patch->remove(id);
  return {};
}

}  // namespace kinglet::passes
