#include "ops/expand.h"

namespace kinglet::ops {

namespace {

Result<int64_t> signal_dims(ExpandContext& c) {
  int64_t n = c.attributes().get_int("signal_ndim");
  KL_REQUIRE(n >= 1 && n <= 3, kInvalidGraph, "signal_ndim is ", n, ", expected 1 to 3");
  KL_REQUIRE(c.attributes().get_int("normalized") == 0 && c.attributes().get_int("onesided", 1) != 0,
             kUnsupportedFeature, "normalized or two-sided transforms");
  return n;
}

// A transform over signal dimension `from_last` (1: the last) of complex numbers.
ValueId transform(ExpandContext& c, ValueId x, int64_t from_last, bool inverse, bool one_sided) {
  return c.op("DFT", {x, kNoValue, c.op("Squeeze", {c.ints({-1 - from_last})})},
              {{"inverse", int64_t{inverse}}, {"onesided", int64_t{one_sided}}});
}

Status expand_rfft(ExpandContext& c) {
  KL_ASSIGN(int64_t dims, signal_dims(c));
  ValueId y = transform(c, c.op("Unsqueeze", {c.input(0), c.ints({-1})}), 1, false, true);
  for (int64_t d = 2; d <= dims; ++d) y = transform(c, y, d, false, false);
  c.output(0, y);
  return {};
}

// The second half of the spectrum of a real signal of even length is the first one mirrored and conjugated.
Status expand_irfft(ExpandContext& c) {
  KL_ASSIGN(int64_t dims, signal_dims(c));
  ValueId x = c.input(0);
  for (int64_t d = dims; d >= 2; --d) x = transform(c, x, d, true, false);
  ValueId behind = c.ints({-2}), zero = c.ints({0}), one = c.ints({1}), back = c.ints({-1});
  ValueId signs = c.op("CastLike", {c.ints({1, -1}), c.input(0)});
  ValueId mirrored = c.op("Mul", {c.op("Slice", {x, behind, zero, behind, back}), signs});
  ValueId y = transform(c, c.op("Concat", {x, mirrored}, {{"axis", -2}}), 1, true, false);
  c.output(0, c.op("Squeeze", {c.op("Slice", {y, zero, one, back}), back}));
  return {};
}

#define FFT_ATTRIBUTES " -> Y:T | T=floats | normalized:i=0 onesided:i=1 signal_ndim:i!"

constexpr OpDef kRfft[] = {
    {.domain = kMicrosoft, .name = "Rfft", .signature = "X:T" FFT_ATTRIBUTES, .expand = expand_rfft},
    {.domain = kMicrosoft, .name = "Irfft", .signature = "X:T" FFT_ATTRIBUTES, .expand = expand_irfft},
};

}  // namespace

std::span<const OpDef> rfft() { return kRfft; }

}  // namespace kinglet::ops
