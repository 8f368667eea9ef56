#include <cstring>
#include <limits>

#include "ops/elementwise.h"

namespace kinglet::ops {

namespace {

Status infer(InferContext& c) {
  for (int i = 1; i <= 2; ++i) {
    if (c.has_input(i))
      KL_REQUIRE(c.shape(i).count() == 1, kInvalidShape, "a bound has shape ", c.shape(i),
                 ", not one element");
  }
  return infer_same(c);
}

// Bounds in the type of arithmetic; what is absent is no bound.
template <class T>
void read_bounds(const Run& run, Compute compute, std::byte* params) {
  using Limits = std::numeric_limits<T>;
  T bounds[2] = {Limits::has_infinity ? static_cast<T>(-Limits::infinity()) : Limits::lowest(),
                 Limits::has_infinity ? Limits::infinity() : Limits::max()};
  for (int i = 0; i < 2; ++i) {
    if (run.has_in(i + 1)) load_run(run.in(i + 1).dtype(), run.in(i + 1).data(), 0, compute, &bounds[i], 1);
  }
  std::memcpy(params, bounds, sizeof bounds);
}

Status run_clip(const Elementwise& kernel, Run& run) {
  alignas(8) std::byte params[16];
  switch (kernel.in[0].compute) {
    case Compute::kF32:
      read_bounds<float>(run, Compute::kF32, params);
      break;
    case Compute::kF64:
      read_bounds<double>(run, Compute::kF64, params);
      break;
    case Compute::kI64:
      read_bounds<int64_t>(run, Compute::kI64, params);
      break;
    case Compute::kU64:
      read_bounds<uint64_t>(run, Compute::kU64, params);
      break;
  }
  const std::byte* in[] = {run.in(0).data()};
  run_elementwise(kernel, in, run.out(0).data(), params, run.parallel());
  return {};
}

Status lower(LowerContext& c) {
  Elementwise kernel;
  Compute compute = compute_of(c.dtype(0));
  kernel.loop = broadcast_loop(c.out_shape(0), {&c.shape(0), 1});
  kernel.fn = kClip.kernel(compute);
  kernel.in[0] = kernel.out = computed(c.dtype(0), compute);
  c.step<run_clip>(kClip.name, kernel);
  c.in_place(0, 0);
  return {};
}

}  // namespace

extern const OpDef clip{.domain = kOnnx,
                        .name = "Clip",
                        .signature = "input:T min:T? max:T? -> output:T | T=numeric",
                        .infer = infer,
                        .lower = lower};

}  // namespace kinglet::ops
