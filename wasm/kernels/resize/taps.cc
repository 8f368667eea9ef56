#include <algorithm>
#include <cmath>

#include "kernels/resize/resize.h"

namespace kinglet::kernels {

namespace {

// The place in the input, in elements, that output element j samples.
float original(const ResizeRule& rule, const ResizeAxis& a, int64_t j) {
  auto x = static_cast<float>(j), in = static_cast<float>(a.in), out = static_cast<float>(a.out);
  switch (rule.coordinate) {
    case Coordinate::kHalfPixelSymmetric: {
      float adjustment = out / (a.scale * in);
      return in / 2 * (1 - adjustment) + (x + 0.5f) / a.scale - 0.5f;
    }
    case Coordinate::kPytorchHalfPixel:
      return a.out > 1 ? (x + 0.5f) / a.scale - 0.5f : 0.0f;
    case Coordinate::kAlignCorners:
      return a.out == 1 ? 0.0f : x * (in - 1) / (out - 1);
    case Coordinate::kAsymmetric:
      return x / a.scale;
    case Coordinate::kTfHalfPixelForNn:
      return (x + 0.5f) / a.scale;
    case Coordinate::kTfCropAndResize:
      if (a.out == 1) return 0.5f * (a.roi_begin + a.roi_end) * (in - 1);
      return a.roi_begin * (in - 1) + x * (a.roi_end - a.roi_begin) * (in - 1) / (out - 1);
    default:
      return (x + 0.5f) / a.scale - 0.5f;
  }
}

float rounded(Nearest mode, float x) {
  switch (mode) {
    case Nearest::kRoundPreferFloor:
      return std::ceil(x - 0.5f);
    case Nearest::kRoundPreferCeil:
      return std::floor(x + 0.5f);
    case Nearest::kFloor:
      return std::floor(x);
    default:
      return std::ceil(x);
  }
}

// The weight of a sample at distance d; Keys' cubic convolution with parameter a.
float weight_at(const ResizeRule& rule, float d) {
  d = std::fabs(d);
  if (rule.mode == ResizeMode::kLinear) return std::max(1 - d, 0.0f);
  float a = rule.cubic_a;
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return (((d - 5) * d + 8) * d - 4) * a;
  return 0;
}

}  // namespace

Result<ResizeTaps> resize_taps(const ResizeRule& rule, const ResizeAxis& a) {
  bool nearest = rule.mode == ResizeMode::kNearest;
  float spread = rule.antialias && a.scale < 1 && !nearest ? a.scale : 1.0f;
  float support = rule.mode == ResizeMode::kLinear ? 1.0f : 2.0f;
  float reach = std::ceil(support / spread);
  KL_REQUIRE(reach < 1e9f, kLimitExceeded, "scale ", static_cast<double>(a.scale), " is too small");
  ResizeTaps taps;
  taps.count = nearest ? 1 : 2 * static_cast<int64_t>(reach);
  KL_ASSIGN(int64_t total, checked_mul(taps.count, a.out));
  KL_ASSIGN(int64_t bytes, checked_mul<int64_t>(total, 8));
  KL_ASSIGN(bytes, checked_add(bytes, a.out));
  KL_ASSIGN(size_t size, checked_narrow<size_t>(bytes));
  KL_ASSIGN(taps.storage, Buffer::allocate(size));
  taps.index = reinterpret_cast<int32_t*>(taps.storage->data());
  if (!nearest) taps.weight = reinterpret_cast<float*>(taps.index + total);
  taps.outside = reinterpret_cast<uint8_t*>(taps.index + 2 * total);

  auto last = static_cast<float>(a.in - 1);
  for (int64_t j = 0; j < a.out; ++j) {
    float x = original(rule, a, j);
    int32_t* index = taps.index + j * taps.count;
    // Also for a NaN from the region of interest.
    if (rule.coordinate == Coordinate::kTfCropAndResize && !(x >= 0 && x <= last)) {
      taps.outside[j] = 1;
      taps.any_outside = true;
      continue;
    }
    // Beyond this distance all samples are the edge; it keeps the numbers within int64.
    x = std::isnan(x) ? 0.0f : std::clamp(x, -4e9f, 8e9f);
    auto inside = [&](int64_t i) { return std::clamp<int64_t>(i, 0, a.in - 1); };
    if (nearest) {
      index[0] = static_cast<int32_t>(inside(static_cast<int64_t>(rounded(rule.nearest, x))));
      continue;
    }
    float* weight = taps.weight + j * taps.count;
    float base = std::floor(x), sum = 0;
    for (int64_t k = 0; k < taps.count; ++k) {
      int64_t at = static_cast<int64_t>(base) + k - taps.count / 2 + 1;
      float w = weight_at(rule, (static_cast<float>(at - static_cast<int64_t>(base)) - (x - base)) * spread);
      if (rule.exclude_outside && at != inside(at)) w = 0;
      index[k] = static_cast<int32_t>(inside(at));
      weight[k] = w;
      sum += w;
    }
    if ((spread != 1 || rule.exclude_outside) && sum != 0) {
      for (int64_t k = 0; k < taps.count; ++k) weight[k] /= sum;
    }
  }
  return taps;
}

}  // namespace kinglet::kernels
