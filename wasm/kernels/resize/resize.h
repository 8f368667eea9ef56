#pragma once
// Resampling along any axes, separably: each output element of an axis is a weighted sum of input elements
// ("taps"), or one of them. Rules as in ONNX Resize; coordinates are float32, as in the reference runtimes.
#include <memory>
#include <vector>

#include "base/parallel.h"
#include "base/tensor.h"

namespace kinglet::kernels {

enum class ResizeMode : uint8_t { kNearest, kLinear, kCubic };
// In the order of kCoordinateNames in ops/resize.cc.
enum class Coordinate : uint8_t {
  kHalfPixel,
  kHalfPixelSymmetric,
  kPytorchHalfPixel,
  kAlignCorners,
  kAsymmetric,
  kTfHalfPixelForNn,
  kTfCropAndResize
};
enum class Nearest : uint8_t { kRoundPreferFloor, kRoundPreferCeil, kFloor, kCeil };

struct ResizeRule {
  ResizeMode mode = ResizeMode::kNearest;
  Coordinate coordinate = Coordinate::kHalfPixel;
  Nearest nearest = Nearest::kRoundPreferFloor;
  bool antialias = false, exclude_outside = false;
  float cubic_a = -0.75f;
};

struct ResizeAxis {
  int64_t in, out;
  float scale = 1;
  float roi_begin = 0, roi_end = 1;  // kTfCropAndResize
  bool identity = false;             // every element stays; in == out
};

// [planes, axes..., inner]; in and out extents below 2^31.
struct Resize {
  ResizeRule rule;
  int64_t planes = 1, inner = 1;
  std::vector<ResizeAxis> axes;
};

// For one axis: output element j is sum over k of weight[j * count + k] * input[index[j * count + k]]; all
// indices are inside. `outside` (kTfCropAndResize): elements that get the extrapolation value instead.
struct ResizeTaps {
  int64_t count = 0;
  bool any_outside = false;
  int32_t* index = nullptr;
  float* weight = nullptr;  // null for kNearest
  uint8_t* outside = nullptr;
  std::shared_ptr<Buffer> storage;
};
Result<ResizeTaps> resize_taps(const ResizeRule& rule, const ResizeAxis& axis);

// `extrapolation`: one element. Fails only for want of memory.
Status resize_nearest(const Resize& resize, int bytes, const void* extrapolation, const void* in, void* out,
                      Parallel& parallel);
// float32 and float64.
Status resize_linear(const Resize& resize, DType dtype, double extrapolation, const void* in, void* out,
                     Parallel& parallel);

// The judges: one output element at a time.
Status resize_nearest_reference(const Resize& resize, int bytes, const void* extrapolation, const void* in,
                                void* out);
Status resize_linear_reference(const Resize& resize, DType dtype, double extrapolation, const void* in,
                               void* out);

}  // namespace kinglet::kernels
