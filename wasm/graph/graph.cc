#include "graph/graph.h"

#include <algorithm>

namespace kinglet {

const Subgraph* Node::subgraph(std::string_view subgraph_name) const {
  auto it = std::ranges::find(subgraphs, subgraph_name, &Subgraph::name);
  return it == subgraphs.end() ? nullptr : &*it;
}

ValueId Graph::add_edge(std::string edge_name, Type type) {
  edges_.push_back({std::move(edge_name), std::move(type), kNoNode, {}});
  users_.emplace_back();
  return static_cast<ValueId>(edges_.size() - 1);
}

ValueId Graph::add_constant(std::string edge_name, Tensor value) {
  ValueId id = add_edge(std::move(edge_name), Type::tensor(value.dtype()));
  edge(id).constant = std::move(value);
  return id;
}

NodeId Graph::add_node(Node node) {
  NodeId id = insert_node(std::move(node));
  order_.push_back(id);
  return id;
}

NodeId Graph::insert_node(Node node) {
  auto id = static_cast<NodeId>(nodes_.size());
  for (ValueId output : node.outputs) {
    if (output != kNoValue) edge(output).producer = id;
  }
  nodes_.push_back(std::move(node));
  for_each_read(nodes_.back(), [&](ValueId& value) { users_[static_cast<size_t>(value)].push_back(id); });
  return id;
}

void Graph::replace_node(NodeId id, Node replacement) {
  Node& place = node(id);
  for_each_read(place, [&](ValueId& value) { std::erase(users_[static_cast<size_t>(value)], id); });
  place = std::move(replacement);
  for_each_read(place, [&](ValueId& value) { users_[static_cast<size_t>(value)].push_back(id); });
}

bool Graph::is_output(ValueId id) const { return std::ranges::find(outputs, id) != outputs.end(); }

}  // namespace kinglet
