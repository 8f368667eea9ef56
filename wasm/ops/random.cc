#include <algorithm>
#include <bit>
#include <cmath>
#include <span>

#include "kernels/cast/convert.h"
#include "ops/context.h"
#include "ops/random_numbers.h"

namespace kinglet::ops {

namespace {

struct Params {
  bool seeded;
  float seed, a, b;  // a, b: mean and scale, or low and high
};

Generator generator(const Params& p) {
  return p.seeded ? Generator::of_seed(std::bit_cast<uint32_t>(p.seed)) : Generator::unseeded();
}

template <class Draw>
void write(const Tensor& out, Draw&& draw) {
  double values[kRun];
  for (int64_t at = 0; at < out.count(); at += kRun) {
    auto n = static_cast<size_t>(std::min<int64_t>(kRun, out.count() - at));
    for (size_t i = 0; i < n; ++i) values[i] = draw(at + static_cast<int64_t>(i));
    store_run(Compute::kF64, values, out.dtype(), out.data(), at, n);
  }
}

Status run_normal(const Params& p, Run& run) {
  Generator g = generator(p);
  double mean = static_cast<double>(p.a), scale = static_cast<double>(p.b);
  write(run.out(0), [&](int64_t) { return mean + scale * g.normal(); });
  return {};
}

Status run_uniform(const Params& p, Run& run) {
  Generator g = generator(p);
  double low = static_cast<double>(p.a), width = static_cast<double>(p.b) - low;
  write(run.out(0), [&](int64_t) { return low + width * g.uniform(); });
  return {};
}

Status run_bernoulli(const Params& p, Run& run) {
  Generator g = generator(p);
  write(run.out(0), [&](int64_t i) { return g.uniform() < run.in(0).number(i) ? 1.0 : 0.0; });
  return {};
}

// Rows of unnormalised log-probabilities; each sample is the first class at which the running sum passes a
// random share.
Status run_multinomial(const Params& p, Run& run) {
  Generator g = generator(p);
  const Tensor &in = run.in(0), &out = run.out(0);
  int64_t classes = in.shape()[1], samples = out.shape()[1];
  auto* sums = reinterpret_cast<double*>(run.scratch());
  for (int64_t row = 0; row < in.shape()[0]; ++row) {
    double largest = -INFINITY, total = 0;
    for (int64_t i = 0; i < classes; ++i) largest = std::max(largest, in.number(row * classes + i));
    for (int64_t i = 0; i < classes; ++i) {
      double weight = std::exp(in.number(row * classes + i) - largest);
      sums[i] = total += weight >= 0 ? weight : 0;
    }
    for (int64_t k = 0; k < samples; ++k) {
      int64_t chosen = std::upper_bound(sums, sums + classes, g.uniform() * total) - sums;
      chosen = std::min(chosen, classes - 1);
      store_run(Compute::kI64, &chosen, out.dtype(), out.data(), row * samples + k, 1);
    }
  }
  return {};
}

Params params(const OpContext& c, std::string_view a, float absent_a, std::string_view b, float absent_b) {
  const Attributes& t = c.attributes();
  return {t.has("seed"), t.get_float("seed"), t.get_float(a, absent_a), t.get_float(b, absent_b)};
}

// The output's type from the attribute `dtype`, or `absent`; `kinds` as in dtype.inc.
Result<DType> dtype_of(const OpContext& c, DType absent, std::string_view kinds) {
  int64_t wanted = c.attributes().get_int("dtype", static_cast<int64_t>(absent));
  KL_REQUIRE(is_dtype(wanted) && kinds.find(dtype_kind(static_cast<DType>(wanted))) != std::string_view::npos,
             kUnsupportedType, "dtype is ", wanted);
  return static_cast<DType>(wanted);
}

Status infer_shape(InferContext& c) {
  KL_ASSIGN(DType dtype, dtype_of(c, DType::kFloat32, "f"));
  KL_ASSIGN(Shape shape, shape_from(c.attributes().get_ints("shape")));
  c.output(0, dtype, shape);
  return {};
}

Status infer_like(InferContext& c) {
  bool is_float = dtype_kind(c.dtype(0)) == 'f';
  KL_ASSIGN(DType dtype, dtype_of(c, is_float ? c.dtype(0) : DType::kFloat32, "f"));
  c.output(0, dtype, c.shape(0));
  return {};
}

Status infer_bernoulli(InferContext& c) {
  KL_ASSIGN(DType dtype, dtype_of(c, c.dtype(0), "fiub"));
  c.output(0, dtype, c.shape(0));
  return {};
}

Status infer_multinomial(InferContext& c) {
  int64_t samples = c.attributes().get_int("sample_size", 1);
  KL_ASSIGN(DType dtype, dtype_of(c, DType::kInt32, "i"));
  KL_REQUIRE(dtype == DType::kInt32 || dtype == DType::kInt64, kUnsupportedType, "dtype is ", dtype);
  KL_REQUIRE(c.rank(0) == 2 && c.shape(0)[1] > 0, kInvalidShape, "input ", c.shape(0),
             " must be [batch, classes]");
  KL_REQUIRE(samples >= 1, kInvalidArgument, "sample_size is ", samples);
  c.output(0, dtype, {c.shape(0)[0], samples});
  return {};
}

Status lower_normal(LowerContext& c) {
  c.step<run_normal>("random/normal", params(c, "mean", 0, "scale", 1));
  return {};
}
Status lower_uniform(LowerContext& c) {
  c.step<run_uniform>("random/uniform", params(c, "low", 0, "high", 1));
  return {};
}
Status lower_bernoulli(LowerContext& c) {
  c.step<run_bernoulli>("random/bernoulli", params(c, "", 0, "", 0));
  return {};
}
Status lower_multinomial(LowerContext& c) {
  KL_ASSIGN(size_t bytes, checked_narrow<size_t>(c.shape(0)[1] * 8));
  c.scratch(bytes);
  c.step<run_multinomial>("random/multinomial", params(c, "", 0, "", 0));
  return {};
}

}  // namespace

std::span<const OpDef> random() {
  static constexpr OpDef kDefs[] = {
      {.domain = kOnnx,
       .name = "RandomNormal",
       .signature = "-> output:T | T=floats | dtype:i=1 mean:f=0 scale:f=1 seed:f shape:is!",
       .infer = infer_shape,
       .lower = lower_normal,
       .deterministic = false},
      {.domain = kOnnx,
       .name = "RandomUniform",
       .signature = "-> output:T | T=floats | dtype:i=1 low:f=0 high:f=1 seed:f shape:is!",
       .infer = infer_shape,
       .lower = lower_uniform,
       .deterministic = false},
      {.domain = kOnnx,
       .name = "RandomNormalLike",
       .signature = "input:T1 -> output:T2 | T1=all T2=floats | dtype:i mean:f=0 scale:f=1 seed:f",
       .infer = infer_like,
       .lower = lower_normal,
       .deterministic = false},
      {.domain = kOnnx,
       .name = "RandomUniformLike",
       .signature = "input:T1 -> output:T2 | T1=all T2=floats | dtype:i low:f=0 high:f=1 seed:f",
       .infer = infer_like,
       .lower = lower_uniform,
       .deterministic = false},
      {.domain = kOnnx,
       .name = "Bernoulli",
       .signature = "input:T1 -> output:T2 | T1=floats T2=numeric,bool | dtype:i seed:f",
       .infer = infer_bernoulli,
       .lower = lower_bernoulli,
       .deterministic = false},
      {.domain = kOnnx,
       .name = "Multinomial",
       .signature = "input:T1 -> output:T2 | T1=floats T2=int32,int64 | dtype:i=6 sample_size:i=1 seed:f",
       .infer = infer_multinomial,
       .lower = lower_multinomial,
       .deterministic = false},
  };
  return kDefs;
}

}  // namespace kinglet::ops
