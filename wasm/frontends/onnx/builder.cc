#include "frontends/onnx/builder.h"

#include <unordered_set>

#include "frontends/onnx/raise.h"
#include "ops/registry.h"
#include "ops/signature.h"

namespace kinglet::onnx {

namespace {

// Constants are read straight into the graph instead of becoming nodes.
Result<Tensor> constant_value(const Node& node) {
  KL_REQUIRE(node.attributes.all().size() == 1, kInvalidGraph, "Constant needs exactly one value, it has ",
             node.attributes.all().size());
  const AttributeValue& value = node.attributes.all()[0].value;
  if (const auto* tensor = std::get_if<Tensor>(&value)) return *tensor;
  if (const auto* number = std::get_if<int64_t>(&value)) return Tensor::scalar(*number);
  if (const auto* number = std::get_if<float>(&value)) return Tensor::scalar(*number);
  if (const auto* text = std::get_if<std::string>(&value)) return Tensor::scalar(*text);
  auto list = [](const auto& items) {
    using T = typename std::decay_t<decltype(items)>::value_type;
    return Tensor::of<T>({static_cast<int64_t>(items.size())}, items);
  };
  if (const auto* items = std::get_if<std::vector<int64_t>>(&value)) return list(*items);
  if (const auto* items = std::get_if<std::vector<float>>(&value)) return list(*items);
  if (const auto* items = std::get_if<std::vector<std::string>>(&value)) return list(*items);
  return fail(Code::kInvalidGraph, "Constant has a value of the wrong kind");
}

}  // namespace

Status Builder::graph(Bytes bytes, Scope& scope) {
  KL_REQUIRE(scope.depth < kMaxDepth, kLimitExceeded, "subgraphs are nested more than ", kMaxDepth, " deep");
  KL_ASSIGN(GraphMessage message, read_graph(bytes, &nodes_left_));
  Graph& graph = scope.graph;
  graph.name = message.name;
  std::unordered_set<std::string_view> formal;
  if (scope.outer == nullptr) KL_TRY(initializers(message, scope));
  for (Bytes b : message.inputs) {
    KL_ASSIGN(ValueMessage value, read_value(b));
    if (!formal.insert(value.name).second)
      return fail(Code::kInvalidGraph, "two inputs are called \"", value.name, "\"");
    if (scope.outer == nullptr && scope.find(value.name)) continue;
    KL_ASSIGN(ValueId id, scope.define(value.name, std::move(value.type)));
    graph.inputs.push_back(id);
  }
  if (scope.outer != nullptr) KL_TRY(initializers(message, scope));
  for (const auto* list : {&message.values, &message.outputs}) {
    for (Bytes b : *list) {
      KL_ASSIGN(ValueMessage value, read_value(b));
      // Extents of inner values are often stale; the outputs' are part of what the model declares.
      if (list == &message.values) value.type.has_shape = false, value.type.dims.clear();
      scope.declared.insert_or_assign(value.name, std::move(value.type));
    }
  }
  KL_TRY(nodes(message.nodes, scope));
  for (Bytes b : message.outputs) {
    KL_ASSIGN(ValueMessage value, read_value(b));
    std::optional<ValueId> found = scope.find(value.name);
    if (!found || *found == kNoValue)
      return fail(Code::kInvalidGraph, "nothing computes the output \"", value.name, "\"")
          .with("value", std::string(value.name));
    ValueId id = *found;
    if (scope.outer == nullptr && graph.edge(id).name != value.name) {
      // A function handed one of its inputs through.
      Node identity;
      identity.op = "Identity";
      identity.inputs = {id};
      id = graph.add_edge(std::string(value.name), value.type);
      identity.outputs = {id};
      emit(graph, std::move(identity));
    }
    graph.outputs.push_back(id);
  }
  return {};
}

Status Builder::initializers(const GraphMessage& message, Scope& scope) {
  for (const auto* list : {&message.initializers, &message.sparse_initializers}) {
    for (Bytes b : *list) {
      std::string_view name;
      bool dense = list == &message.initializers;
      auto tensor = dense ? read_tensor(b, storage_, &name) : read_sparse_tensor(b, storage_, &name);
      if (!tensor.ok()) return std::move(tensor.status()).with("value", std::string(name));
      KL_REQUIRE(!name.empty(), kInvalidGraph, "an initializer has no name");
      if (scope.outer != nullptr && scope.is_own(name)) continue;
      KL_TRY(scope.bind(name, scope.graph.add_constant(std::string(name), std::move(*tensor))));
    }
  }
  return {};
}

Status Builder::nodes(const std::vector<NodeMessage>& list, Scope& scope) {
  KL_ASSIGN(std::vector<size_t> order, sorted(list));
  for (size_t i : order) {
    const NodeMessage& message = list[i];
    Status status = node(message, scope);
    if (!status.ok()) {
      status.with("node", str(scope.call ? scope.call->prefix : "", message.name));
      status.with("op", str(message.domain, message.domain.empty() ? "" : ".", message.op));
      status.with("opset", str(scope.opset(message.domain)));
      return status;
    }
  }
  return {};
}

Status Builder::node(const NodeMessage& message, Scope& scope) {
  if (const FunctionMessage* function = find_function(message))
    return inline_function(*function, message, scope);
  Node node;
  node.domain = message.domain;
  node.op = message.op;
  node.name = str(scope.call ? scope.call->prefix : "", message.name);
  node.opset = scope.opset(message.domain);
  KL_REQUIRE(node.opset > 0, kInvalidModel, "the model imports no opset of domain \"", message.domain, "\"");
  for (std::string_view name : message.inputs) {
    if (name.empty()) {
      node.inputs.push_back(kNoValue);
      continue;
    }
    std::optional<ValueId> id = scope.find(name);
    if (!id)
      return fail(Code::kInvalidGraph, "nothing computes the input \"", name, "\"")
          .with("value", std::string(name));
    node.inputs.push_back(*id);
  }
  while (!node.inputs.empty() && node.inputs.back() == kNoValue) node.inputs.pop_back();
  KL_TRY(attributes(message, scope, &node));
  if (node.domain.empty() && node.op == "Constant") {
    KL_REQUIRE(message.outputs.size() == 1, kInvalidGraph, "Constant has ", message.outputs.size(),
               " outputs");
    KL_ASSIGN(Tensor value, constant_value(node));
    KL_REQUIRE(scope.graph.edge_count() < kMaxEdges, kLimitExceeded, "more than ", kMaxEdges, " values");
    std::string name = str(scope.call ? scope.call->prefix : "", message.outputs[0]);
    return scope.bind(message.outputs[0], scope.graph.add_constant(std::move(name), std::move(value)));
  }
  for (std::string_view name : message.outputs) {
    if (name.empty()) {
      node.outputs.push_back(kNoValue);
      continue;
    }
    KL_ASSIGN(ValueId id, scope.define(name));
    node.outputs.push_back(id);
  }
  while (!node.outputs.empty() && node.outputs.back() == kNoValue) node.outputs.pop_back();
  if (node.outputs.empty()) return {};
  Raiser raiser(*this, scope.graph, std::move(node));
  return raiser.run();
}

Status Builder::attributes(const NodeMessage& message, Scope& scope, Node* node) {
  for (Bytes bytes : message.attributes) {
    KL_ASSIGN(AttributeMessage attribute, read_attribute(bytes));
    bool reference = !attribute.reference.empty();
    std::optional<Bytes> resolved = resolve_attribute(attribute, bytes, scope.call);
    if (!resolved) continue;
    if (reference) {
      KL_ASSIGN(AttributeMessage given, read_attribute(*resolved));
      attribute.kind = given.kind;
    }
    bool twice = node->attributes.has(attribute.name) || node->subgraph(attribute.name) != nullptr;
    KL_REQUIRE(!twice, kInvalidGraph, "attribute ", attribute.name, " is given twice");
    if (attribute.kind == AttributeMessage::kGraph) {
      KL_REQUIRE(!reference, kUnsupportedFeature, "functions with subgraphs as parameters are not supported");
      KL_TRY(subgraph(attribute.name, *resolved, scope, node));
      continue;
    }
    auto value = read_attribute_value(*resolved, attribute.kind, storage_);
    if (!value.ok()) return std::move(value.status()).with("attribute", std::string(attribute.name));
    node->attributes.set(attribute.name, std::move(*value));
  }
  return {};
}

Status Builder::subgraph(std::string_view name, Bytes bytes, Scope& scope, Node* node) {
  KL_ASSIGN(Bytes body, read_attribute_graph(bytes));
  Subgraph sub;
  sub.name = name;
  sub.graph = std::make_shared<Graph>();
  Scope inner(*sub.graph);
  inner.outer = &scope;
  inner.captures = &sub.captures;
  inner.call = scope.call;
  inner.opsets = scope.opsets;
  inner.depth = scope.depth + 1;
  KL_TRY(graph(body, inner));
  node->subgraphs.push_back(std::move(sub));
  return {};
}

NodeId Builder::emit(Graph& graph, Node node) {
  bool older = node.opset < 18;
  NodeId id = graph.add_node(std::move(node));
  Node& added = graph.node(id);
  added.def = find_op(added.domain, added.op);
  // Raising asks for element types. Faults are found again, and told, by `bind`.
  if (older && added.def != nullptr) (void)check_node(graph, id).ok();
  return id;
}

}  // namespace kinglet::onnx
