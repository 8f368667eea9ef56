#include <cmath>

#include "kernels/cast/convert.h"
#include "ops/context.h"

namespace kinglet::ops {

namespace {

// The count for each kind of arithmetic; a float one is checked before it becomes an integer.
Result<int64_t> count_of(double start, double limit, double delta) {
  KL_REQUIRE(delta != 0, kInvalidArgument, "delta is 0");
  double count = std::ceil((limit - start) / delta);
  KL_REQUIRE(count < 0x1p48, kLimitExceeded, "the range has too many elements");
  KL_REQUIRE(!std::isnan(count), kInvalidArgument, "start, limit or delta is not a number");
  return count > 0 ? static_cast<int64_t>(count) : 0;
}

Result<int64_t> count_of(int64_t start, int64_t limit, int64_t delta) {
  KL_REQUIRE(delta != 0, kInvalidArgument, "delta is 0");
  if (delta > 0 ? start >= limit : start <= limit) return 0;
  auto a = static_cast<uint64_t>(start), b = static_cast<uint64_t>(limit),
       step = static_cast<uint64_t>(delta);
  uint64_t count = delta > 0 ? (b - a - 1) / step + 1 : (a - b - 1) / (0 - step) + 1;
  KL_REQUIRE(count < uint64_t{1} << 48, kLimitExceeded, "the range has too many elements");
  return static_cast<int64_t>(count);
}

template <class T>
T value_of(const Tensor& t, Compute compute) {
  T value;
  load_run(t.dtype(), t.data(), 0, compute, &value, 1);
  return value;
}

// output[i] = start + i * delta, integers wrapping.
template <class T>
void write(Run& run, Compute compute) {
  const Tensor& out = run.out(0);
  T start = value_of<T>(run.in(0), compute), delta = value_of<T>(run.in(2), compute), values[kRun];
  using W = std::conditional_t<std::is_integral_v<T>, uint64_t, T>;
  for (int64_t at = 0; at < out.count(); at += kRun) {
    auto n = static_cast<size_t>(std::min<int64_t>(kRun, out.count() - at));
    for (size_t i = 0; i < n; ++i) {
      auto k = static_cast<W>(at + static_cast<int64_t>(i));
      values[i] = static_cast<T>(static_cast<W>(start) + k * static_cast<W>(delta));
    }
    store_run(compute, values, out.dtype(), out.data(), at, n);
  }
}

struct Params {};

Status run(const Params&, Run& run) {
  switch (Compute compute = compute_of(run.out(0).dtype())) {
    case Compute::kF32:
      write<float>(run, compute);
      return {};
    case Compute::kF64:
      write<double>(run, compute);
      return {};
    default:
      write<int64_t>(run, Compute::kI64);
      return {};
  }
}

Status infer(InferContext& c) {
  const Tensor* bounds[3];
  for (int i = 0; i < 3; ++i) {
    KL_REQUIRE(c.shape(i).count() == 1, kInvalidShape, "input ", i, " must be a scalar, its shape is ",
               c.shape(i));
    bounds[i] = c.constant(i);
    if (bounds[i] == nullptr) return c.later();
  }
  auto count = [&]<class T>(Compute compute) {
    return count_of(value_of<T>(*bounds[0], compute), value_of<T>(*bounds[1], compute),
                    value_of<T>(*bounds[2], compute));
  };
  bool is_float = dtype_kind(c.dtype(0)) == 'f';
  KL_ASSIGN(int64_t n,
            is_float ? count.operator()<double>(Compute::kF64) : count.operator()<int64_t>(Compute::kI64));
  c.output(0, c.dtype(0), {n});
  return {};
}

Status lower(LowerContext& c) {
  c.step<run>("range", Params{});
  return {};
}

}  // namespace

extern const OpDef range{.domain = kOnnx,
                         .name = "Range",
                         .signature = "start:T limit:T delta:T -> output:T | T=floats,int16,int32,int64",
                         .infer = infer,
                         .lower = lower};

}  // namespace kinglet::ops
