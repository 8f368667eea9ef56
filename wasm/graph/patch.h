#pragma once
#include <string>
#include <utility>
#include <vector>

#include "graph/graph.h"

namespace kinglet {

// A proposed change of a graph: built against a graph that stays as it is, then applied at once. The only way
// in which passes and expansions change a graph.
class Patch {
 public:
  // New nodes go right before node `anchor`, so their inputs must be available there.
  Patch(const Graph& graph, NodeId anchor)
      : graph_(graph), anchor_(anchor), next_(static_cast<ValueId>(graph.edge_count())) {}

  const Graph& graph() const { return graph_; }
  bool empty() const { return nodes_.empty() && replaced_.empty() && removed_.empty(); }
  NodeId anchor() const { return anchor_; }

  ValueId add_constant(std::string name, Tensor value);
  // Adds a node with `outputs` new edges and returns their ids. A name that is empty becomes the anchor's.
  std::vector<ValueId> add_node(Node node, int outputs);
  // The same for one output.
  ValueId add(Node node) { return add_node(std::move(node), 1)[0]; }
  // All readers of `old`, and the graph's outputs, read `by` instead. `by` takes over the name of a graph
  // output; it keeps its own where it is a graph input or an output itself (see `can_replace`).
  void replace(ValueId old, ValueId by) { replaced_.emplace_back(old, by); }
  // False when `old` is a graph output whose name would be lost.
  static bool can_replace(const Graph& graph, ValueId old, ValueId by);
  void remove(NodeId node) { removed_.push_back(node); }
  // The type of an edge of the graph or of this patch (kNone if unknown).
  DType dtype(ValueId id) const;

  void apply(Graph& graph) &&;

 private:
  static void redirect(Graph& graph, ValueId old, ValueId by);

  const Graph& graph_;
  NodeId anchor_;
  ValueId next_;
  std::vector<Edge> edges_;
  std::vector<Node> nodes_;
  std::vector<std::pair<ValueId, ValueId>> replaced_;
  std::vector<NodeId> removed_;
};

}  // namespace kinglet
