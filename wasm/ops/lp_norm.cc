#include "ops/scalar_like.h"

namespace kinglet::ops {

namespace {

// x / norm along `axis`; 0 where the norm is 0.
Status expand(ExpandContext& c) {
  int64_t p = c.attributes().get_int("p", 2), axis = c.attributes().get_int("axis", -1);
  KL_REQUIRE(p == 1 || p == 2, kInvalidGraph, "p is ", p, ", not 1 or 2");
  KL_ASSIGN(Tensor list, Tensor::ints({&axis, 1}));
  KL_ASSIGN(ValueId zero, scalar_like(c, 0, 0));
  KL_ASSIGN(ValueId one, scalar_like(c, 0, 1));
  ValueId norm = c.op(p == 1 ? "ReduceL1" : "ReduceL2", {c.input(0), c.constant(std::move(list))});
  ValueId divisor = c.op("Where", {c.op("Equal", {norm, zero}), one, norm});
  c.output(0, c.op("Div", {c.input(0), divisor}));
  return {};
}

}  // namespace

extern const OpDef lp_norm{.domain = kOnnx,
                           .name = "LpNormalization",
                           .signature = "input:T -> output:T | T=floats | axis:i=-1 p:i=2",
                           .expand = expand};

}  // namespace kinglet::ops
