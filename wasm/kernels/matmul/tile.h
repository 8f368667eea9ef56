#pragma once
// The inner loops of matmul: one strip of rows of C against columns of B.
#include <algorithm>
#include <array>
#include <limits>
#include <type_traits>
#include <utility>

#include "simd/vec.h"

namespace kinglet {

// Rows of a strip at most, and columns of a panel: two vectors. Ten or twelve sums hide the latency of a
// multiply-add; with two vectors of B, one element of A and, where a multiplication is not fused with its
// addition, its product, no more fit V8's 15 registers.
#if defined(__wasm_simd128__) && !defined(__wasm_relaxed_simd__)
inline constexpr size_t kFloatRows = 5;
#else
inline constexpr size_t kFloatRows = 6;
#endif
template <class T>
inline constexpr size_t kStripRows = std::is_same_v<T, float>    ? kFloatRows
                                     : std::is_same_v<T, double> ? 4
                                                                 : 2;
template <class T>
inline constexpr size_t kPanelWidth = 2 * static_cast<size_t>(kNativeLanes<T>);

// Where row p of B's columns [j, j + width) lies. kPanels: packed, panel q at b + q * b_panel, its row p at
// + p * width. kRows: at b + p * b_row + j, n a multiple of the panel width. kOffsets: at b + b_offsets[p] +
// j, and as many columns may be read as fill the last panel.
enum class BForm : uint8_t { kPanels, kRows, kOffsets };

template <class T>
struct Strip {
  size_t k, n;
  // Packed: column p at a + p * rows. In place: row i at a + i * a_row.
  const T* a;
  size_t a_row;
  const T* b;
  size_t b_panel, b_row;
  const uint32_t* b_offsets;
  T* c;
  size_t c_row;
  // What is added to the products; each may be null. `init` is laid out as C is, and may be C.
  const T* init;
  const T* row_bias;
  const T* column_bias;
  // min(max(c, lo), hi); float only
  T lo, hi;
};

template <class T>
inline constexpr T kNoBias[kStripRows<T>] = {};

// One tile: R rows, V vectors of columns from column j on.
template <class T, int R, int V, bool PackedA, BForm B>
inline __attribute__((always_inline)) void tile(const Strip<T>& s, const T* b, size_t j) {
  using Lane = Vec<T>;
  constexpr size_t L = Lane::kLanes;
  constexpr size_t width = kPanelWidth<T>;
  // Low tiles sum several rows of B side by side: fewer than eight sums would wait for one another.
  constexpr int U = std::is_floating_point_v<T> && R <= 2 ? 8 / (R * V) : 1;
  Lane sums[U][R][V], (&sum)[R][V] = sums[0];
  auto each = [&](auto&& body) __attribute__((always_inline)) {
#pragma unroll
    for (int i = 0; i < R; ++i) {
#pragma unroll
      for (int v = 0; v < V; ++v) body(i, v);
    }
  };
  const T* bias = s.row_bias ? s.row_bias : kNoBias<T>;
  each([&](int i, int v) {
    sum[i][v] = Lane::load_splat(bias + i);
#pragma unroll
    for (int u = 1; u < U; ++u) sums[u][i][v] = Lane::splat(T{});
  });
  const T* a = s.a;
  size_t p = 0;
  auto add = [&](Lane(&sum)[R][V]) __attribute__((always_inline)) {
    const T* row = B == BForm::kOffsets ? b + s.b_offsets[p] : b;
    Lane x[V];
#pragma unroll
    for (int v = 0; v < V; ++v) x[v] = Lane::load(row + v * L);
#pragma unroll
    for (int i = 0; i < R; ++i) {
      Lane y = Lane::load_splat(PackedA ? a + i : a + i * s.a_row);
#pragma unroll
      for (int v = 0; v < V; ++v) sum[i][v] = madd(y, x[v], sum[i][v]);
    }
    a += PackedA ? R : 1;
    if constexpr (B != BForm::kOffsets) b += B == BForm::kPanels ? width : s.b_row;
    ++p;
  };
  if constexpr (U > 1) {
#pragma nounroll
    while (p + U <= s.k) {
#pragma unroll
      for (int u = 0; u < U; ++u) add(sums[u]);
    }
    each([&](int i, int v) {
#pragma unroll
      for (int u = 1; u < U; ++u) sum[i][v] = sum[i][v] + sums[u][i][v];
    });
  }
#pragma nounroll
  while (p < s.k) add(sum);
  if (s.column_bias)
    each([&](int i, int v) { sum[i][v] = sum[i][v] + Lane::load(s.column_bias + j + v * L); });
  if (s.init)
    each([&](int i, int v) { sum[i][v] = sum[i][v] + Lane::load(s.init + i * s.c_row + j + v * L); });
  if constexpr (std::is_same_v<T, float>) {
    // Most products have one bound or none; the units that multiply have no time to spare for the other.
    constexpr T kInfinity = std::numeric_limits<T>::infinity();
    if (s.lo > -kInfinity) each([&](int i, int v) { sum[i][v] = max(sum[i][v], Lane::splat(s.lo)); });
    if (s.hi < kInfinity) each([&](int i, int v) { sum[i][v] = min(sum[i][v], Lane::splat(s.hi)); });
  }
  each([&](int i, int v) { sum[i][v].store(s.c + i * s.c_row + j + v * L); });
}

template <class T, int R, bool PackedA, BForm B>
void strip(const Strip<T>& s);

// Copies rows x columns; one small loop for all tiles.
template <class T>
__attribute__((noinline)) void copy_block(const T* from, size_t from_row, T* to, size_t to_row, size_t rows,
                                          size_t columns) {
#pragma clang loop unroll(disable)
  for (size_t i = 0; i < rows; ++i)
#pragma clang loop vectorize(disable) unroll(disable)
    for (size_t q = 0; q < columns; ++q) to[i * to_row + q] = from[i * from_row + q];
}

// A strip of `rows` rows times x (or x times a panel of so many columns): the sums of its rows are the lanes
// of one or two vectors. Columns are read in whole vectors, beyond their rows.
template <int Vectors>
inline void column_strip(const float* a, size_t rows, const float* x, size_t step, size_t k, float* out) {
  using V = Vec<float>;
  constexpr size_t columns = 8 / Vectors;  // at a time: eight sums
  V sum[columns][Vectors];
#pragma unroll
  for (auto& column : sum) {
#pragma unroll
    for (V& s : column) s = V::splat(0.0f);
  }
  auto add = [&](V(&to)[Vectors]) __attribute__((always_inline)) {
    V y = V::load_splat(x);
#pragma unroll
    for (int v = 0; v < Vectors; ++v) to[v] = madd(V::load(a + 4 * v), y, to[v]);
    a += rows;
    x += step;
  };
  size_t p = 0;
#pragma nounroll
  for (; p + columns <= k; p += columns) {
#pragma unroll
    for (size_t u = 0; u < columns; ++u) add(sum[u]);
  }
  for (; p < k; ++p) add(sum[0]);
#pragma unroll
  for (int v = 0; v < Vectors; ++v) {
    V total = sum[0][v];
#pragma unroll
    for (size_t u = 1; u < columns; ++u) total = total + sum[u][v];
    total.store(out + 4 * v);
  }
}

// The sums of a packed strip of up to 8 rows with one column, to out[8].
inline __attribute__((noinline)) void strip_times_column(const float* a, size_t rows, const float* x,
                                                         size_t step, size_t k, float* out) {
  rows <= 4 ? column_strip<1>(a, rows, x, step, k, out) : column_strip<2>(a, rows, x, step, k, out);
}

// Column j alone, the first of its panel: lanes are rows.
inline __attribute__((noinline)) void strip_column(const Strip<float>& s, size_t rows, const float* b,
                                                   size_t j) {
  float sums[8];
  strip_times_column(s.a, rows, b, kPanelWidth<float>, s.k, sums);
#pragma clang loop vectorize(disable) unroll(disable)
  for (size_t i = 0; i < rows; ++i) {
    float y = sums[i];
    if (s.row_bias) y += s.row_bias[i];
    if (s.column_bias) y += s.column_bias[j];
    if (s.init) y += s.init[i * s.c_row + j];
    s.c[i * s.c_row + j] = std::min(std::max(y, s.lo), s.hi);
  }
}

// The last columns, fewer than a panel has: computed as a whole panel beside C.
template <class T, int R, bool PackedA, BForm B>
__attribute__((noinline)) void strip_tail(const Strip<T>& s, const T* b, size_t j) {
  constexpr size_t width = kPanelWidth<T>;
  size_t rest = s.n - j;
  if constexpr (std::is_same_v<T, float> && PackedA && B == BForm::kPanels) {
    if (rest == 1) return strip_column(s, R, b, j);
  }
  T c[R * width] = {}, bias[width] = {};
  Strip<T> panel = s;
  panel.n = width;
  panel.b = b;
  panel.c = c;
  panel.c_row = width;
  if (s.init) {
    copy_block(s.init + j, s.c_row, c, width, R, rest);
    panel.init = c;
  }
  if (s.column_bias) {
    copy_block(s.column_bias + j, 0, bias, 0, 1, rest);
    panel.column_bias = bias;
  }
  if (rest <= width / 2) {
    tile<T, R, 1, PackedA, B>(panel, b, 0);
  } else {
    strip<T, R, PackedA, B>(panel);
  }
  copy_block<T>(c, width, s.c + j, s.c_row, R, rest);
}

// R rows, all of s.n columns, a panel at a time.
template <class T, int R, bool PackedA, BForm B>
void strip(const Strip<T>& s) {
  constexpr size_t width = kPanelWidth<T>;
  size_t j = 0;
  const T* b = s.b;
  for (; j + width <= s.n; j += width) {
    tile<T, R, 2, PackedA, B>(s, b, j);
    b += B == BForm::kPanels ? s.b_panel : width;
    // The last columns come with some of those before them, which are written twice.
    if (B == BForm::kOffsets && j + width < s.n && s.n - j < 2 * width && !s.init) {
      j = s.n - 2 * width;
      b = s.b + s.n - width;
    }
  }
  if constexpr (B != BForm::kRows) {
    if (j < s.n) strip_tail<T, R, PackedA, B>(s, b, j);
  }
}

// Strips by their rows - 1.
template <class T, bool PackedA, BForm B, size_t... I>
constexpr std::array<void (*)(const Strip<T>&), sizeof...(I)> strips_of(std::index_sequence<I...>) {
  return {strip<T, static_cast<int>(I) + 1, PackedA, B>...};
}
template <class T, bool PackedA, BForm B>
inline constexpr auto kStrips = strips_of<T, PackedA, B>(std::make_index_sequence<kStripRows<T>>{});

// Strips are as even as can be: ceil(m / rows) of them, heights differing by at most one.
struct StripSplit {
  size_t count, height, higher;  // the first `higher` strips have one row more than `height`
  StripSplit(size_t m, size_t rows) : count((m + rows - 1) / rows), height(m / std::max<size_t>(count, 1)) {
    higher = m - count * height;
  }
  size_t begin(size_t i) const { return i * height + std::min(i, higher); }
  size_t rows(size_t i) const { return height + (i < higher ? 1 : 0); }
};

}  // namespace kinglet
