#include "kernels/matmul/activation.h"

#include <algorithm>
#include <cstring>

#include "simd/math.h"

namespace kinglet {

namespace {

// One struct per row: the formula over a vector.
#define ACTIVATION(name, formula)                                     \
  struct name##Formula {                                              \
    template <class V>                                                \
    static V apply(V x, [[maybe_unused]] V a, [[maybe_unused]] V b) { \
      [[maybe_unused]] const V zero = V::splat(0.0f);                 \
      [[maybe_unused]] const V half = number<0.5f>(x);                \
      [[maybe_unused]] const V one = number<1.0f>(x);                 \
      return formula;                                                 \
    }                                                                 \
  };
#include "kernels/matmul/activation.inc"
#undef ACTIVATION

template <class Formula>
void apply(const Activation& f, float* x, size_t n) {
  using V = Vec<float>;
  const V a = V::splat(f.alpha), b = V::splat(f.beta);
  // The last elements pass through `edge`, so that the formula is there once.
  float edge[V::kLanes] = {};
  const size_t left = n % V::kLanes;
  float *at = x, *end = x + (n - left);
  for (int turn = 0;; ++turn) {
#pragma clang loop unroll(disable)
    for (; at != end; at += V::kLanes) Formula::template apply<V>(V::load(at), a, b).store(at);
    if (left == 0) return;
    if (turn > 0) break;
    std::memcpy(edge, at, left * sizeof(float));
    at = edge, end = edge + V::kLanes;
  }
  std::memcpy(x + (n - left), edge, left * sizeof(float));
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}

constexpr std::string_view kNames[] = {
#define ACTIVATION(name, formula) #name,
#include "kernels/matmul/activation.inc"
#undef ACTIVATION
};

}  // namespace

std::string_view activation_name(Activation::Kind kind) { return kNames[kind]; }

bool activation_from_name(std::string_view name, bool ignore_case, Activation::Kind* kind) {
  for (int i = 0; i < kActivationCount; ++i) {
    if (kNames[i] == name || (ignore_case && equal_ignoring_case(kNames[i], name))) {
      *kind = static_cast<Activation::Kind>(i);
      return true;
    }
  }
  return false;
}

Activation default_activation(Activation::Kind kind) {
  switch (kind) {
    case Activation::kLeakyRelu:
      return {kind, 0.01f, 0.0f};
    case Activation::kHardSigmoid:
      return {kind, 0.2f, 0.5f};
    case Activation::kElu:
    case Activation::kAffine:
    case Activation::kThresholdedRelu:
      return {kind, 1.0f, 0.0f};
    case Activation::kScaledTanh:
      return {kind, 1.0f, 1.0f};
    case Activation::kClip:
      return {kind, -simd::kInfinity, simd::kInfinity};
    default:
      return {kind, 0.0f, 0.0f};
  }
}

void activate(const Activation& activation, float* x, size_t n) {
  if (activation.kind == Activation::kNone) return;
  switch (activation.kind) {
#define ACTIVATION(name, formula)           \
  case Activation::k##name:                 \
    apply<name##Formula>(activation, x, n); \
    break;
#include "kernels/matmul/activation.inc"
#undef ACTIVATION
  }
  if (activation.scale != 1 || activation.shift != 0)
    apply<AffineFormula>({Activation::kAffine, activation.scale, activation.shift}, x, n);
}

bool is_clamp(const Activation& activation, float* lo, float* hi) {
  *lo = activation.kind == Activation::kRelu   ? 0.0f
        : activation.kind == Activation::kClip ? activation.alpha
                                               : -simd::kInfinity;
  *hi = activation.kind == Activation::kClip ? activation.beta : simd::kInfinity;
  return activation.kind <= Activation::kClip && activation.scale == 1 && activation.shift == 0;
}

}  // namespace kinglet
