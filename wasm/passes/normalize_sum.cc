#include "passes/match.h"
#include "passes/pass.h"

namespace kinglet::passes {

// A Sum of two is an Add, which other passes know.
Status normalize_sum(const Graph& graph, NodeId id, Patch* patch) {
  const Node& node = graph.node(id);
  if (!is_op(node, "Sum") || node.inputs.size() != 2) return {};
  patch->replace(node.outputs[0], patch->add(make_node(node, "Add", node.inputs)));
  patch->remove(id);
  return {};
}

}  // namespace kinglet::passes
