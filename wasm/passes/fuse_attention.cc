#include <algorithm>

#include "ops/internal.h"
#include "ops/registry.h"
#include "passes/match.h"
#include "passes/pass.h"
#include "passes/sample_shapes.h"

namespace kinglet::passes {

namespace {

// One of Q, K, V: a value, and whether its rows come before its heads. Of five dimensions: all three side by
// side.
struct Operand {
  ValueId value = kNoValue;
  bool rows_first = false;
};

// Whether `perm` exchanges rows and heads of four dimensions, or rows and batch of three.
bool swaps_rows(const std::vector<int64_t>& perm) {
  return perm == std::vector<int64_t>{0, 2, 1, 3} || perm == std::vector<int64_t>{1, 0, 2};
}

// Takes multiplications with numbers off `value` and into `scale`.
ValueId without_scale(const Graph& graph, ValueId value, double* scale) {
  for (;;) {
    const Node* node = graph.producer(value);
    bool mul = node != nullptr && is_op(*node, "Mul"), div = node != nullptr && is_op(*node, "Div");
    if ((!mul && !div) || !read_once(graph, value)) return value;
    auto parts = either(*node, [&](ValueId v) { return scalar(graph, v, 1).has_value(); });
    if (!parts || (div && parts->second != node->inputs[1])) return value;
    double number = *scalar(graph, parts->second, 1);
    *scale *= mul ? number : 1 / number;
    value = parts->first;
  }
}

// x when `value` is part `part` of x [batch, rows, 3, heads, size], heads first.
ValueId packed(const Graph& graph, ValueId value, int part) {
  const Node* gather = producer(graph, value, "Gather");
  if (gather == nullptr || gather->attributes.get_int("axis") != 0 ||
      scalar(graph, gather->inputs[1]) != part)
    return kNoValue;
  const Node* turn = producer(graph, gather->inputs[0], "Transpose");
  if (turn == nullptr) return kNoValue;
  auto perm = turn->attributes.get_ints("perm");
  static constexpr int64_t kPartsFirst[] = {2, 0, 3, 1, 4};
  return std::ranges::equal(perm, kPartsFirst) ? turn->inputs[0] : kNoValue;
}

enum Part { kQ, kK, kV };

// K comes with its last two dimensions exchanged.
std::optional<Operand> operand_of(const Graph& graph, ValueId value, Part part, double* scale) {
  bool transposed = part == kK;
  if (scale != nullptr) value = without_scale(graph, value, scale);
  const Node* node = producer(graph, value, "Transpose");
  std::vector<int64_t> perm;
  if (node != nullptr) {
    auto given = node->attributes.get_ints("perm");
    perm.assign(given.begin(), given.end());
  }
  if (transposed) {
    if (perm.size() != 3 && perm.size() != 4) return std::nullopt;
    std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
    if (!swaps_rows(perm) && !std::ranges::is_sorted(perm)) return std::nullopt;
  }
  Operand out{value, swaps_rows(perm)};
  if (out.rows_first || transposed) {
    out.value = node->inputs[0];
    if (scale != nullptr) out.value = without_scale(graph, out.value, scale);
  }
  ValueId whole = out.rows_first ? kNoValue : packed(graph, out.value, part);
  if (whole != kNoValue) out.value = whole;
  return out;
}

using Shapes = std::vector<std::optional<Shape>>;

// MatMul(Softmax(scale MatMul(Q, K') + mask), V)
std::optional<Node> attention(const Graph& graph, const Node& node, Shapes* shapes) {
  const Node* softmax = producer(graph, node.inputs[0], "Softmax");
  if (softmax == nullptr || !read_once(graph, node.inputs[0])) return std::nullopt;
  double scale = 1;
  ValueId mask = kNoValue, scores = softmax->inputs[0];
  auto product_below = [&](ValueId v) {
    if (!read_once(graph, v)) return kNoValue;
    double ignored = 1;
    ValueId below = without_scale(graph, v, &ignored);
    return producer(graph, below, "MatMul") != nullptr && read_once(graph, below) ? below : kNoValue;
  };
  ValueId product = product_below(scores);
  if (const Node* add = product == kNoValue ? producer(graph, scores, "Add") : nullptr) {
    if (!read_once(graph, scores)) return std::nullopt;
    auto parts = either(*add, [&](ValueId v) { return product_below(v) == kNoValue; });
    if (!parts) return std::nullopt;
    scores = parts->first;
    mask = parts->second;
    product = product_below(scores);
  }
  if (product == kNoValue) return std::nullopt;
  without_scale(graph, scores, &scale);
  const Node& matmul = *graph.producer(product);
  auto q = operand_of(graph, matmul.inputs[0], kQ, &scale);
  auto k = operand_of(graph, matmul.inputs[1], kK, &scale);
  auto v = operand_of(graph, node.inputs[1], kV, nullptr);
  if (!q || !k || !v || scale == 0) return std::nullopt;
  // Shapes of the parts as they meet, before transposes are taken away.
  if (shapes->empty()) *shapes = sample_shapes(graph);
  auto shape = [&](ValueId id) {
    return static_cast<size_t>(id) < shapes->size() ? (*shapes)[static_cast<size_t>(id)] : std::nullopt;
  };
  auto sq = shape(matmul.inputs[0]), sk = shape(matmul.inputs[1]), sv = shape(node.inputs[1]);
  if (!sq || !sk || !sv || sq->rank() < 3 || sq->rank() > 4 || sk->rank() != sq->rank() ||
      sv->rank() != sq->rank())
    return std::nullopt;
  int rank = sq->rank();
  for (int i = 0; i < rank - 2; ++i) {
    // One head of keys and values may serve all of the queries.
    bool one = rank == 4 && i == 1 && sk->at(i) == 1;
    if (sk->at(i) != sv->at(i) || (sq->at(i) != sk->at(i) && !one)) return std::nullopt;
  }
  int64_t axis = softmax->attributes.get_int("axis", -1);
  if (axis != -1 && axis != rank - 1) return std::nullopt;
  if (mask != kNoValue) {
    Shape all = *sq;
    all[static_cast<size_t>(rank - 1)] = sk->at(-1);
    auto sm = shape(mask);
    auto together = sm ? broadcast(*sm, all) : Result<Shape>(Shape{});
    bool fits = sm && together.ok() && *together == all && sm->back() == all.back();
    if (!fits || sm->rank() < 2 || (rank == 3 && sm->rank() != 2)) return std::nullopt;
  }
  Attributes attributes;
  attributes.set("scale", static_cast<float>(scale));
  if (q->rows_first) attributes.set("q_rows_first", int64_t{1});
  if (k->rows_first) attributes.set("k_rows_first", int64_t{1});
  if (v->rows_first) attributes.set("v_rows_first", int64_t{1});
  Node out = make_node(node, "Attention", {q->value, k->value, v->value}, std::move(attributes), kKinglet);
  if (mask != kNoValue) out.inputs.push_back(mask);
  return out;
}

// Attention whose result is transposed to rows first.
std::optional<Node> turned(const Graph& graph, const Node& node) {
  const Node* inner = producer(graph, node.inputs[0], "Attention", kKinglet);
  if (inner == nullptr || !read_once(graph, node.inputs[0]) || inner->attributes.get_int("y_rows_first") != 0)
    return std::nullopt;
  auto perm = node.attributes.get_ints("perm");
  if (perm.size() != 4 || !swaps_rows({perm.begin(), perm.end()})) return std::nullopt;
  Node out = *inner;
  out.attributes.set("y_rows_first", int64_t{1});
  out.outputs.clear();
  return out;
}

}  // namespace

// Attention spelled out as two products with a Softmax between, and the transposes around it, is one node.
Result<bool> fuse_attention(Graph& graph) {
  Shapes shapes;
  bool changed = false;
  for (NodeId id : std::vector<NodeId>(graph.order())) {
    const Node& node = graph.node(id);
    std::optional<Node> whole;
    if (is_op(node, "MatMul") && is_float32(graph, node.outputs[0])) whole = attention(graph, node, &shapes);
    if (is_op(node, "Transpose")) whole = turned(graph, node);
    if (!whole) continue;
    whole->def = find_op(kKinglet, "Attention");
    Patch patch(graph, id);
    patch.replace(node.outputs[0], patch.add(std::move(*whole)));
    patch.remove(id);
    std::move(patch).apply(graph);
    changed = true;
  }
  return changed;
}

}  // namespace kinglet::passes
