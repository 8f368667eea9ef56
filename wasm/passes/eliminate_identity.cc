#include <algorithm>
#include <limits>

#include "passes/match.h"
#include "passes/pass.h"

namespace kinglet::passes {

namespace {

bool all_are(const std::optional<Shape>& list, int64_t value) {
  return list && std::ranges::all_of(*list, [&](int64_t v) { return v == value; });
}

// Every part of the node says that it hands its first input through unchanged.
bool hands_through(const Graph& graph, const Node& node) {
  std::string_view op = node.op;
  if (op == "Identity") return true;
  if (op == "Dropout") {
    const Tensor* training = graph.constant(node.input(2));
    bool off = node.input(2) == kNoValue ||
               (training != nullptr && training->count() == 1 && training->number(0) == 0);
    return off && (node.output(1) == kNoValue);
  }
  if (op == "Cast") {
    DType from = dtype_of(graph, node.input(0));
    return from != DType::kNone && static_cast<int64_t>(from) == node.attributes.get_int("to");
  }
  if (op == "CastLike") {
    DType from = dtype_of(graph, node.input(0));
    return from != DType::kNone && from == dtype_of(graph, node.input(1));
  }
  if (op == "Transpose") {
    auto perm = node.attributes.get_ints("perm");
    for (size_t i = 0; i < perm.size(); ++i) {
      if (perm[i] != static_cast<int64_t>(i)) return false;
    }
    return !perm.empty();
  }
  if (op == "Pad") return all_are(constant_ints(graph, node.input(1)), 0);
  if (op == "Slice") {
    auto ends = constant_ints(graph, node.input(2));
    bool to_end = ends && std::ranges::all_of(
                              *ends, [](int64_t e) { return e >= std::numeric_limits<int32_t>::max(); });
    bool by_one = node.input(4) == kNoValue || all_are(constant_ints(graph, node.input(4)), 1);
    return all_are(constant_ints(graph, node.input(1)), 0) && to_end && by_one;
  }
  if (op == "Expand" || op == "Tile") {
    auto list = constant_ints(graph, node.input(1));
    int rank = rank_of(graph, node.input(0));
    return all_are(list, 1) && (op == "Tile" || (rank >= 0 && list->rank() <= rank));
  }
  if (op == "Concat" || op == "Sum" || op == "Max" || op == "Min" || op == "Mean")
    return node.inputs.size() == 1;
  if (op == "Clip") return node.inputs.size() == 1;
  // x * 1, x / 1, x ^ 1. A scalar of rank 1 would add a dimension to one of rank 0.
  if ((op == "Mul" || op == "Div" || op == "Pow") && node.inputs.size() == 2) {
    int max_rank = std::max(rank_of(graph, node.inputs[0]), 0);
    bool same_type = dtype_of(graph, node.inputs[0]) == dtype_of(graph, node.inputs[1]);
    return same_type && scalar(graph, node.inputs[1], max_rank) == 1.0;
  }
  return false;
}

}  // namespace

// Removes nodes that hand their first input through.
Status eliminate_identity(const Graph& graph, NodeId id, Patch* patch) {
  const Node& node = graph.node(id);
  if (node.domain != kOnnx || node.input(0) == kNoValue || node.output(0) == kNoValue) return {};
  if (!hands_through(graph, node) || !Patch::can_replace(graph, node.output(0), node.input(0))) return {};
  patch->replace(node.output(0), node.input(0));
  patch->remove(id);
  return {};
}

}  // namespace kinglet::passes
