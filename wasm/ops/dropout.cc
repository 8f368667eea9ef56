#include <cstring>

#include "kernels/cast/convert.h"
#include "ops/context.h"
#include "ops/random_numbers.h"

namespace kinglet::ops {

namespace {

Status infer(InferContext& c) {
  for (int i = 1; i <= 2; ++i) {
    if (c.has_input(i))
      KL_REQUIRE(c.shape(i).count() == 1, kInvalidShape, "input ", i, " has shape ", c.shape(i),
                 ", not one element");
  }
  c.output(0, c.dtype(0), c.shape(0));
  c.output(1, DType::kBool, c.shape(0));
  return {};
}

// Outside of training: nothing is dropped, the mask is all true.
struct MaskStep {};
Status run_mask(const MaskStep&, Run& run) {
  if (run.has_out(1)) std::memset(run.out(1).data(), 1, run.out(1).bytes());
  return {};
}

struct DropoutStep {
  bool seeded;
  int64_t seed;
};

Status run_dropout(const DropoutStep& s, Run& run) {
  const Tensor& in = run.in(0);
  float ratio = 0.5f;
  if (run.has_in(1)) load_run(run.in(1).dtype(), run.in(1).data(), 0, Compute::kF32, &ratio, 1);
  KL_REQUIRE(ratio >= 0 && ratio < 1, kInvalidArgument, "ratio is ", static_cast<double>(ratio),
             ", not in [0, 1)");
  if (!*run.in(2).data<bool>()) ratio = 0;
  bool* mask = run.has_out(1) ? run.out(1).data<bool>() : nullptr;
  std::byte* out = run.has_out(0) ? run.out(0).data() : nullptr;
  Compute compute = compute_of(in.dtype());
  Generator g = s.seeded ? Generator::of_seed(static_cast<uint64_t>(s.seed)) : Generator::unseeded();
  for (int64_t i = 0; i < in.count(); ++i) {
    bool keep = g.uniform() >= static_cast<double>(ratio);
    if (mask) mask[i] = keep;
    if (out == nullptr) continue;
    double x = 0;
    if (keep) load_run(in.dtype(), in.data(), i, Compute::kF64, &x, 1);
    x /= 1 - static_cast<double>(ratio);
    auto single = static_cast<float>(x);
    store_run(compute, compute == Compute::kF64 ? static_cast<const void*>(&x) : &single, in.dtype(), out, i,
              1);
  }
  return {};
}

Status lower(LowerContext& c) {
  const Tensor* training = c.constant(2);
  if (!c.has_input(2) || (training != nullptr && !*training->data<bool>())) {
    c.alias(0, 0);
    if (c.has_output(1)) c.step<run_mask>("fill", MaskStep{});
    return {};
  }
  c.step<run_dropout>("dropout", DropoutStep{c.attributes().has("seed"), c.attributes().get_int("seed")});
  return {};
}

}  // namespace

extern const OpDef dropout{.domain = kOnnx,
                           .name = "Dropout",
                           .signature =
                               "data:T ratio:T1? training_mode:bool? -> output:T mask:bool? | "
                               "T=floats,narrow8 T1=floats,narrow8 | seed:i",
                           .infer = infer,
                           .lower = lower,
                           .deterministic = false};

}  // namespace kinglet::ops
