#pragma once
// What passes ask of a graph.
#include <optional>
#include <string_view>

#include "graph/graph.h"
#include "ops/op.h"

namespace kinglet {

inline bool is_op(const Node& node, std::string_view op, std::string_view domain = kOnnx) {
  return node.op == op && node.domain == domain;
}
// The node that computes `id` if it is of this operator, or null.
inline const Node* producer(const Graph& graph, ValueId id, std::string_view op,
                            std::string_view domain = kOnnx) {
  const Node* node = graph.producer(id);
  return node != nullptr && is_op(*node, op, domain) ? node : nullptr;
}
// One reader, and not an output of the graph: what computes it can be changed for that reader alone.
inline bool read_once(const Graph& graph, ValueId id) {
  return graph.users(id).size() == 1 && !graph.is_output(id);
}

inline DType dtype_of(const Graph& graph, ValueId id) {
  return id == kNoValue ? DType::kNone : graph.edge(id).type.dtype;
}
inline bool is_float32(const Graph& graph, ValueId id) { return dtype_of(graph, id) == DType::kFloat32; }

// The number behind a constant of one element that does not add dimensions to what it is combined with: rank
// 0, or up to `max_rank`.
std::optional<double> scalar(const Graph& graph, ValueId id, int max_rank = 0);
// Equal but for the rounding of a float32.
bool is_about(std::optional<double> value, double expected);
// The constant as integers, when it is one of int64 or int32 with at most kMaxRank entries.
std::optional<Shape> constant_ints(const Graph& graph, ValueId id);
// The rank as it follows from constants, declared inputs and the operators between; -1 when not known.
int rank_of(const Graph& graph, ValueId id);

// The two inputs of a commutative node as (other, wanted), where `wanted` is accepted by `accept`; nothing
// when neither is.
template <class Accept>
std::optional<std::pair<ValueId, ValueId>> either(const Node& node, Accept&& accept) {
  if (node.inputs.size() != 2) return std::nullopt;
  if (accept(node.inputs[1])) return std::pair(node.inputs[0], node.inputs[1]);
  if (accept(node.inputs[0])) return std::pair(node.inputs[1], node.inputs[0]);
  return std::nullopt;
}

// A node of the operator with one output, named after `like`.
Node make_node(const Node& like, std::string_view op, std::vector<ValueId> inputs, Attributes attributes = {},
               std::string_view domain = kOnnx);

}  // namespace kinglet
