#include "frontends/onnx/raise.h"

namespace kinglet::onnx {

namespace {

// `b` with extents of one behind its own, so that its first extent falls on axis `axis` of `a`.
Result<ValueId> align(Raiser& r, ValueId a, ValueId b, int64_t axis) {
  int rank_a = r.rank(a), rank_b = r.rank(b);
  if (rank_a >= 0 && rank_b >= 0) {
    if (axis < 0) axis += rank_a;
    KL_REQUIRE(axis >= 0 && axis + rank_b <= rank_a, kInvalidShape, "axis ", axis, " for ranks ", rank_a,
               " and ", rank_b);
    std::vector<int64_t> axes;
    for (int64_t i = rank_b; i < rank_a - axis; ++i) axes.push_back(i);
    if (axes.empty()) return b;
    KL_ASSIGN(ValueId list, r.ints(axes));
    return r.op("Unsqueeze", {b, list});
  }
  // Ones to append: rank(a) - axis - rank(b), or -axis - rank(b) for a negative axis.
  KL_ASSIGN(ValueId count, r.ints(std::initializer_list<int64_t>{-axis}));
  KL_ASSIGN(ValueId zero, r.ints(std::initializer_list<int64_t>{0}));
  ValueId shape_b = r.op("Shape", {b});
  if (axis >= 0) count = r.op("Add", {r.op("Shape", {r.op("Shape", {a})}), count});
  count = r.op("Max", {r.op("Sub", {count, r.op("Shape", {shape_b})}), zero});
  KL_ASSIGN(Tensor one, Tensor::ints(std::initializer_list<int64_t>{1}));
  Attributes of_one, front;
  of_one.set("value", std::move(one));
  front.set("axis", int64_t{0});
  ValueId ones = r.op("ConstantOfShape", {count}, of_one);
  return r.op("Reshape", {b, r.op("Concat", {shape_b, ones}, front)});
}

}  // namespace

// B was stretched only with broadcast=1, its extents lying from `axis` on, or at the end.
Status broadcast_from_axis(Raiser& r) {
  bool stretch = r.attributes().get_int("broadcast") != 0;
  bool from_axis = stretch && r.attributes().has("axis");
  int64_t axis = r.attributes().get_int("axis");
  r.attributes().erase("broadcast");
  r.attributes().erase("axis");
  if (!from_axis) return {};
  KL_REQUIRE(r.has_input(0) && r.has_input(1), kInvalidGraph, "two inputs are needed");
  KL_REQUIRE(axis >= -kMaxRank && axis <= kMaxRank, kInvalidShape, "axis ", axis);
  KL_ASSIGN(r.node.inputs[1], align(r, r.node.input(0), r.node.input(1), axis));
  return {};
}

// The slope was one number or one per channel.
Status slope_per_channel(Raiser& r) {
  KL_REQUIRE(r.has_input(0) && r.has_input(1), kInvalidGraph, "two inputs are needed");
  const Tensor* slope = r.graph().constant(r.node.input(1));
  if (slope != nullptr && slope->count() == 1) return {};
  if (slope != nullptr && slope->rank() != 1) return {};
  KL_ASSIGN(r.node.inputs[1], align(r, r.node.input(0), r.node.input(1), 1));
  return {};
}

Status drop_broadcast(Raiser& r) {
  r.attributes().erase("broadcast");
  return {};
}

}  // namespace kinglet::onnx
