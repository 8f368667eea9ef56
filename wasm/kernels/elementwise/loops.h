#pragma once
// Loops that make a row kernel of a function of single elements or vectors.
#include <cstring>

#include "kernels/elementwise/elementwise.h"
#include "simd/vec.h"

namespace kinglet {

// Functor: static V at(V x, const float* p), for vectors of kLanes floats.
inline constexpr size_t kLanes = 8;

inline void copy_floats(const float* from, size_t n, float* to) {
#pragma clang loop vectorize(disable) unroll(disable)
  for (size_t i = 0; i < n; ++i) to[i] = from[i];
}

template <class Functor>
void unary_lanes(const Row& row) {
  using V = vec<float, kLanes>;
  const float* x = static_cast<const float*>(row.in[0]);
  float* y = static_cast<float*>(row.out);
  float p[2] = {};
  if (row.params != nullptr) std::memcpy(p, row.params, sizeof p);
  float edge[kLanes] = {};
  // The last stretch passes through `edge`, so that the function is there once.
#pragma clang loop unroll(disable)
  for (size_t i = 0; i < row.n; i += kLanes) {
    size_t left = row.n - i;
    const float* from = x + i;
    float* to = y + i;
    if (left < kLanes) {
      copy_floats(from, left, edge);
      from = to = edge;
    }
    Functor::at(V::load(from), p).store(to);
    if (left < kLanes) copy_floats(edge, left, y + i);
  }
}

// Functor: static V at(V a, V b)
template <class Functor>
void binary_lanes(const Row& row) {
  using V = vec<float, kLanes>;
  float whole[2][kLanes], edge[2][kLanes] = {};
  const float* x[2];
  size_t step[2];
  for (int k = 0; k < 2; ++k) {
    x[k] = static_cast<const float*>(row.in[k]);
    step[k] = row.splat[k] ? 0 : 1;
    if (!row.splat[k]) continue;
    V::splat(*x[k]).store(whole[k]);
    x[k] = whole[k];
  }
  float* y = static_cast<float*>(row.out);
  size_t i = 0;
  for (; i + kLanes <= row.n; i += kLanes)
    Functor::at(V::load(x[0] + i * step[0]), V::load(x[1] + i * step[1])).store(y + i);
  if (size_t left = row.n - i; left != 0) {
    for (int k = 0; k < 2; ++k) copy_floats(x[k] + i * step[k], left, edge[k]);
    Functor::at(V::load(edge[0]), V::load(edge[1])).store(edge[0]);
    copy_floats(edge[0], left, y + i);
  }
}

// Functor: static R at(T x, const T* p)
template <class T, class R, class Functor>
void unary_each(const Row& row) {
  const T* x = static_cast<const T*>(row.in[0]);
  R* y = static_cast<R*>(row.out);
  T p[2] = {};
  if (row.params != nullptr) std::memcpy(p, row.params, sizeof p);
#pragma clang loop vectorize(disable) unroll(disable)
  for (size_t i = 0; i < row.n; ++i) y[i] = Functor::at(x[i], p);
}

// Functor: static R at(T a, T b)
template <class T, class R, class Functor>
void binary_each(const Row& row) {
  const T* a = static_cast<const T*>(row.in[0]);
  const T* b = static_cast<const T*>(row.in[1]);
  R* y = static_cast<R*>(row.out);
  size_t step_a = row.splat[0] ? 0 : 1, step_b = row.splat[1] ? 0 : 1;
#pragma clang loop vectorize(disable) unroll(disable)
  for (size_t i = 0; i < row.n; ++i) y[i] = static_cast<R>(Functor::at(a[i * step_a], b[i * step_b]));
}

}  // namespace kinglet
