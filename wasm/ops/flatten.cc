#include "ops/context.h"

namespace kinglet::ops {

namespace {

Status infer(InferContext& c) {
  const Shape& in = c.shape(0);
  int64_t axis = c.attributes().get_int("axis", 1);
  KL_REQUIRE(axis >= -in.rank() && axis <= in.rank(), kInvalidShape, "axis ", axis, " is outside rank ",
             in.rank());
  int at = static_cast<int>(axis < 0 ? axis + in.rank() : axis);
  c.output(0, c.dtype(0), {in.count(0, at), in.count(at, in.rank())});
  return {};
}

Status lower(LowerContext& c) {
  c.alias(0, 0);
  return {};
}

}  // namespace

extern const OpDef flatten{.domain = kOnnx,
                           .name = "Flatten",
                           .signature = "input:T -> output:T | T=all | axis:i=1",
                           .infer = infer,
                           .lower = lower};

}  // namespace kinglet::ops
