#include <algorithm>
#include <cmath>

#include "kernels/cast/convert.h"
#include "ops/context.h"

namespace kinglet::ops {

namespace {

struct Params {};

// Column i is a triangle over bands[i], bands[i + 1], bands[i + 2], places on the mel scale as bins of the
// spectrum. Bins behind the spectrum's last one are left out.
Status run(const Params&, Run& run) {
  const Tensor& out = run.out(0);
  for (int i = 3; i <= 4; ++i)
    KL_REQUIRE(run.in(i).number(0) > -700 && run.in(i).number(0) < 1e30, kInvalidArgument, "edge is ",
               run.in(i).number(0), " hertz");
  int64_t bins = out.shape()[0], mels = out.shape()[1];
  double length = run.in(1).number(0), rate = run.in(2).number(0);
  auto to_mel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
  double low = to_mel(run.in(3).number(0));
  double step = (to_mel(run.in(4).number(0)) - low) / static_cast<double>(mels + 2);
  auto band = [&](int64_t i) -> int64_t {
    double hertz = 700 * (std::pow(10, (low + step * static_cast<double>(i)) / 2595) - 1);
    double bin = std::floor((length + 1) * hertz / rate);
    return static_cast<int64_t>(std::clamp(bin, -0x1p40, 0x1p40));
  };
  auto set = [&](int64_t bin, int64_t mel, double value) {
    store_run(Compute::kF64, &value, out.dtype(), out.data(), bin * mels + mel, 1);
  };
  for (int64_t i = 0; i < mels; ++i) {
    for (int64_t j = 0; j < bins; ++j) set(j, i, 0);
    int64_t lower = band(i), center = band(i + 1), higher = band(i + 2);
    auto part = [](int64_t a, int64_t b) { return static_cast<double>(a) / static_cast<double>(b); };
    if (lower == center && center >= 0 && center < bins) set(center, i, 1);
    for (int64_t j = std::max<int64_t>(lower, 0); lower < center && j <= std::min(center, bins - 1); ++j)
      set(j, i, part(j - lower, center - lower));
    for (int64_t j = std::max<int64_t>(center, 0); j < std::min(higher, bins); ++j)
      set(j, i, part(higher - j, higher - center));
  }
  return {};
}

Status infer(InferContext& c) {
  for (int i = 0; i < 5; ++i)
    KL_REQUIRE(c.shape(i).count() == 1, kInvalidShape, "input ", i, " has shape ", c.shape(i),
               ", not one element");
  const Tensor *mels = c.constant(0), *length = c.constant(1), *rate = c.constant(2);
  if (mels == nullptr || length == nullptr || rate == nullptr) return c.later();
  KL_ASSIGN(Shape columns, mels->to_ints());
  KL_ASSIGN(Shape samples, length->to_ints());
  KL_REQUIRE(columns[0] >= 0 && columns[0] < int64_t{1} << 31, kInvalidArgument, "num_mel_bins is ",
             columns[0]);
  KL_REQUIRE(samples[0] >= 0 && samples[0] < int64_t{1} << 31, kInvalidArgument, "dft_length is ",
             samples[0]);
  KL_REQUIRE(rate->number(0) > 0, kInvalidArgument, "sample_rate is ", rate->number(0));
  int64_t dtype = c.attributes().get_int("output_datatype", 1);
  KL_REQUIRE(
      is_dtype(dtype) && dtype_bits(static_cast<DType>(dtype)) >= 8 &&
          std::string_view("fiu").find(dtype_kind(static_cast<DType>(dtype))) != std::string_view::npos,
      kUnsupportedType, "output_datatype is ", dtype);
  c.output(0, static_cast<DType>(dtype), {samples[0] / 2 + 1, columns[0]});
  return {};
}

Status lower(LowerContext& c) {
  c.step<run>("mel_weight_matrix", Params{});
  return {};
}

}  // namespace

extern const OpDef mel_weight_matrix{
    .domain = kOnnx,
    .name = "MelWeightMatrix",
    .signature =
        "num_mel_bins:I dft_length:I sample_rate:I lower_edge_hertz:F upper_edge_hertz:F -> output:T | "
        "T=numeric I=int32,int64 F=floats | output_datatype:i=1",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
