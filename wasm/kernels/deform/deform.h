#pragma once
#include <cstdint>

#include "base/parallel.h"

namespace kinglet {

inline constexpr int kMaxDeformAxes = 6;

struct DeformAxis {
  int64_t in, out, kernel, stride, dilation, pad;
};

struct Deform {
  int axes = 0;
  DeformAxis axis[kMaxDeformAxes] = {};
  int64_t places = 1;  // product of the out extents
  int64_t taps = 1;    // product of the kernel extents
  int64_t image = 1;   // product of the in extents
};

// Columns [channels * taps, places] of `channels` images. offset: [taps, axes, places], in elements of the
// image, for all of them; mask: null or [taps, places], multiplied with the samples.
template <class T>
void deform_columns(const Deform& d, int64_t channels, const T* in, const T* offset, const T* mask,
                    T* columns, Parallel& parallel);

}  // namespace kinglet
