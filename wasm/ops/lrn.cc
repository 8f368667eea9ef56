#include "kernels/norm/norm.h"
#include "ops/context.h"

namespace kinglet::ops {

namespace {

Status infer(InferContext& c) {
  KL_REQUIRE(c.rank(0) >= 2, kInvalidShape, "input of shape ", c.shape(0), " has no channels");
  int64_t size = c.attributes().get_int("size");
  KL_REQUIRE(size >= 1 && size <= (1 << 30), kInvalidGraph, "size is ", size);
  c.output(0, c.dtype(0), c.shape(0));
  return {};
}

Status run(const LocalResponseNorm& p, Run& run) {
  run_local_response_norm(p, run.in(0).data(), run.out(0).data(), run.parallel());
  return {};
}

Status lower(LowerContext& c) {
  const Shape& shape = c.shape(0);
  LocalResponseNorm p;
  p.dtype = c.dtype(0);
  p.batch = shape[0];
  p.channels = shape[1];
  p.inner = shape.count(2);
  p.size = c.attributes().get_int("size");
  p.alpha = static_cast<double>(c.attributes().get_float("alpha", 0.0001f));
  p.beta = static_cast<double>(c.attributes().get_float("beta", 0.75f));
  p.bias = static_cast<double>(c.attributes().get_float("bias", 1.0f));
  c.step<run>("norm/local_response", p);
  return {};
}

}  // namespace

extern const OpDef lrn{.domain = kOnnx,
                       .name = "LRN",
                       .signature = "X:T -> Y:T | T=floats | alpha:f=0.0001 beta:f=0.75 bias:f=1 size:i!",
                       .infer = infer,
                       .lower = lower};

}  // namespace kinglet::ops
