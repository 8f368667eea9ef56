#include <algorithm>

#include "frontends/onnx/builder.h"

namespace kinglet::onnx {

std::optional<Bytes> resolve_attribute(const AttributeMessage& attribute, Bytes bytes, const Call* call) {
  if (attribute.reference.empty()) return bytes;
  if (call == nullptr) return std::nullopt;
  auto it =
      std::ranges::find(call->attributes, attribute.reference, &std::pair<std::string_view, Bytes>::first);
  if (it == call->attributes.end()) return std::nullopt;
  return it->second;
}

const FunctionMessage* Builder::find_function(const NodeMessage& message) const {
  for (const FunctionMessage& f : model_.functions) {
    if (f.name == message.op && f.domain == message.domain && f.overload == message.overload) return &f;
  }
  return nullptr;
}

Status Builder::inline_function(const FunctionMessage& function, const NodeMessage& message, Scope& scope) {
  KL_REQUIRE(scope.depth < kMaxDepth, kLimitExceeded, "functions are nested more than ", kMaxDepth, " deep");
  for (const Call* c = scope.call; c != nullptr; c = c->caller)
    KL_REQUIRE(c->function != &function, kInvalidGraph, "function ", function.name, " calls itself");
  KL_REQUIRE(message.inputs.size() <= function.inputs.size(), kInvalidGraph, "function ", function.name,
             " takes ", function.inputs.size(), " inputs, ", message.inputs.size(), " are given");
  KL_REQUIRE(message.outputs.size() <= function.outputs.size(), kInvalidGraph, "function ", function.name,
             " has ", function.outputs.size(), " outputs, ", message.outputs.size(), " are taken");
  KL_REQUIRE(function.nodes.size() <= nodes_left_, kLimitExceeded, "more than ", kMaxNodes, " nodes");
  nodes_left_ -= function.nodes.size();

  std::string_view label = message.name;
  if (label.empty()) label = message.outputs.empty() ? function.name : message.outputs[0];
  Call call{&function, {}, scope.call, str(scope.call ? scope.call->prefix : "", label, "/")};
  auto add = [&](Bytes bytes, bool given) -> Status {
    KL_ASSIGN(AttributeMessage attribute, read_attribute(bytes));
    auto known =
        std::ranges::find(call.attributes, attribute.name, &std::pair<std::string_view, Bytes>::first);
    if (known != call.attributes.end()) return {};
    std::optional<Bytes> resolved = resolve_attribute(attribute, bytes, given ? scope.call : nullptr);
    if (resolved) call.attributes.emplace_back(attribute.name, *resolved);
    return {};
  };
  for (Bytes bytes : message.attributes) KL_TRY(add(bytes, true));
  for (Bytes bytes : function.defaults) KL_TRY(add(bytes, false));

  Scope inner(scope.graph);
  inner.call = &call;
  inner.opsets = &function.opsets;
  inner.depth = scope.depth + 1;
  for (size_t i = 0; i < function.inputs.size(); ++i) {
    ValueId id = kNoValue;
    if (i < message.inputs.size() && !message.inputs[i].empty()) {
      std::optional<ValueId> found = scope.find(message.inputs[i]);
      KL_REQUIRE(found, kInvalidGraph, "nothing computes the input \"", message.inputs[i], "\"");
      id = *found;
    }
    KL_TRY(inner.bind(function.inputs[i], id));
  }
  KL_TRY(nodes(function.nodes, inner));
  for (size_t i = 0; i < message.outputs.size(); ++i) {
    std::string_view name = message.outputs[i];
    if (name.empty()) continue;
    std::optional<ValueId> id = inner.find(function.outputs[i]);
    KL_REQUIRE(id && *id != kNoValue, kInvalidGraph, "nothing computes the output \"", function.outputs[i],
               "\" of ", function.name);
    KL_TRY(scope.bind(name, *id));
    Edge& edge = scope.graph.edge(*id);
    // Values made inside take the caller's name; inputs and constants that are handed through keep theirs.
    if (edge.producer != kNoNode && edge.name.starts_with(call.prefix)) {
      edge.name = str(scope.call ? scope.call->prefix : "", name);
      auto type = scope.declared.find(name);
      if (type != scope.declared.end() && edge.type.dtype == DType::kNone) edge.type = type->second;
    }
  }
  return {};
}

}  // namespace kinglet::onnx
