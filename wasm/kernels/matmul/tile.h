#pragma once
// The inner loops of matmul: one strip of up to four rows of C against panels of B.
#include "simd/vec.h"

namespace kinglet {

// Rows of a strip at most, and columns of a panel: two vectors.
inline constexpr size_t kStripRows = 4;
template <class T>
inline constexpr size_t kPanelWidth = 2 * static_cast<size_t>(kNativeLanes<T>);

template <class T>
struct Strip {
  size_t k, n;
  // Packed: column p at a + p * rows. In place: row i at a + i * a_row.
  const T* a;
  size_t a_row;
  // Packed: panel q at b + q * b_panel, its row p at + p * width. In place: row p at b + p * b_row, n a
  // multiple of the panel width.
  const T* b;
  size_t b_panel, b_row;
  T* c;
  size_t c_row;
  // What is added to the products; each may be null. `init` is laid out as C is, and may be C.
  const T* init;
  const T* row_bias;
  const T* column_bias;
  // min(max(c, lo), hi); floats only
  T lo, hi;
};

// One tile: R rows, V vectors of columns from column j on, of which the first `valid` exist.
template <class T, int R, int V, bool PackedA, bool PackedB, bool Partial>
inline __attribute__((always_inline)) void tile(const Strip<T>& s, const T* b, size_t j, size_t valid) {
  using Lane = Vec<T>;
  constexpr size_t L = Lane::kLanes;
  constexpr size_t width = kPanelWidth<T>;
  Lane sum[R][V];
#pragma unroll
  for (int i = 0; i < R; ++i) {
#pragma unroll
    for (int v = 0; v < V; ++v) sum[i][v] = Lane::splat(0);
  }
  const T* a = s.a;
  // The k loop is not unrolled: V8 schedules all loads of a block first, and more of them than registers
  // spill.
#pragma nounroll
  for (size_t p = 0; p < s.k; ++p) {
    Lane x[V];
#pragma unroll
    for (int v = 0; v < V; ++v) x[v] = Lane::load(b + (PackedB ? v / 2 * s.b_panel + v % 2 * L : v * L));
#pragma unroll
    for (int i = 0; i < R; ++i) {
      Lane y = Lane::load_splat(PackedA ? a + i : a + i * s.a_row);
#pragma unroll
      for (int v = 0; v < V; ++v) sum[i][v] = madd(y, x[v], sum[i][v]);
    }
    a += PackedA ? R : 1;
    b += PackedB ? width : s.b_row;
  }
#pragma unroll
  for (int i = 0; i < R; ++i) {
    T* c = s.c + i * s.c_row + j;
    const T* init = s.init ? s.init + i * s.c_row + j : nullptr;
    Lane bias = Lane::splat(s.row_bias ? s.row_bias[i] : T{0});
#pragma unroll
    for (int v = 0; v < V; ++v) {
      size_t from = v * L;
      if (Partial && from >= valid) break;
      size_t count = Partial ? std::min(valid - from, L) : L;
      bool whole = !Partial || count == L;
      auto read = [&](const T* p) { return whole ? Lane::load(p) : load_partial<Lane>(p, count); };
      Lane y = sum[i][v];
      if (s.row_bias) y = y + bias;
      if (s.column_bias) y = y + read(s.column_bias + j + from);
      if (init) y = y + read(init + from);
      if constexpr (std::is_floating_point_v<T>) y = min(max(y, Lane::splat(s.lo)), Lane::splat(s.hi));
      if (whole) {
        y.store(c + from);
      } else {
        store_partial(y, c + from, count);
      }
    }
  }
}

// R rows, all of s.n columns, `Panels` panels at a time.
template <class T, int R, int Panels, bool PackedA, bool PackedB>
void strip(const Strip<T>& s) {
  constexpr size_t width = kPanelWidth<T>;
  constexpr size_t step = Panels * width;
  size_t j = 0;
  const T* b = s.b;
  for (; j + step <= s.n; j += step) {
    tile<T, R, 2 * Panels, PackedA, PackedB, false>(s, b, j, step);
    b += PackedB ? Panels * s.b_panel : step;
  }
  if constexpr (Panels > 1) {
    for (; j + width <= s.n; j += width) {
      tile<T, R, 2, PackedA, PackedB, false>(s, b, j, width);
      b += PackedB ? s.b_panel : width;
    }
  }
  if constexpr (PackedB) {
    if (j >= s.n) return;
    if (s.n - j <= width / 2) {
      tile<T, R, 1, PackedA, true, true>(s, b, j, s.n - j);
    } else {
      tile<T, R, 2, PackedA, true, true>(s, b, j, s.n - j);
    }
  }
}

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
