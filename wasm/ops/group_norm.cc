#include "kernels/norm/norm.h"
#include "ops/context.h"
#include "ops/expand.h"

namespace kinglet::ops {

namespace {

Status infer(InferContext& c, int64_t groups) {
  const Shape& shape = c.shape(0);
  KL_REQUIRE(shape.rank() >= 2, kInvalidShape, "input of shape ", shape, " has no channels");
  for (int i = 1; i <= 2; ++i) {
    KL_REQUIRE(c.rank(i) == 1 && c.shape(i)[0] == shape[1], kInvalidShape, "scale or bias of shape ",
               c.shape(i), ", expected one element for each of ", shape[1], " channels");
  }
  KL_REQUIRE(groups > 0 && shape[1] % groups == 0, kInvalidShape, shape[1], " channels do not make ", groups,
             " groups");
  c.output(0, c.dtype(0), shape);
  return {};
}
Status infer_instance(InferContext& c) {
  return infer(c, c.rank(0) >= 2 ? std::max<int64_t>(1, c.shape(0)[1]) : 1);
}
Status infer_group(InferContext& c) { return infer(c, c.attributes().get_int("num_groups")); }

Status run(const GroupNorm& p, Run& run) {
  run_group_norm(p, run.in(0).data(), {run.in(1).dtype(), run.in(1).data()},
                 {run.in(2).dtype(), run.in(2).data()}, run.out(0).data(), run.parallel());
  return {};
}

Status lower(LowerContext& c) {
  const Shape& shape = c.shape(0);
  GroupNorm p;
  p.dtype = c.dtype(0);
  p.batch = shape[0];
  p.channels = shape[1];
  p.inner = shape.count(2);
  bool instance = c.node().def->name == "InstanceNormalization";
  p.channels_per_group = instance ? 1 : shape[1] / c.attributes().get_int("num_groups");
  p.epsilon = static_cast<double>(c.attributes().get_float("epsilon", 1e-5f));
  c.step<run>(instance ? "norm/instance" : "norm/group", p);
  c.in_place(0, 0);
  return {};
}

// [N, 1, 1, C] of a skip of two dimensions; one of four stays.
ValueId four_dimensions(ExpandContext& c, ValueId x) {
  ValueId one = c.ints({1}), end = c.ints({-1}), far = c.ints({kMaxRank}), shape = c.op("Shape", {x});
  ValueId middle = c.op("Concat", {c.ints({1, 1}), c.op("Slice", {shape, one, end})}, {{"axis", 0}});
  middle = c.op("Slice", {middle, c.ints({-2}), far});
  ValueId first = c.op("Slice", {shape, c.ints({0}), one}), last = c.op("Slice", {shape, end, far});
  return c.op("Reshape", {x, c.op("Concat", {first, middle, last}, {{"axis", 0}})});
}

// com.microsoft: channels last unless said otherwise, SiLU behind, a sum in front.
Status expand(ExpandContext& c) {
  static constexpr int64_t kToFirst[] = {0, 3, 1, 2}, kToLast[] = {0, 2, 3, 1};
  int64_t activation = c.attributes().get_int("activation");
  KL_REQUIRE(activation == 0 || activation == 1, kInvalidGraph, "activation is ", activation);
  bool last = c.attributes().get_int("channels_last", 1) != 0;
  ValueId x = c.input(0);
  if (c.has_input(3)) {
    x = c.op("Add", {x, four_dimensions(c, c.input(3))});
    if (c.has_input(4)) x = c.op("Add", {x, c.input(4)});
  }
  c.output(1, x);
  // Scale and bias may be wider than X.
  ValueId y = c.op("CastLike", {x, c.input(1)});
  if (last) y = c.op("Transpose", {y}, {{"perm", kToFirst}});
  y = c.op("GroupNormalization", {y, c.input(1), c.input(2)},
           {{"num_groups", c.attributes().get_int("groups")},
            {"epsilon", c.attributes().get_float("epsilon", 1e-5f)}});
  if (activation == 1) y = c.op("Swish", {y});
  if (last) y = c.op("Transpose", {y}, {{"perm", kToLast}});
  c.output(0, c.op("CastLike", {y, x}));
  return {};
}

#define GROUP_ATTRIBUTES "| T=floats M=floats | activation:i! channels_last:i=1 epsilon:f=1e-05 groups:i!"

constexpr OpDef kGroupNorm[] = {
    {kOnnx, "InstanceNormalization", "input:T scale:T B:T -> output:T | T=floats | epsilon:f=1e-05",
     infer_instance, lower},
    {kOnnx, "GroupNormalization",
     "X:T scale:T bias:T -> Y:T | T=floats | epsilon:f=1e-05 num_groups:i! stash_type:i=1", infer_group,
     lower},
    {.domain = kMicrosoft,
     .name = "GroupNorm",
     .signature = "X:T gamma:M beta:M -> Y:T " GROUP_ATTRIBUTES,
     .expand = expand},
    {.domain = kMicrosoft,
     .name = "SkipGroupNorm",
     .signature = "X:T gamma:M beta:M skip:T bias:T? -> Y:T S:T? " GROUP_ATTRIBUTES,
     .expand = expand},
};

}  // namespace

std::span<const OpDef> group_norm() { return kGroupNorm; }

}  // namespace kinglet::ops
