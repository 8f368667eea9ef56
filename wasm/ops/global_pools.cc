#include <span>

#include "ops/converted.h"
#include "ops/pool.h"

namespace kinglet::ops {

namespace {

struct Params {
  kernels::PoolKind kind;
  int64_t p, planes, count;
};

Status run(const Params& p, Run& run) {
  kernels::global_pool(p.kind, p.p, run.in(0).dtype(), p.planes, p.count, run.in(0).data(), run.out(0).data(),
                       run.parallel());
  return {};
}

Status infer(InferContext& c) {
  const Shape& in = c.shape(0);
  KL_REQUIRE(in.rank() >= 2, kInvalidShape, "input ", in, " needs at least two dimensions");
  KL_REQUIRE(in.count(2) > 0, kInvalidShape, "input ", in, " has nothing to pool");
  KL_REQUIRE(c.attributes().get_int("p", 2) >= 1, kInvalidArgument, "p is ", c.attributes().get_int("p"));
  Shape out = Shape::filled(in.rank(), 1);
  out[0] = in[0];
  out[1] = in[1];
  c.output(0, c.dtype(0), out);
  return {};
}

template <kernels::PoolKind kind>
Status lower(LowerContext& c) {
  const Shape& in = c.shape(0);
  add_float_step<run>(c, "pool/global", c.dtype(0),
                      Params{kind, c.attributes().get_int("p", 2), in[0] * in[1], in.count(2)});
  return {};
}

}  // namespace

std::span<const OpDef> global_pools() {
  static constexpr OpDef kDefs[] = {
      {.domain = kOnnx,
       .name = "GlobalAveragePool",
       .signature = "X:T -> Y:T | T=floats",
       .infer = infer,
       .lower = lower<kernels::PoolKind::kAverage>},
      {.domain = kOnnx,
       .name = "GlobalMaxPool",
       .signature = "X:T -> Y:T | T=floats",
       .infer = infer,
       .lower = lower<kernels::PoolKind::kMax>},
      {.domain = kOnnx,
       .name = "GlobalLpPool",
       .signature = "X:T -> Y:T | T=floats | p:i=2",
       .infer = infer,
       .lower = lower<kernels::PoolKind::kLp>},
  };
  return kDefs;
}

}  // namespace kinglet::ops
