#pragma once
// Loops that make a row kernel of a function of single elements or vectors.
#include <cstring>

#include "kernels/elementwise/elementwise.h"
#include "simd/vec.h"

namespace kinglet {

inline constexpr size_t kLanes = 8;

template <class T>
void copy_few(const T* from, size_t n, T* to) {
#pragma clang loop vectorize(disable) unroll(disable)
  for (size_t i = 0; i < n; ++i) to[i] = from[i];
}

// Functor: static V at(V x, const float* p), for vectors of kLanes floats.
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
      copy_few(from, left, edge);
      from = to = edge;
    }
    Functor::at(V::load(from), p).store(to);
    if (left < kLanes) copy_few(edge, left, y + i);
  }
}

// Functor: static V at(V a, V b), for vectors of T
template <class T, class Functor>
void binary_lanes(const Row& row) {
  constexpr size_t width = 32 / sizeof(T);
  using V = vec<T, width>;
  T whole[2][width], edge[2][width] = {};
  const T* x[2];
  size_t step[2];
  for (int k = 0; k < 2; ++k) {
    x[k] = static_cast<const T*>(row.in[k]);
    step[k] = row.splat[k] ? 0 : 1;
    if (!row.splat[k]) continue;
    V::splat(*x[k]).store(whole[k]);
    x[k] = whole[k];
  }
  T* y = static_cast<T*>(row.out);
  size_t i = 0;
  for (; i + width <= row.n; i += width)
    Functor::at(V::load(x[0] + i * step[0]), V::load(x[1] + i * step[1])).store(y + i);
  if (size_t left = row.n - i; left != 0) {
    for (int k = 0; k < 2; ++k) copy_few(x[k] + i * step[k], left, edge[k]);
    Functor::at(V::load(edge[0]), V::load(edge[1])).store(edge[0]);
    copy_few(edge[0], left, y + i);
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
