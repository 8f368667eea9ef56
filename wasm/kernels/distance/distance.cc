#include "kernels/distance/distance.h"

#include <cmath>

#include "simd/vec.h"

namespace kinglet::kernels {

namespace {

// Rows of B that go along one row of A at once.
constexpr size_t kRows = 4;

template <size_t kCount, class T>
inline void row_distances(const T* a, const T* b, size_t d, T* out) {
  constexpr int kLanes = 2 * kNativeLanes<T>;
  using V = vec<T, kLanes>;
  V sums[kCount];
  for (V& s : sums) s = V::splat(0);
  size_t i = 0;
  for (; i + kLanes <= d; i += kLanes) {
    V x = V::load(a + i);
    for (size_t r = 0; r < kCount; ++r) {
      V difference = x - V::load(b + r * d + i);
      sums[r] = madd(difference, difference, sums[r]);
    }
  }
  for (size_t r = 0; r < kCount; ++r) {
    T total = sum(sums[r]);
    for (size_t k = i; k < d; ++k) {
      T difference = a[k] - b[r * d + k];
      total += difference * difference;
    }
    out[r] = total;
  }
}

}  // namespace

template <class T>
void distances(const T* a, size_t m, const T* b, size_t n, size_t d, bool root, T* out, Parallel& pool) {
  size_t grain = 1 + 65536 / (n * d + 1);
  parallel_for(pool, m, grain, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end && !cancelled(pool); ++i) {
      T* row = out + i * n;
      size_t j = 0;
      for (; j + kRows <= n; j += kRows) row_distances<kRows>(a + i * d, b + j * d, d, row + j);
      for (; j < n; ++j) row_distances<1>(a + i * d, b + j * d, d, row + j);
      for (j = 0; root && j < n; ++j) row[j] = std::sqrt(row[j]);
    }
  });
}

float dot(const float* a, const float* b, size_t n) {
  using V = vec<float, 8>;
  V sums = V::splat(0.0f);
  size_t i = 0;
  for (; i + 8 <= n; i += 8) sums = madd(V::load(a + i), V::load(b + i), sums);
  float total = sum(sums);
  for (; i < n; ++i) total += a[i] * b[i];
  return total;
}

template void distances(const float*, size_t, const float*, size_t, size_t, bool, float*, Parallel&);
template void distances(const double*, size_t, const double*, size_t, size_t, bool, double*, Parallel&);

}  // namespace kinglet::kernels
