#include "graph/patch.h"

#include <algorithm>

namespace kinglet {

ValueId Patch::add_constant(std::string name, Tensor value) {
  Edge edge{std::move(name), Type::tensor(value.dtype()), kNoNode, {}};
  edge.constant = std::move(value);
  edges_.push_back(std::move(edge));
  return next_++;
}

std::vector<ValueId> Patch::add_node(Node node, int outputs) {
  const Node& anchor = graph_.node(anchor_);
  if (node.name.empty()) node.name = anchor.name;
  if (node.opset == 0) node.opset = anchor.opset;
  std::vector<ValueId> ids;
  for (int i = 0; i < outputs; ++i) {
    edges_.push_back({str(node.name.empty() ? node.op : node.name, ":", next_), {}, kNoNode, {}});
    ids.push_back(next_++);
  }
  node.outputs = ids;
  nodes_.push_back(std::move(node));
  return ids;
}

DType Patch::dtype(ValueId id) const {
  if (id == kNoValue) return DType::kNone;
  auto count = static_cast<ValueId>(graph_.edge_count());
  return id < count ? graph_.edge(id).type.dtype : edges_[static_cast<size_t>(id - count)].type.dtype;
}

bool Patch::can_replace(const Graph& graph, ValueId old, ValueId by) {
  bool is_new = static_cast<size_t>(by) >= graph.edge_count();
  return is_new || !graph.is_output(old) ||
         (!graph.is_output(by) && std::ranges::find(graph.inputs, by) == graph.inputs.end());
}

void Patch::redirect(Graph& graph, ValueId old, ValueId by) {
  std::vector<NodeId> readers = std::move(graph.users_[static_cast<size_t>(old)]);
  graph.users_[static_cast<size_t>(old)].clear();
  for (NodeId reader : readers) {
    // A reader that is listed twice is changed at the first time.
    Graph::for_each_read(graph.node(reader), [&](ValueId& value) {
      if (value != old) return;
      value = by;
      graph.users_[static_cast<size_t>(by)].push_back(reader);
    });
  }
  Edge& from = graph.edge(old);
  Edge& to = graph.edge(by);
  if (to.type.kind == Type::Kind::kUnknown) to.type = from.type;
  if (!graph.is_output(old)) return;
  bool taken = graph.is_output(by) || std::ranges::find(graph.inputs, by) != graph.inputs.end();
  std::ranges::replace(graph.outputs, old, by);
  if (taken) return;
  to.name = std::move(from.name);
  from.name = str(to.name, ":replaced");
  if (from.type.has_shape) to.type = from.type;
}

void Patch::apply(Graph& graph) && {
  for (Edge& edge : edges_) {
    graph.edges_.push_back(std::move(edge));
    graph.users_.emplace_back();
  }
  std::vector<NodeId> added;
  for (Node& node : nodes_) added.push_back(graph.insert_node(std::move(node)));
  auto at = std::ranges::find(graph.order_, anchor_);
  graph.order_.insert(at, added.begin(), added.end());
  for (auto [old, by] : replaced_) redirect(graph, old, by);
  for (NodeId id : removed_) {
    Node& node = graph.node(id);
    Graph::for_each_read(node, [&](ValueId& value) {
      auto& users = graph.users_[static_cast<size_t>(value)];
      std::erase(users, id);
      if (users.empty() && !graph.is_output(value)) graph.edge(value).constant = {};
    });
    for (ValueId output : node.outputs) {
      if (output != kNoValue && graph.edge(output).producer == id) graph.edge(output).producer = kNoNode;
    }
    graph.order_.erase(std::ranges::find(graph.order_, id));
    // The id stays; what it held does not.
    node = {};
  }
}

}  // namespace kinglet
