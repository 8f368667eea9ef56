#include "frontends/onnx/scope.h"

#include <algorithm>

namespace kinglet::onnx {

std::optional<ValueId> Scope::find(std::string_view name) {
  if (auto it = names_.find(name); it != names_.end()) return it->second;
  if (outer == nullptr) return std::nullopt;
  std::optional<ValueId> around = outer->find(name);
  if (!around || *around == kNoValue) return around;
  const Edge& edge = outer->graph.edge(*around);
  ValueId id;
  if (edge.is_constant()) {
    id = graph.add_constant(edge.name, edge.constant);
  } else {
    id = graph.add_edge(edge.name, edge.type);
    graph.inputs.push_back(id);
    captures->push_back(*around);
  }
  names_.emplace(name, id);
  return id;
}

Result<ValueId> Scope::define(std::string_view name, Type type) {
  if (auto it = declared.find(name); it != declared.end() && type.kind == Type::Kind::kUnknown)
    type = it->second;
  KL_REQUIRE(graph.edge_count() < kMaxEdges, kLimitExceeded, "more than ", kMaxEdges, " values");
  ValueId id = graph.add_edge(call ? str(call->prefix, name) : std::string(name), std::move(type));
  KL_TRY(bind(name, id));
  return id;
}

Status Scope::bind(std::string_view name, ValueId id) {
  if (names_.emplace(name, id).second) return {};
  return fail(Code::kInvalidGraph, "two values are called \"", name, "\"").with("value", std::string(name));
}

int Scope::opset(std::string_view domain) const {
  auto it = std::ranges::find(*opsets, domain, &OpsetMessage::domain);
  return it == opsets->end() ? 0 : static_cast<int>(it->version);
}

}  // namespace kinglet::onnx
