#include "graph/graph.h"

#include <algorithm>

namespace kinglet {

const Subgraph* Node::subgraph(std::string_view subgraph_name) const {
  auto it = std::ranges::find(subgraphs, subgraph_name, &Subgraph::name);
  return it == subgraphs.end() ? nullptr : &*it;
}

ValueId Graph::add_edge(std::string edge_name, Type type) {
  edges_.push_back({std::move(edge_name), std::move(type), kNoNode, {}});
  return static_cast<ValueId>(edges_.size() - 1);
}

ValueId Graph::add_constant(std::string edge_name, Tensor value) {
  ValueId id = add_edge(std::move(edge_name), Type::tensor(value.dtype()));
  edge(id).constant = std::move(value);
  return id;
}

NodeId Graph::add_node(Node node) {
  auto id = static_cast<NodeId>(nodes_.size());
  for (ValueId output : node.outputs) {
    if (output != kNoValue) edge(output).producer = id;
  }
  nodes_.push_back(std::move(node));
  order_.push_back(id);
  return id;
}

bool Graph::is_output(ValueId id) const { return std::ranges::find(outputs, id) != outputs.end(); }

std::vector<NodeId> Graph::users(ValueId id) const {
  std::vector<NodeId> out;
  for (NodeId n : order_) {
    for (ValueId input : node(n).inputs) {
      if (input == id) out.push_back(n);
    }
    for (const Subgraph& s : node(n).subgraphs) {
      for (ValueId capture : s.captures) {
        if (capture == id) out.push_back(n);
      }
    }
  }
  return out;
}

}  // namespace kinglet
