#pragma once
// Messages -> graph: names are resolved, functions inlined, subgraphs closed, operators raised.
#include "frontends/onnx/scope.h"

namespace kinglet::onnx {

class Builder {
 public:
  Builder(const ModelMessage& model, Storage& storage, size_t nodes_left)
      : model_(model), storage_(storage), nodes_left_(nodes_left) {}

  // One failure that names all operators which the model uses and nobody knows, bodies and functions
  // included.
  Status know_operators() const;
  // The model's function that `message` calls; null when it is an operator.
  const FunctionMessage* find_function(const NodeMessage& message) const;
  // Reads a GraphProto into `scope.graph`. The model's graph (`scope.outer` null) loses inputs that have an
  // initializer; bodies keep theirs and ignore the initializer.
  Status graph(Bytes bytes, Scope& scope);

 private:
  friend class Raiser;
  // builder.cc
  Status initializers(const GraphMessage& message, Scope& scope);
  Status nodes(const std::vector<NodeMessage>& list, Scope& scope);
  Status node(const NodeMessage& message, Scope& scope);
  Status attributes(const NodeMessage& message, Scope& scope, Node* node);
  Status subgraph(std::string_view name, Bytes bytes, Scope& scope, Node* node);
  // Appends a node whose inputs and outputs are set, as it is.
  NodeId emit(Graph& graph, Node node);
  // function.cc
  Status inline_function(const FunctionMessage& function, const NodeMessage& message, Scope& scope);

  const ModelMessage& model_;
  Storage& storage_;
  size_t nodes_left_;
};

// The bytes behind an attribute: its own, or those that a function's caller gave. Nothing when the caller
// gave none.
std::optional<Bytes> resolve_attribute(const AttributeMessage& attribute, Bytes bytes, const Call* call);

// The indices of `list` so that each node comes after those that compute its inputs; fails for cycles.
Result<std::vector<size_t>> sorted(const std::vector<NodeMessage>& list);

}  // namespace kinglet::onnx
