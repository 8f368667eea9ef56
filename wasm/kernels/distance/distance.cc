#include "kernels/distance/distance.h"

#include <algorithm>

#include "kernels/matmul/matmul.h"
#include "kernels/matmul/tile.h"

namespace kinglet::kernels {

namespace {

// Rows of A that go along a panel of rows of B at once: eight sums hide the latency of their additions.
constexpr size_t kRows = 4;

// Distances of R rows of A from those of a panel.
template <size_t R, class T>
inline void tile(const T* a, const T* b, size_t d, bool root, T* out, size_t out_row) {
  using V = Vec<T>;
  V sums[R][2];
#pragma unroll
  for (auto& sum : sums) sum[0] = sum[1] = V::splat(0);
#pragma nounroll
  for (size_t i = 0; i < d; ++i, b += kPanelWidth<T>) {
    V x[2] = {V::load(b), V::load(b + V::kLanes)};
#pragma unroll
    for (size_t r = 0; r < R; ++r) {
      V y = V::load_splat(a + r * d + i);
#pragma unroll
      for (int v = 0; v < 2; ++v) {
        V difference = y - x[v];
        sums[r][v] = madd(difference, difference, sums[r][v]);
      }
    }
  }
#pragma unroll
  for (size_t r = 0; r < R; ++r) {
#pragma unroll
    for (int v = 0; v < 2; ++v)
      (root ? sqrt(sums[r][v]) : sums[r][v]).store(out + r * out_row + v * V::kLanes);
  }
}

template <size_t R, class T>
void strip(const T* a, const T* panels, size_t n, size_t d, bool root, T* out) {
  constexpr size_t width = kPanelWidth<T>;
  size_t j = 0;
  for (; j + width <= n; j += width, panels += width * d) tile<R>(a, panels, d, root, out + j, n);
  if (j == n) return;
  T rest[R * width];
  tile<R>(a, panels, d, root, rest, width);
  for (size_t r = 0; r < R; ++r) std::copy_n(rest + r * width, n - j, out + r * n + j);
}

}  // namespace

template <class T>
Result<size_t> distance_panel_bytes(size_t n, size_t d) {
  return matmul_packed_b_bytes<T>(d, n);
}

template <class T>
void pack_distance_panels(const T* b, size_t n, size_t d, T* panels) {
  matmul_pack_b(MatrixView<T>{b, 1, d, false}, d, n, T(1), panels);
}

template <class T>
void distances(const T* a, size_t m, const T* panels, size_t n, size_t d, bool root, T* out, Parallel& pool) {
  size_t grain = 1 + 65536 / (kRows * n * d + 1);
  parallel_for(pool, (m + kRows - 1) / kRows, grain, [&](size_t begin, size_t end) {
    for (size_t i = begin * kRows; i < std::min(m, end * kRows) && !cancelled(pool); i += kRows) {
      if (i + kRows <= m) {
        strip<kRows>(a + i * d, panels, n, d, root, out + i * n);
      } else {
        for (size_t r = i; r < m; ++r) strip<1>(a + r * d, panels, n, d, root, out + r * n);
      }
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

#define KL_DISTANCES(T)                                             \
  template Result<size_t> distance_panel_bytes<T>(size_t, size_t);  \
  template void pack_distance_panels(const T*, size_t, size_t, T*); \
  template void distances(const T*, size_t, const T*, size_t, size_t, bool, T*, Parallel&);
KL_DISTANCES(float)
KL_DISTANCES(double)
#undef KL_DISTANCES

}  // namespace kinglet::kernels
