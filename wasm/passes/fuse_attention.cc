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

using Shapes = std::vector<std::optional<Shape>>;

const Shape* shape_of(const Shapes& shapes, ValueId id) {
  auto i = static_cast<size_t>(id);
  return i < shapes.size() && shapes[i] ? &*shapes[i] : nullptr;
}

ValueId add(Patch* patch, const Node& like, const char* op, std::vector<ValueId> inputs) {
  Node node = make_node(like, op, std::move(inputs));
  node.def = find_op(kOnnx, op);
  return patch->add(std::move(node));
}

// What scores are multiplied with: a number, and a value of one element.
struct Scale {
  double number = 1;
  ValueId value = kNoValue;
};

// Takes multiplications with single elements off `value` and into `scale`.
ValueId without_scale(Patch* patch, const Shapes& shapes, ValueId value, Scale* scale) {
  const Graph& graph = patch->graph();
  for (;;) {
    const Node* node = graph.producer(value);
    bool mul = node != nullptr && is_op(*node, "Mul"), div = node != nullptr && is_op(*node, "Div");
    if ((!mul && !div) || !read_once(graph, value)) return value;
    auto parts = either(*node, [&](ValueId v) {
      const Shape* shape = shape_of(shapes, v);
      return shape != nullptr && shape->rank() <= 1 && shape->count() == 1;
    });
    if (!parts || (div && parts->second != node->inputs[1])) return value;
    value = parts->first;
    if (auto number = scalar(graph, parts->second, 1)) {
      scale->number *= mul ? *number : 1 / *number;
    } else {
      if (scale->value == kNoValue) scale->value = patch->add_constant("", *Tensor::scalar(1.0f));
      scale->value = add(patch, *node, mul ? "Mul" : "Div", {scale->value, parts->second});
    }
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

// x [batch, heads, rows, size] when `value` is x with rows and size exchanged while batch and heads were one.
ValueId swapped(const Graph& graph, const Shapes& shapes, ValueId value) {
  const Node* split = producer(graph, value, "Reshape");
  const Node* turn = split == nullptr ? nullptr : producer(graph, split->input(0), "Transpose");
  const Node* merge = turn == nullptr ? nullptr : producer(graph, turn->input(0), "Reshape");
  if (merge == nullptr) return kNoValue;
  const Shape *x = shape_of(shapes, merge->input(0)), *y = shape_of(shapes, value);
  const Shape* before = shape_of(shapes, turn->input(0));
  if (x == nullptr || y == nullptr || before == nullptr || x->rank() != 4 || before->rank() != 3)
    return kNoValue;
  static constexpr int64_t kPerm[] = {0, 2, 1};
  bool fits = std::ranges::equal(turn->attributes.get_ints("perm"), kPerm) && before->at(1) == x->at(2) &&
              before->at(2) == x->at(3) && *y == Shape{x->at(0), x->at(1), x->at(3), x->at(2)};
  return fits ? merge->input(0) : kNoValue;
}

enum Part { kQ, kK, kV };

// `transposed`: the last two dimensions are exchanged.
std::optional<Operand> operand_of(Patch* patch, const Shapes& shapes, ValueId value, Part part, Scale* scale,
                                  bool transposed = false) {
  const Graph& graph = patch->graph();
  if (scale != nullptr) value = without_scale(patch, shapes, value, scale);
  if (ValueId x = transposed ? swapped(graph, shapes, value) : kNoValue; x != kNoValue)
    return operand_of(patch, shapes, x, part, scale);
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
    if (scale != nullptr) out.value = without_scale(patch, shapes, out.value, scale);
  }
  ValueId whole = out.rows_first ? kNoValue : packed(graph, out.value, part);
  if (whole != kNoValue) out.value = whole;
  return out;
}

// x [batch, heads, rows, size] when `value` has each of its heads several times, one behind the other.
ValueId unrepeated(const Graph& graph, const Shapes& shapes, ValueId value) {
  const Node* merge = producer(graph, value, "Reshape");
  const Node* repeat = merge == nullptr ? nullptr : producer(graph, merge->input(0), "Expand");
  const Node* split = repeat == nullptr ? nullptr : producer(graph, repeat->input(0), "Unsqueeze");
  if (split == nullptr) return kNoValue;
  const Shape *x = shape_of(shapes, split->input(0)), *once = shape_of(shapes, repeat->input(0));
  const Shape *often = shape_of(shapes, merge->input(0)), *y = shape_of(shapes, value);
  if (x == nullptr || once == nullptr || often == nullptr || y == nullptr || x->rank() != 4 ||
      often->rank() != 5 || y->rank() != 4 || once->at(2) != 1)
    return kNoValue;
  for (int i = 0; i < 4; ++i) {
    int64_t times = i == 1 ? often->at(2) : 1;
    if (often->at(i < 2 ? i : i + 1) != x->at(i) || y->at(i) != x->at(i) * times) return kNoValue;
  }
  return split->input(0);
}

// Takes away what repeats the heads of both keys and values.
void take_once(Patch* patch, const Shapes& shapes, Operand* k, Operand* v) {
  const Graph& graph = patch->graph();
  ValueId once[] = {unrepeated(graph, shapes, k->value), unrepeated(graph, shapes, v->value)};
  if (k->rows_first || v->rows_first || once[0] == kNoValue || once[1] == kNoValue ||
      shape_of(shapes, once[0])->at(1) != shape_of(shapes, once[1])->at(1))
    return;
  *k = *operand_of(patch, shapes, once[0], kK, nullptr);
  *v = *operand_of(patch, shapes, once[1], kV, nullptr);
}

// A number up to here leaves nothing of the scores that it is added to.
constexpr double kHides = -1e30;
constexpr int kMaxMasks = 4;

// Scores: a scaled product, and the sum of what is added to it on the way.
struct Scores {
  ValueId product = kNoValue, mask = kNoValue;
  Scale scale;
  std::vector<ValueId> masks;  // as they are in the graph
};

// A number that is put in place of scores, and hides them, is the same as the number added.
bool find_scores(Patch* patch, const Shapes& shapes, ValueId value, Scores* out) {
  const Graph& graph = patch->graph();
  if (!read_once(graph, value)) return false;
  Scale scale;
  ValueId below = without_scale(patch, shapes, value, &scale);
  if (producer(graph, below, "MatMul") != nullptr) {
    out->product = below;
    out->scale = scale;
    return read_once(graph, below);
  }
  const Node* node = graph.producer(value);
  bool where = node != nullptr && is_op(*node, "Where");
  if ((!where && (node == nullptr || !is_op(*node, "Add"))) || out->masks.size() == kMaxMasks) return false;
  size_t first = where ? 1 : 0;
  for (size_t i : {first, first + 1}) {
    ValueId other = node->inputs[2 * first + 1 - i];
    if (where && !(scalar(graph, other, 1) <= kHides)) continue;
    out->masks.push_back(where ? node->inputs[0] : other);
    if (!find_scores(patch, shapes, node->inputs[i], out)) {
      out->masks.pop_back();
      continue;
    }
    if (where) {
      std::vector<ValueId> inputs = node->inputs;
      inputs[i] = patch->add_constant("", *Tensor::scalar(0.0f));
      other = add(patch, *node, "Where", std::move(inputs));
    }
    out->mask = out->mask == kNoValue ? other : add(patch, *node, "Add", {out->mask, other});
    return true;
  }
  return false;
}

// MatMul(Softmax(scale MatMul(Q, K') + masks), V)
std::optional<Node> attention(const Node& node, Shapes* shapes, Patch* patch) {
  const Graph& graph = patch->graph();
  ValueId weights = node.inputs[0];
  // Where(IsNaN(weights), 0, weights)
  const Node* safe = read_once(graph, weights) ? producer(graph, weights, "Where") : nullptr;
  if (safe != nullptr) {
    weights = safe->inputs[2];
    const Node* nan = producer(graph, safe->inputs[0], "IsNaN");
    if (nan == nullptr || nan->inputs[0] != weights || scalar(graph, safe->inputs[1], 1) != 0.0 ||
        graph.users(weights).size() != 2 || graph.is_output(weights))
      return std::nullopt;
  }
  const Node* softmax = producer(graph, weights, "Softmax");
  if (softmax == nullptr || (safe == nullptr && !read_once(graph, weights))) return std::nullopt;
  if (shapes->empty()) *shapes = sample_shapes(graph, true);
  Scores scores;
  if (!find_scores(patch, *shapes, softmax->inputs[0], &scores)) return std::nullopt;
  const Node& matmul = *graph.producer(scores.product);
  auto q = operand_of(patch, *shapes, matmul.inputs[0], kQ, &scores.scale);
  auto k = operand_of(patch, *shapes, matmul.inputs[1], kK, &scores.scale, true);
  auto v = operand_of(patch, *shapes, node.inputs[1], kV, nullptr);
  if (!q || !k || !v || scores.scale.number == 0) return std::nullopt;
  // Shapes of the parts as they meet, before transposes are taken away.
  auto shape = [&](ValueId id) { return shape_of(*shapes, id); };
  const Shape *sq = shape(matmul.inputs[0]), *sk = shape(matmul.inputs[1]), *sv = shape(node.inputs[1]);
  if (sq == nullptr || sk == nullptr || sv == nullptr || sq->rank() < 3 || sq->rank() > 4 ||
      sk->rank() != sq->rank() || sv->rank() != sq->rank())
    return std::nullopt;
  int rank = sq->rank();
  for (int i = 0; i < rank - 2; ++i) {
    // One head of keys and values may serve all of the queries.
    bool one = rank == 4 && i == 1 && sk->at(i) == 1;
    if (sk->at(i) != sv->at(i) || (sq->at(i) != sk->at(i) && !one)) return std::nullopt;
  }
  int64_t axis = softmax->attributes.get_int("axis", -1);
  if (axis != -1 && axis != rank - 1) return std::nullopt;
  int mask_rank = 0;
  for (ValueId id : scores.masks) {
    const Shape* mask = shape(id);
    if (mask == nullptr || mask->rank() > (rank == 3 ? 2 : 4)) return std::nullopt;
    for (int i = 1; i <= mask->rank(); ++i) {
      if (mask->at(-i) != 1 && mask->at(-i) != (i == 1 ? sk : sq)->at(-i)) return std::nullopt;
    }
    mask_rank = std::max(mask_rank, mask->rank());
  }
  if (!scores.masks.empty() && mask_rank < 2) return std::nullopt;
  if (scores.scale.value != kNoValue) {
    const Shape* own = shape(q->value);
    if (own == nullptr || own->rank() != rank) return std::nullopt;
    q->value = add(patch, node, "Mul", {q->value, scores.scale.value});
  }
  take_once(patch, *shapes, &*k, &*v);
  Attributes attributes;
  attributes.set("scale", static_cast<float>(scores.scale.number));
  if (safe != nullptr) attributes.set("drops_nan", int64_t{1});
  if (q->rows_first) attributes.set("q_rows_first", int64_t{1});
  if (k->rows_first) attributes.set("k_rows_first", int64_t{1});
  if (v->rows_first) attributes.set("v_rows_first", int64_t{1});
  Node out = make_node(node, "Attention", {q->value, k->value, v->value}, std::move(attributes), kKinglet);
  if (scores.mask != kNoValue) out.inputs.push_back(scores.mask);
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
    Patch patch(graph, id);
    if (is_op(node, "MatMul") && is_float32(graph, node.outputs[0])) whole = attention(node, &shapes, &patch);
    if (is_op(node, "Transpose")) whole = turned(graph, node);
    if (!whole) continue;
    whole->def = find_op(kKinglet, "Attention");
    patch.replace(node.outputs[0], patch.add(std::move(*whole)));
    patch.remove(id);
    std::move(patch).apply(graph);
    changed = true;
  }
  return changed;
}

}  // namespace kinglet::passes
