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

void Patch::apply(Graph& graph) && {
  for (Edge& edge : edges_) graph.edges_.push_back(std::move(edge));
  std::vector<NodeId> added;
  for (Node& node : nodes_) {
    auto id = static_cast<NodeId>(graph.nodes_.size());
    for (ValueId output : node.outputs) graph.edge(output).producer = id;
    graph.nodes_.push_back(std::move(node));
    added.push_back(id);
  }
  auto at = std::ranges::find(graph.order_, anchor_);
  graph.order_.insert(at, added.begin(), added.end());
  for (auto [old, by] : replaced_) {
    for (NodeId n : graph.order_) {
      Node& node = graph.node(n);
      std::ranges::replace(node.inputs, old, by);
      for (Subgraph& s : node.subgraphs) std::ranges::replace(s.captures, old, by);
    }
    if (graph.is_output(old)) {
      std::string name = graph.edge(old).name;
      graph.edge(old).name += ":replaced";
      // `by` may be an output already (or an input): then the two outputs share it and the name stays with
      // the first.
      bool taken = graph.is_output(by) || std::ranges::find(graph.inputs, by) != graph.inputs.end();
      if (!taken) graph.edge(by).name = std::move(name);
      Type declared = graph.edge(old).type;
      if (!taken && declared.has_shape) graph.edge(by).type = std::move(declared);
      std::ranges::replace(graph.outputs, old, by);
    }
  }
  for (NodeId n : removed_) {
    for (ValueId output : graph.node(n).outputs) {
      if (output != kNoValue && graph.edge(output).producer == n) graph.edge(output).producer = kNoNode;
    }
    std::erase(graph.order_, n);
  }
}

}  // namespace kinglet
