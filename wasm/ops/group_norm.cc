#include "kernels/norm/norm.h"
#include "ops/context.h"

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

constexpr OpDef kGroupNorm[] = {
    {kOnnx, "InstanceNormalization", "input:T scale:T B:T -> output:T | T=floats | epsilon:f=1e-05",
     infer_instance, lower},
    {kOnnx, "GroupNormalization",
     "X:T scale:T bias:T -> Y:T | T=floats | epsilon:f=1e-05 num_groups:i! stash_type:i=1", infer_group,
     lower},
};

}  // namespace

std::span<const OpDef> group_norm() { return kGroupNorm; }

}  // namespace kinglet::ops
