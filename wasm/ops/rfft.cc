#include "ops/scalar_like.h"

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
Result<ValueId> transform(ExpandContext& c, ValueId x, int64_t from_last, bool inverse, bool one_sided) {
  Attributes attributes;
  attributes.set("inverse", int64_t{inverse});
  attributes.set("onesided", int64_t{one_sided});
  KL_ASSIGN(Tensor axis, Tensor::scalar<int64_t>(-1 - from_last));
  return c.op("DFT", {x, kNoValue, c.constant(std::move(axis))}, std::move(attributes));
}

Status expand_rfft(ExpandContext& c) {
  KL_ASSIGN(int64_t dims, signal_dims(c));
  KL_ASSIGN(ValueId last, int_list(c, {-1}));
  KL_ASSIGN(ValueId y, transform(c, c.op("Unsqueeze", {c.input(0), last}), 1, false, true));
  for (int64_t d = 2; d <= dims; ++d) {
    KL_ASSIGN(y, transform(c, y, d, false, false));
  }
  c.output(0, y);
  return {};
}

// The second half of the spectrum of a real signal of even length is the first one mirrored and conjugated.
Status expand_irfft(ExpandContext& c) {
  KL_ASSIGN(int64_t dims, signal_dims(c));
  ValueId x = c.input(0);
  for (int64_t d = dims; d >= 2; --d) {
    KL_ASSIGN(x, transform(c, x, d, true, false));
  }
  KL_ASSIGN(ValueId behind, int_list(c, {-2}));
  KL_ASSIGN(ValueId zero, int_list(c, {0}));
  KL_ASSIGN(ValueId back, int_list(c, {-1}));
  KL_ASSIGN(ValueId one, int_list(c, {1}));
  static constexpr float kConjugate[] = {1, -1};
  KL_ASSIGN(Tensor signs, Tensor::of<float>({2}, kConjugate));
  ValueId mirrored = c.op("Slice", {x, behind, zero, behind, back});
  mirrored = c.op("Mul", {mirrored, c.op("CastLike", {c.constant(std::move(signs)), c.input(0)})});
  Attributes axis;
  axis.set("axis", int64_t{-2});
  KL_ASSIGN(ValueId y, transform(c, c.op("Concat", {x, mirrored}, std::move(axis)), 1, true, false));
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
