#include <limits>

#include "ops/internal.h"
#include "ops/registry.h"
#include "passes/match.h"
#include "passes/pass.h"
#include "passes/sample_shapes.h"

namespace kinglet::passes {

namespace {

// Where a Slice of the last of four dimensions by steps of 1 reads from when it begins at the start
// (`first`), or ends at the end.
ValueId part_of(const Graph& graph, ValueId id, bool first) {
  const Node* node = producer(graph, id, "Slice");
  if (node == nullptr) return kNoValue;
  auto at = [&](size_t i) { return scalar(graph, node->input(i), 1); };
  bool fits = (at(3) == 3 || at(3) == -1) && (node->input(4) == kNoValue || at(4) == 1) &&
              (first ? at(1) == 0 : at(2) >= std::numeric_limits<int32_t>::max());
  return fits ? node->input(0) : kNoValue;
}

using Shapes = std::vector<std::optional<Shape>>;

// The shape of four dimensions, or null.
const Shape* shape_of(const Graph& graph, Shapes* shapes, ValueId id) {
  if (shapes->empty()) *shapes = sample_shapes(graph);
  auto i = static_cast<size_t>(id);
  return i < shapes->size() && (*shapes)[i] && (*shapes)[i]->rank() == 4 ? &*(*shapes)[i] : nullptr;
}

// x when `id` is Concat(-second half of x, first half).
ValueId turned(const Graph& graph, Shapes* shapes, ValueId id) {
  const Node* both = producer(graph, id, "Concat");
  const Node* negated = both == nullptr ? nullptr : producer(graph, both->inputs[0], "Neg");
  if (negated == nullptr || both->inputs.size() != 2) return kNoValue;
  int64_t axis = both->attributes.get_int("axis");
  ValueId first = both->inputs[1], second = negated->inputs[0], x = part_of(graph, first, true);
  if (x == kNoValue || part_of(graph, second, false) != x || (axis != -1 && axis != 3)) return kNoValue;
  const Shape *whole = shape_of(graph, shapes, x), *a = shape_of(graph, shapes, first);
  const Shape* b = shape_of(graph, shapes, second);
  return whole && a && b && 2 * a->back() == whole->back() && *a == *b ? x : kNoValue;
}

// x cos + turned x sin
std::optional<Node> rotary(const Graph& graph, Shapes* shapes, const Node& node) {
  for (size_t i = 0; i < 8; ++i) {
    const Node* plain = producer(graph, node.inputs[i & 1], "Mul");
    const Node* other = producer(graph, node.inputs[1 - (i & 1)], "Mul");
    if (plain == nullptr || other == nullptr) break;
    ValueId x = plain->inputs[i >> 1 & 1], cos = plain->inputs[1 - (i >> 1 & 1)],
            sin = other->inputs[1 - (i >> 2)];
    if (turned(graph, shapes, other->inputs[i >> 2]) != x) continue;
    const Shape *a = shape_of(graph, shapes, x), *b = shape_of(graph, shapes, cos);
    const Shape* c = shape_of(graph, shapes, sin);
    if (b && c && *b == *c && (b->at(0) == 1 || b->at(0) == a->at(0)) && b->at(1) == 1 &&
        b->at(2) == a->at(2) && b->at(3) == a->at(3))
      return make_node(node, "RotaryEmbedding", {x, cos, sin}, {}, kKinglet);
  }
  return std::nullopt;
}

}  // namespace

// Rotary embedding of heads as PyTorch writes it is one node.
Result<bool> fuse_rotary(Graph& graph) {
  Shapes shapes;
  bool changed = false;
  for (NodeId id : std::vector<NodeId>(graph.order())) {
    const Node& node = graph.node(id);
    if (!is_op(node, "Add") || !is_float32(graph, node.outputs[0])) continue;
    auto whole = rotary(graph, &shapes, node);
    if (!whole) continue;
    whole->def = find_op(kKinglet, "RotaryEmbedding");
    Patch patch(graph, id);
    patch.replace(node.outputs[0], patch.add(std::move(*whole)));
    patch.remove(id);
    std::move(patch).apply(graph);
    changed = true;
  }
  return changed;
}

}  // namespace kinglet::passes
