#include "ops/converted.h"
#include "ops/pool.h"

namespace kinglet::ops {

namespace {

struct Params {
  kernels::Pool pool;
  bool column_major;
};

Status run(const Params& p, Run& run) {
  kernels::max_pool_indices(p.pool, run.in(0).dtype(), p.column_major, run.in(0).data(), run.out(0).data(),
                            run.out(1).data<int64_t>(), run.parallel());
  return {};
}

Status infer(InferContext& c) {
  KL_ASSIGN(kernels::Pool pool, pool_of(c, kernels::PoolKind::kMax));
  int64_t order = c.attributes().get_int("storage_order");
  KL_REQUIRE(order == 0 || order == 1, kInvalidArgument, "storage_order is ", order);
  Shape out = pool_shape(c, pool);
  c.output(0, c.dtype(0), out);
  c.output(1, DType::kInt64, out);
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(kernels::Pool pool, pool_of(c, kernels::PoolKind::kMax));
  if (!c.has_output(1)) return add_pool_step(c, std::move(pool));
  KL_REQUIRE(c.has_output(0), kUnsupportedFeature, "Indices without Y");
  Params params{std::move(pool), c.attributes().get_int("storage_order") == 1};
  DType dtype = c.dtype(0);
  if (dtype == DType::kInt8 || dtype == DType::kUInt8)
    c.step<run>("pool/max_indices", std::move(params));
  else
    add_float_step<run>(c, "pool/max_indices", dtype, std::move(params));
  return {};
}

}  // namespace

extern const OpDef max_pool{
    .domain = kOnnx,
    .name = "MaxPool",
    .signature =
        "X:T -> Y:T Indices:int64 | T=floats,int8,uint8 | auto_pad:s='NOTSET' ceil_mode:i=0 dilations:is "
        "kernel_shape:is! pads:is storage_order:i=0 strides:is",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
