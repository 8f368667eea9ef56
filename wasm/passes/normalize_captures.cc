#include <algorithm>

#include "passes/pass.h"

namespace kinglet::passes {

// Captures of constants become constants of the body; captures that the body does not read go.
Result<bool> normalize_captures(Graph& graph) {
  bool changed = false;
  for (NodeId id : std::vector<NodeId>(graph.order())) {
    if (graph.node(id).subgraphs.empty()) continue;
    Node node = graph.node(id);
    bool here = false;
    for (Subgraph& s : node.subgraphs) {
      Graph& body = *s.graph;
      size_t formals = body.inputs.size() - s.captures.size();
      for (size_t i = s.captures.size(); i-- > 0;) {
        ValueId inner = body.inputs[formals + i];
        const Tensor* constant = graph.constant(s.captures[i]);
        bool read = !body.users(inner).empty() || body.is_output(inner);
        if (read && constant == nullptr) continue;
        if (read) body.edge(inner).constant = *constant;
        body.inputs.erase(body.inputs.begin() + static_cast<std::ptrdiff_t>(formals + i));
        s.captures.erase(s.captures.begin() + static_cast<std::ptrdiff_t>(i));
        here = true;
      }
    }
    if (!here) continue;
    graph.replace_node(id, std::move(node));
    changed = true;
  }
  return changed;
}

}  // namespace kinglet::passes
