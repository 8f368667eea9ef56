#include "ops/elementwise.h"

namespace kinglet::ops {

namespace {

// Integers to integer powers are exact; everything else is computed as float, float64 for integers.
Status lower(LowerContext& c) {
  DType base = c.dtype(0), exponent = c.dtype(1);
  bool whole = dtype_kind(base) != 'f';
  Compute compute = compute_of(base);
  if (whole && dtype_kind(exponent) == 'f') compute = Compute::kF64;
  ElementwiseStep step;
  Elementwise& kernel = step.kernels.emplace_back();
  const Shape shapes[] = {c.shape(0), c.shape(1)};
  kernel.loop = broadcast_loop(c.out_shape(0), shapes);
  kernel.fn = kPow.kernel(compute);
  kernel.in[0] = kernel.out = computed(base, compute);
  kernel.in[1] = computed(exponent, compute);
  c.step<run_elementwise_step>(kPow.name, std::move(step));
  allow_in_place(c, 0);
  return {};
}

}  // namespace

extern const OpDef pow{.domain = kOnnx,
                       .name = "Pow",
                       .signature = "X:T Y:T1 -> Z:T | T=floats,integers T1=numeric",
                       .infer = infer_broadcast,
                       .lower = lower};

}  // namespace kinglet::ops
