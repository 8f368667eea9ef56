#pragma once
#include <cstddef>

#include "base/parallel.h"
#include "base/result.h"

namespace kinglet::kernels {

// Rows b [n, d] as panels that `distances` reads; float and double.
template <class T>
Result<size_t> distance_panel_bytes(size_t n, size_t d);
template <class T>
void pack_distance_panels(const T* b, size_t n, size_t d, T* panels);

// out [m, n] = sum over d of (a [m, d] - b [n, d])^2, or its root.
template <class T>
void distances(const T* a, size_t m, const T* panels, size_t n, size_t d, bool root, T* out, Parallel& pool);

// The sum of products of n floats.
float dot(const float* a, const float* b, size_t n);

}  // namespace kinglet::kernels
