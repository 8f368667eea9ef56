#include "ops/pool.h"

namespace kinglet::ops {

namespace {

Status infer(InferContext& c) {
  KL_ASSIGN(kernels::Pool pool, pool_of(c, kernels::PoolKind::kAverage));
  c.output(0, c.dtype(0), pool_shape(c, pool));
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(kernels::Pool pool, pool_of(c, kernels::PoolKind::kAverage));
  pool.count_include_pad = c.attributes().get_int("count_include_pad") != 0;
  return add_pool_step(c, std::move(pool));
}

}  // namespace

extern const OpDef average_pool{
    .domain = kOnnx,
    .name = "AveragePool",
    .signature =
        "X:T -> Y:T | T=floats | auto_pad:s='NOTSET' ceil_mode:i=0 count_include_pad:i=0 dilations:is "
        "kernel_shape:is! pads:is strides:is",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
