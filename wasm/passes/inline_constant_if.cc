#include <algorithm>

#include "passes/match.h"
#include "passes/pass.h"

namespace kinglet::passes {

// An If whose condition is known becomes the nodes of its branch.
Status inline_constant_if(const Graph& graph, NodeId id, Patch* patch) {
  const Node& node = graph.node(id);
  if (!is_op(node, "If")) return {};
  const Tensor* condition = graph.constant(node.input(0));
  if (condition == nullptr || condition->dtype() != DType::kBool || condition->count() != 1) return {};
  const Subgraph* branch = node.subgraph(*condition->data<bool>() ? "then_branch" : "else_branch");
  if (branch == nullptr || branch->graph->inputs.size() != branch->captures.size() ||
      branch->graph->outputs.size() < node.outputs.size())
    return {};
  const Graph& body = *branch->graph;
  std::vector<ValueId> mapped(body.edge_count(), kNoValue);
  for (size_t i = 0; i < body.inputs.size(); ++i)
    mapped[static_cast<size_t>(body.inputs[i])] = branch->captures[i];
  auto map = [&](ValueId inner) {
    if (inner == kNoValue) return kNoValue;
    ValueId& outer = mapped[static_cast<size_t>(inner)];
    if (outer == kNoValue && body.edge(inner).is_constant())
      outer = patch->add_constant(body.edge(inner).name, body.edge(inner).constant);
    return outer;
  };
  for (NodeId n : body.order()) {
    Node copy = body.node(n);
    copy.def = nullptr;
    for (ValueId& input : copy.inputs) input = map(input);
    for (Subgraph& s : copy.subgraphs) {
      for (ValueId& capture : s.captures) capture = map(capture);
    }
    std::vector<ValueId> inner = copy.outputs;
    std::vector<ValueId> outer = patch->add_node(std::move(copy), static_cast<int>(inner.size()));
    for (size_t i = 0; i < inner.size(); ++i) {
      if (inner[i] != kNoValue) mapped[static_cast<size_t>(inner[i])] = outer[i];
    }
  }
  std::vector<ValueId> taken;
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] == kNoValue) continue;
    ValueId by = map(body.outputs[i]);
    // Two outputs of one value, or an output that is an input: each keeps its name by a node of its own.
    bool again = std::ranges::find(taken, by) != taken.end();
    if (again || !Patch::can_replace(graph, node.outputs[i], by))
      by = patch->add(make_node(node, "Identity", {by}));
    taken.push_back(by);
    patch->replace(node.outputs[i], by);
  }
  patch->remove(id);
  return {};
}

}  // namespace kinglet::passes
