#include "passes/match.h"
#include "passes/pass.h"

namespace kinglet::passes {

// x * Sigmoid(x) is Swish; so is x * Sigmoid(alpha * x).
Status fuse_swish(const Graph& graph, NodeId id, Patch* patch) {
  const Node& node = graph.node(id);
  if (!is_op(node, "Mul") || node.inputs.size() != 2) return {};
  for (size_t i : {size_t{0}, size_t{1}}) {
    ValueId x = node.inputs[1 - i];
    const Node* sigmoid = producer(graph, node.inputs[i], "Sigmoid");
    if (sigmoid == nullptr || !read_once(graph, node.inputs[i])) continue;
    double alpha = 1;
    if (sigmoid->inputs[0] != x) {
      const Node* scaled = producer(graph, sigmoid->inputs[0], "Mul");
      if (scaled == nullptr || !read_once(graph, sigmoid->inputs[0])) continue;
      auto parts = either(*scaled, [&](ValueId v) { return scalar(graph, v).has_value(); });
      if (!parts || parts->first != x) continue;
      alpha = *scalar(graph, parts->second);
    }
    Attributes attributes;
    attributes.set("alpha", static_cast<float>(alpha));
    patch->replace(node.outputs[0], patch->add(make_node(node, "Swish", {x}, std::move(attributes))));
    patch->remove(id);
    return {};
  }
  return {};
}

}  // namespace kinglet::passes
