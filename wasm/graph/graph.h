#pragma once
// The portable form of a model: values (edges) and nodes in topological order. It is changed only through a
// Patch (graph/patch.h) once a front end has built it, and can be printed and parsed (graph/text.h).
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/value.h"
#include "graph/attributes.h"

namespace kinglet {

using ValueId = int32_t;
using NodeId = int32_t;
// An input that is not given, or an output that nobody wants.
inline constexpr ValueId kNoValue = -1;
inline constexpr NodeId kNoNode = -1;

struct OpDef;  // ops/op.h
class Graph;

struct Edge {
  std::string name;
  // As declared or inferred by dtype; what is not known stays open.
  Type type;
  // The node that computes it; kNoNode for graph inputs and constants.
  NodeId producer = kNoNode;
  // Set for constants (initializers, folded values); shares the model's bytes.
  Tensor constant;
  bool is_constant() const { return !constant.empty(); }
};

// A body of If, Loop, Scan, SequenceMap. It is closed: what it uses of the outer graph comes through extra
// inputs at the end of its input list, which the node passes as `captures`. Outer constants are copied in as
// its own constants.
struct Subgraph {
  std::string name;  // "then_branch", "body", ...
  std::shared_ptr<Graph> graph;
  // Values of the outer graph for the last captures.size() inputs of `graph`.
  std::vector<ValueId> captures;
};

struct Node {
  std::string domain;  // "" is ai.onnx
  std::string op;
  std::string name;
  int opset = 0;  // of the domain, as the model declared it; for messages
  Attributes attributes;
  std::vector<ValueId> inputs;   // kNoValue where an optional input is absent
  std::vector<ValueId> outputs;  // kNoValue where an output is not wanted
  std::vector<Subgraph> subgraphs;
  // Set by `bind` (ops/registry.h).
  const OpDef* def = nullptr;

  ValueId input(size_t i) const { return i < inputs.size() ? inputs[i] : kNoValue; }
  ValueId output(size_t i) const { return i < outputs.size() ? outputs[i] : kNoValue; }
  const Subgraph* subgraph(std::string_view subgraph_name) const;
};

class Graph {
 public:
  std::string name;
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;

  ValueId add_edge(std::string edge_name, Type type = {});
  ValueId add_constant(std::string edge_name, Tensor value);
  // Appends behind all nodes; its inputs exist already. Later changes of inputs and captures go through a
  // Patch.
  NodeId add_node(Node node);

  // Puts `node` in place of one with the same outputs and place in the order; its inputs and captures may
  // differ.
  void replace_node(NodeId id, Node node);

  const Edge& edge(ValueId id) const { return edges_[static_cast<size_t>(id)]; }
  Edge& edge(ValueId id) { return edges_[static_cast<size_t>(id)]; }
  const Node& node(NodeId id) const { return nodes_[static_cast<size_t>(id)]; }
  Node& node(NodeId id) { return nodes_[static_cast<size_t>(id)]; }
  size_t edge_count() const { return edges_.size(); }
  // Upper bound of node ids; removed nodes are not in `order`.
  size_t node_count() const { return nodes_.size(); }
  // Live nodes, each after the producers of its inputs and captures.
  const std::vector<NodeId>& order() const { return order_; }
  bool is_output(ValueId id) const;
  // Nodes that read `id` as input or capture, once for each reading and in no order; graph outputs not
  // counted.
  const std::vector<NodeId>& users(ValueId id) const { return users_[static_cast<size_t>(id)]; }
  // The constant behind `id`, or null (also for kNoValue).
  const Tensor* constant(ValueId id) const {
    return id != kNoValue && edge(id).is_constant() ? &edge(id).constant : nullptr;
  }
  // The node that computes `id`, or null.
  const Node* producer(ValueId id) const {
    return id != kNoValue && edge(id).producer != kNoNode ? &node(edge(id).producer) : nullptr;
  }

 private:
  friend class Patch;
  // Adds to all but `order_`.
  NodeId insert_node(Node node);
  // Calls f(ValueId&) for every present input and capture.
  template <class F>
  static void for_each_read(Node& node, F&& f) {
    for (ValueId& input : node.inputs) {
      if (input != kNoValue) f(input);
    }
    for (Subgraph& s : node.subgraphs) {
      for (ValueId& capture : s.captures) f(capture);
    }
  }
  std::vector<Edge> edges_;
  std::vector<Node> nodes_;
  std::vector<NodeId> order_;
  std::vector<std::vector<NodeId>> users_;  // by value
};

}  // namespace kinglet
