#pragma once
#include "base/parallel.h"
#include "base/tensor.h"

namespace kinglet::kernels {

enum class SampleMode : uint8_t { kLinear, kNearest, kCubic };
enum class SamplePadding : uint8_t { kZeros, kBorder, kReflection };

struct GridSample {
  SampleMode mode;
  SamplePadding padding;
  bool align_corners;
};

// Most spatial axes.
inline constexpr int kMaxSampleAxes = 6;

// in [N, C, D1..Dr], grid [N, E1..Er, r] of any float type with coordinates (last axis first) from -1 to 1,
// out [N, C, E1..Er]. in and out float32 or float64. Cubic: Keys' kernel with a = -0.75.
void grid_sample(const GridSample& sample, const Tensor& in, const Tensor& grid, const Tensor& out,
                 Parallel& parallel);

}  // namespace kinglet::kernels
