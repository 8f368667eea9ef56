#include "ops/pool.h"

namespace kinglet::ops {

namespace {

Status infer(InferContext& c) {
  KL_ASSIGN(kernels::Pool pool, pool_of(c, kernels::PoolKind::kLp));
  int64_t p = c.attributes().get_int("p", 2);
  KL_REQUIRE(p >= 1, kInvalidArgument, "p is ", p);
  c.output(0, c.dtype(0), pool_shape(c, pool));
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(kernels::Pool pool, pool_of(c, kernels::PoolKind::kLp));
  pool.p = c.attributes().get_int("p", 2);
  return add_pool_step(c, std::move(pool));
}

}  // namespace

extern const OpDef lp_pool{.domain = kOnnx,
                           .name = "LpPool",
                           .signature =
                               "X:T -> Y:T | T=floats | auto_pad:s='NOTSET' ceil_mode:i=0 dilations:is "
                               "kernel_shape:is! p:i=2 pads:is strides:is",
                           .infer = infer,
                           .lower = lower};

}  // namespace kinglet::ops
