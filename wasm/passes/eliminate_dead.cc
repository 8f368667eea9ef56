#include <algorithm>

#include "passes/pass.h"

namespace kinglet::passes {

// Removes nodes whose outputs nobody reads and lets go of constants likewise. An output that is not read, of
// a node that is needed, becomes absent, so that it is not computed.
Result<bool> eliminate_dead(Graph& graph) {
  bool changed = false;
  auto wanted = [&](ValueId id) {
    return id != kNoValue && (!graph.users(id).empty() || graph.is_output(id));
  };
  std::vector<NodeId> order = graph.order();
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    Node& node = graph.node(*it);
    if (std::ranges::none_of(node.outputs, wanted)) {
      Patch patch(graph, *it);
      patch.remove(*it);
      std::move(patch).apply(graph);
      changed = true;
      continue;
    }
    // Bodies answer for all outputs of their node by position.
    for (ValueId& output : node.outputs) {
      // The first one stays (ops/signature.h).
      if (&output == node.outputs.data() || output == kNoValue || wanted(output)) continue;
      graph.edge(output).producer = kNoNode;
      output = kNoValue;
      changed = true;
    }
    while (node.subgraphs.empty() && node.outputs.back() == kNoValue) node.outputs.pop_back();
  }
  for (ValueId id = 0; id < static_cast<ValueId>(graph.edge_count()); ++id) {
    if (graph.edge(id).is_constant() && !wanted(id)) graph.edge(id).constant = {};
  }
  return changed;
}

}  // namespace kinglet::passes
