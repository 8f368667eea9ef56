#pragma once
// How one kind of pooling takes in elements and ends.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/pool/pool.h"

namespace kinglet::kernels {

template <PoolKind kind, class T>
struct Window {
  static constexpr T kNothing =
      kind == PoolKind::kMax ? (std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                                     : std::numeric_limits<T>::lowest())
                             : T{0};
  // What an element contributes.
  static T prepare(T x, int64_t p) {
    if constexpr (kind == PoolKind::kLp) {
      if (p == 2) return x * x;
      return p == 1 ? std::abs(x) : std::pow(std::abs(x), static_cast<T>(p));
    }
    return x;
  }
  static T join(T a, T b) {
    if constexpr (kind == PoolKind::kMax)
      return a < b ? b : a;
    else
      return a + b;
  }
  static T finish(T sum, int64_t p) {
    if constexpr (kind == PoolKind::kLp) {
      if (p == 2) return std::sqrt(sum);
      return p == 1 ? sum : std::pow(sum, T{1} / static_cast<T>(p));
    }
    return sum;
  }
};

// Taps of window `at` that lie inside the input.
inline int64_t tap_count(const PoolAxis& a, int64_t at) {
  int64_t first = at * a.stride - a.pad_begin;
  int64_t begin = first >= 0 ? 0 : (a.dilation - 1 - first) / a.dilation;
  int64_t end = first >= a.in ? 0 : (a.in - first + a.dilation - 1) / a.dilation;
  return std::max<int64_t>(std::min(end, a.kernel) - begin, 0);
}

}  // namespace kinglet::kernels
