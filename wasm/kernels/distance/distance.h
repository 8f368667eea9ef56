#pragma once
#include <cstddef>

#include "base/parallel.h"

namespace kinglet::kernels {

// out [m, n] = sum over d of (a [m, d] - b [n, d])^2, or its root; float and double.
template <class T>
void distances(const T* a, size_t m, const T* b, size_t n, size_t d, bool root, T* out, Parallel& pool);

// The sum of products of n floats.
float dot(const float* a, const float* b, size_t n);

}  // namespace kinglet::kernels
