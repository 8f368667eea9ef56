#include "kernels/sample/grid.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/cast/convert.h"

namespace kinglet::kernels {

namespace {

template <class T>
T reflect(T x, T low, T high) {
  T range = high - low;
  if (range <= 0) return low;
  if (x >= low && x <= high) return x;
  T beyond = x < low ? low - x : x - high, turns = std::floor(beyond / range), rest = beyond - turns * range;
  bool back = std::fmod(turns, T{2}) != 0;
  return (x < low) == back ? high - rest : low + rest;
}

// What one axis contributes to one output point.
template <class T>
struct AxisTaps {
  int count;
  int64_t index[4];  // -1: outside, contributes zero
  T weight[4];
};

template <class T>
AxisTaps<T> taps_of(const GridSample& s, T coordinate, int64_t extent) {
  auto size = static_cast<T>(extent);
  T low = s.align_corners ? T{0} : T{-0.5}, high = s.align_corners ? size - 1 : size - T{0.5};
  T x = s.align_corners ? (coordinate + 1) / 2 * (size - 1) : ((coordinate + 1) * size - 1) / 2;
  // Far outside, or no number at all.
  constexpr T kFar = 1e9;
  if (!(std::abs(x) < kFar)) x = x > 0 ? kFar : -kFar;
  if (s.mode == SampleMode::kNearest) x = std::nearbyint(x);
  if (x < low || x > high) {
    if (s.padding == SamplePadding::kBorder) x = std::clamp(x, T{0}, size - 1);
    if (s.padding == SamplePadding::kReflection) x = reflect(x, low, high);
  }
  T base = std::floor(x), d = x - base;
  AxisTaps<T> taps{1, {}, {1}};
  auto first = static_cast<int64_t>(base);
  if (s.mode == SampleMode::kNearest) {
    first = static_cast<int64_t>(std::nearbyint(x));
  } else if (s.mode == SampleMode::kLinear) {
    taps = {2, {}, {1 - d, d}};
  } else {
    constexpr T a = -0.75;
    auto near = [&](T t) { return ((a + 2) * t - (a + 3)) * t * t + 1; };
    auto far = [&](T t) { return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a; };
    taps = {4, {}, {far(d + 1), near(d), near(1 - d), far(2 - d)}};
    --first;
  }
  for (int k = 0; k < taps.count; ++k) {
    int64_t i = first + k;
    if (i < 0 || i >= extent) {
      if (s.padding == SamplePadding::kZeros)
        i = -1;
      else if (s.padding == SamplePadding::kBorder)
        i = std::clamp<int64_t>(i, 0, extent - 1);
      else
        i = std::clamp<int64_t>(static_cast<int64_t>(reflect(static_cast<T>(i), low, high)), 0, extent - 1);
    }
    taps.index[k] = i;
  }
  return taps;
}

template <class T>
void run(const GridSample& s, const Tensor& in, const Tensor& grid, const Tensor& out, Parallel& parallel) {
  auto axes = static_cast<size_t>(in.rank() - 2);
  int64_t channels = in.shape()[1], plane = in.shape().count(2), points = out.shape().count(2);
  Compute compute = sizeof(T) == 8 ? Compute::kF64 : Compute::kF32;
  auto body = [&](size_t begin, size_t end) {
    std::vector<int64_t> offsets;
    std::vector<T> weights;
    for (size_t point = begin; point < end; ++point) {
      auto n = static_cast<int64_t>(point) / points, at = static_cast<int64_t>(point) % points;
      T coordinates[kMaxSampleAxes];
      load_run(grid.dtype(), grid.data(), static_cast<int64_t>(point * axes), compute, coordinates, axes);
      offsets.assign(1, 0);
      weights.assign(1, 1);
      // The product of the axes' taps; what is outside drops out.
      for (size_t i = 0; i < axes; ++i) {
        int64_t extent = in.shape()[i + 2];
        AxisTaps<T> taps = taps_of(s, coordinates[axes - 1 - i], extent);
        size_t known = offsets.size();
        for (int k = 0; k < taps.count; ++k) {
          for (size_t j = 0; j < known && taps.index[k] >= 0; ++j) {
            offsets.push_back(offsets[j] * extent + taps.index[k]);
            weights.push_back(weights[j] * taps.weight[k]);
          }
        }
        offsets.erase(offsets.begin(), offsets.begin() + static_cast<ptrdiff_t>(known));
        weights.erase(weights.begin(), weights.begin() + static_cast<ptrdiff_t>(known));
      }
      for (int64_t c = 0; c < channels; ++c) {
        const T* source = in.data<T>() + (n * channels + c) * plane;
        T sum = 0;
        for (size_t k = 0; k < offsets.size(); ++k) sum += source[offsets[k]] * weights[k];
        out.data<T>()[(n * channels + c) * points + at] = sum;
      }
    }
  };
  parallel_for(parallel, static_cast<size_t>(in.shape()[0] * points), 256, body);
}

}  // namespace

void grid_sample(const GridSample& sample, const Tensor& in, const Tensor& grid, const Tensor& out,
                 Parallel& parallel) {
  if (in.dtype() == DType::kFloat64)
    run<double>(sample, in, grid, out, parallel);
  else
    run<float>(sample, in, grid, out, parallel);
}

}  // namespace kinglet::kernels
