#pragma once
// Channels copied with a border of zeros, so that no loop over taps checks bounds. With a horizontal stride
// each row is kept as so many rows, one for each remainder of the column: the columns that a tap meets lie
// side by side. Up to two spatial dimensions.
#include "base/checked.h"
#include "kernels/conv/conv.h"
#include "simd/vec.h"

namespace kinglet::conv_internal {

// Rows are short: loops over them are not to become calls of memset and memcpy.
#define KL_SHORT_LOOPS __attribute__((no_builtin("memset", "memcpy", "memmove")))

template <class T>
KL_SHORT_LOOPS inline __attribute__((always_inline)) void zero(T* to, size_t n) {
  constexpr size_t L = Vec<T>::kLanes;
  size_t i = 0;
#pragma clang loop unroll(disable)
  for (; i + L <= n; i += L) Vec<T>::splat(0).store(to + i);
#pragma clang loop vectorize(disable) unroll(disable)
  for (; i < n; ++i) to[i] = 0;
}

template <class T>
KL_SHORT_LOOPS inline __attribute__((always_inline)) void copy_row(const T* from, T* to, size_t n) {
  using V = Vec<T>;
  constexpr size_t L = V::kLanes;
  size_t i = 0;
#pragma clang loop unroll(disable)
  for (; i + L <= n; i += L) V::load(from + i).store(to + i);
  if (n >= L && i < n) return V::load(from + n - L).store(to + n - L);
#pragma clang loop vectorize(disable) unroll(disable)
  for (; i < n; ++i) to[i] = from[i];
}

// to[i] = from[i * step]
KL_SHORT_LOOPS inline __attribute__((always_inline)) void copy_strided(const float* from, size_t step,
                                                                       float* to, size_t n) {
  using V = Vec<float>;
  constexpr size_t L = V::kLanes;
  if (step == 1) return copy_row(from, to, n);
  size_t i = 0;
  if (step == 2 && n > L) {
    for (; i + L < n; i += L) even(V::load(from + 2 * i), V::load(from + 2 * i + L)).store(to + i);
    // The last vector ends with the last element: nothing behind the row is read.
    const float* last = from + 2 * (n - L) - 1;
    odd(V::load(last), V::load(last + L)).store(to + n - L);
    return;
  }
  for (; i < n; ++i) to[i] = from[i * step];
}

// How far vectors may read behind the last row.
inline constexpr size_t kPaddedSlack = 16;

struct Padded {
  size_t phases = 1;
  size_t pitch = 0;  // elements of one phase of a row
  size_t rows = 0;
  size_t row() const { return pitch * phases; }
  size_t plane() const { return row() * rows; }
  // From the element of an output's first tap to that of tap (h, w).
  size_t tap(const ConvShape& s, size_t h, size_t w) const {
    size_t column = w * s.dilation[2];
    return h * s.dilation[1] * row() + column % phases * pitch + column / phases;
  }
};

// The copy that outputs of `rows_out` rows by `columns_out` columns read. Fails when it cannot be addressed.
Result<Padded> padded_for(const ConvShape& s, size_t rows_out, size_t columns_out);

// Rows [row, row + rows) of each channel, counted from the first row of padding, to `to`, a plane for each.
void pad_rows(const ConvShape& s, const Padded& p, const float* x, size_t channels, size_t row, size_t rows,
              float* to);

// Whole channels.
void pad_planes(const ConvShape& s, const Padded& p, const float* x, size_t channels, float* to,
                Parallel& pool);

}  // namespace kinglet::conv_internal
