#include <algorithm>

#include "passes/match.h"
#include "passes/pass.h"

namespace kinglet::passes {

// A Reshape to a shape that takes nothing from its input makes a Reshape, Flatten, Squeeze or Unsqueeze
// before it needless.
Status merge_reshapes(const Graph& graph, NodeId id, Patch* patch) {
  const Node& node = graph.node(id);
  if (!is_op(node, "Reshape")) return {};
  auto shape = constant_ints(graph, node.input(1));
  if (!shape || std::ranges::find(*shape, 0) != shape->end()) return {};
  const Node* before = graph.producer(node.input(0));
  if (before == nullptr || before->domain != kOnnx) return {};
  if (before->op != "Reshape" && before->op != "Flatten" && before->op != "Squeeze" &&
      before->op != "Unsqueeze")
    return {};
  ValueId merged = patch->add(make_node(node, "Reshape", {before->input(0), node.input(1)}, node.attributes));
  patch->replace(node.outputs[0], merged);
  patch->remove(id);
  return {};
}

}  // namespace kinglet::passes
