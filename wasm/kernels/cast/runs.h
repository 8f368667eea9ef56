#pragma once
// Access to tensors of any numeric dtype as runs of T, float or double.
#include <algorithm>
#include <type_traits>

#include "kernels/cast/convert.h"
#include "simd/math.h"

namespace kinglet {

template <class T>
inline constexpr Compute kComputeOf = std::is_same_v<T, float> ? Compute::kF32 : Compute::kF64;

template <class T>
class RunReader {
 public:
  RunReader(DType dtype, const std::byte* base)
      : dtype_(dtype), base_(base), direct_(is_stored_as(dtype, kComputeOf<T>)) {}
  // As many elements as one call of `at` can give, of `length` wanted.
  size_t step(size_t length) const { return direct_ ? length : std::min(length, kRun); }
  bool direct() const { return direct_; }
  // n <= step(n) elements, valid until the next call.
  const T* at(int64_t i, size_t n) {
    if (direct_) return reinterpret_cast<const T*>(base_) + i;
    load_run(dtype_, base_, i, kComputeOf<T>, run_, n);
    return run_;
  }
  T one(int64_t i) { return *at(i, 1); }

 private:
  DType dtype_;
  const std::byte* base_;
  bool direct_;
  T run_[kRun];
};

template <class T>
class RunWriter {
 public:
  RunWriter(DType dtype, std::byte* base)
      : dtype_(dtype), base_(base), direct_(is_stored_as(dtype, kComputeOf<T>)) {}
  // Where to put elements from i on; `done(i, n)` when they are there. At most kRun elements if not direct.
  T* at(int64_t i) { return direct_ ? reinterpret_cast<T*>(base_) + i : run_; }
  void done(int64_t i, size_t n) {
    if (!direct_) store_run(kComputeOf<T>, run_, dtype_, base_, i, n);
  }
  void one(int64_t i, T value) {
    *at(i) = value;
    done(i, 1);
  }

 private:
  DType dtype_;
  std::byte* base_;
  bool direct_;
  T run_[kRun];
};

// body.operator()<V>(i) for vectors V that cover [0, n): of 8 floats as long as there are so many, then of
// one. double: always of one.
template <class T, class Body>
inline void for_lanes(size_t n, Body&& body) {
  size_t i = 0;
  if constexpr (std::is_same_v<T, float>) {
    for (; i + 8 <= n; i += 8) body.template operator()<vec<float, 8>>(i);
  }
#pragma clang loop vectorize(disable) unroll(disable)
  for (; i < n; ++i) body.template operator()<vec<T, 1>>(i);
}

// Tails share one scalar form, which keeps the code small.
[[gnu::noinline]] inline float scalar_exp(float x) { return simd::exp(vec<float, 1>{x}).v; }
[[gnu::noinline]] inline float scalar_log(float x) { return simd::log(vec<float, 1>{x}).v; }

inline vec<float, 1> lane_exp(vec<float, 1> x) { return {scalar_exp(x.v)}; }
inline vec<float, 1> lane_log(vec<float, 1> x) { return {scalar_log(x.v)}; }
inline vec<double, 1> lane_exp(vec<double, 1> x) { return {std::exp(x.v)}; }
inline vec<double, 1> lane_log(vec<double, 1> x) { return {std::log(x.v)}; }
template <int N>
inline vec<float, N> lane_exp(vec<float, N> x) {
  return simd::exp(x);
}
template <int N>
inline vec<float, N> lane_log(vec<float, N> x) {
  return simd::log(x);
}

// Sum of f over n elements: V f(V x). float32 lanes are added up to double every 512 elements.
template <class T, class F>
inline double sum_lanes(const T* x, size_t n, F f) {
  double total = 0;
  size_t i = 0;
  if constexpr (std::is_same_v<T, float>) {
    using V = vec<float, 8>;
    while (i + 8 <= n) {
      size_t end = i + std::min<size_t>((n - i) / 8 * 8, 512);
      V a = V::splat(0.0f);
      for (; i < end; i += 8) a = a + f(V::load(x + i));
      total += static_cast<double>(sum(a));
    }
  }
#pragma clang loop vectorize(disable) unroll(disable)
  for (; i < n; ++i) total += static_cast<double>(f(vec<T, 1>::load(x + i)).v);
  return total;
}

}  // namespace kinglet
