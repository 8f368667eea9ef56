#pragma once
// The transforms of Winograd's tiles, of four channels at once.
#include <algorithm>
#include <cstring>

#include "kernels/conv/internal.h"
#include "simd/interleave.h"

namespace kinglet::conv_internal {

using V = Vec<float>;
inline constexpr size_t L = 4;
static_assert(V::kLanes == L);
inline constexpr double kA = 0.70710678118654752440, kB = 1.41421356237309504880;  // the points
inline constexpr double kC = 0.5;  // of F(4, 2): 0, +-1, this and infinity
// Transformed weights in each direction; of a strided tile the last one meets four inputs, the odd ones.
inline constexpr size_t kIn = 6, kPlaces = kIn * kIn;
inline constexpr size_t kEven = 5, kOdd = 4, kStrided = kEven + kOdd;
// Behind each place, so that places are not a multiple of the cache's size apart.
inline constexpr size_t kSkew = 16;

// Where places (i, j) of tiles with N inputs in each direction lie, in parts of so many elements. Places that
// meet the same weights are neighbours: of the odd rows and columns four or sixteen.
template <size_t N>
struct Column {
  size_t first, step, odd = 0, odd_step = 0;
  Column(size_t j, size_t part) : first(j * (part + kSkew)), step(N * (part + kSkew)) {
    if constexpr (N == kStrided) {
      size_t weight = std::min(j, kEven);
      first = j * part + weight * kSkew, step = N * part + kIn * kSkew;
      odd = (kEven * N + (j < kEven ? j * kOdd : kEven * kOdd + j - kEven)) * part +
            (kEven * kIn + weight) * kSkew;
      odd_step = j < kEven ? part : kOdd * part;
    }
  }
  size_t at(size_t i) const {
    return N == kIn || i < kEven ? first + i * step : odd + (i - kEven) * odd_step;
  }
};

// A x + y
template <double A>
inline V scaled(V x, V y) {
  return madd(number<static_cast<float>(A)>(x), x, y);
}
template <double A>
inline V scaled(V x) {
  return number<static_cast<float>(A)>(x) * x;
}

// Weights along one direction: of a strided tile for even inputs by F(4, 2), and the one that odd ones meet.
template <bool Strided, size_t Taps>
inline void transform_weights(const V (&t)[Taps], V (&u)[kIn]) {
  if constexpr (Strided) {
    constexpr double c = 1 / (kC * (kC * kC - 1));
    u[0] = scaled<1 / kC>(t[0]);
    u[1] = scaled<1 / (2 - 2 * kC)>(t[2] + t[0]);
    u[2] = scaled<1 / (2 + 2 * kC)>(t[2] - t[0]);
    u[3] = scaled<kC * c>(t[2], scaled<c>(t[0]));
    u[4] = t[2];
    u[5] = t[1];
  } else {
    constexpr double a2 = kA * kA, b2 = kB * kB;
    constexpr double na = 1 / (2 * a2 * (a2 - b2)), nb = 1 / (2 * b2 * (b2 - a2));
    V even_a = scaled<na * a2>(t[2], scaled<na>(t[0])), odd_a = scaled<na * kA>(t[1]);
    V even_b = scaled<nb * b2>(t[2], scaled<nb>(t[0])), odd_b = scaled<nb * kB>(t[1]);
    if constexpr (Taps == 5) {
      even_a = scaled<na * a2 * a2>(t[4], even_a), odd_a = scaled<na * kA * a2>(t[3], odd_a);
      even_b = scaled<nb * b2 * b2>(t[4], even_b), odd_b = scaled<nb * kB * b2>(t[3], odd_b);
    }
    u[0] = scaled<1 / (a2 * b2)>(t[0]);
    u[1] = even_a + odd_a;
    u[2] = even_a - odd_a;
    u[3] = even_b + odd_b;
    u[4] = even_b - odd_b;
    u[5] = t[Taps - 1];
  }
}

// Rows of places that share most of their work.
inline constexpr size_t kRowPairs[][2] = {{0, 5}, {1, 2}, {3, 4}};
inline constexpr size_t kPairs = kIn / 2;

// All places of 5 x 5 weights of four channels of outputs that lie `width` elements apart.
inline void put_weights(const float* w, size_t width, float* u, size_t place) {
  constexpr size_t kTaps = 5;
  V rows[kIn][kTaps], to[kIn];
#pragma nounroll
  for (size_t i = 0; i < kTaps; ++i) {
    V t[kTaps];
#pragma unroll
    for (size_t j = 0; j < kTaps; ++j, w += width) t[j] = V::load(w);
    transform_weights<false>(t, to);
#pragma unroll
    for (size_t j = 0; j < kIn; ++j) rows[j][i] = to[j];
  }
#pragma nounroll
  for (size_t j = 0; j < kIn; ++j, u += place) {
    transform_weights<false>(rows[j], to);
#pragma unroll
    for (size_t i = 0; i < kIn; ++i) to[i].store(u + i * kIn * place);
  }
}

// Two rows of places, each a place behind another, of 3 x 3 weights.
template <bool Strided, size_t Pair>
inline void put_weights(const float* w, size_t width, float* first, float* second, size_t place) {
  constexpr size_t kTaps = 3;
  V t[2][kTaps], to[kIn];
#pragma unroll
  for (size_t j = 0; j < kTaps; ++j) {
    V column[kTaps];
#pragma unroll
    for (size_t i = 0; i < kTaps; ++i) column[i] = V::load(w + (i * kTaps + j) * width);
    transform_weights<Strided>(column, to);
    t[0][j] = to[kRowPairs[Pair][0]], t[1][j] = to[kRowPairs[Pair][1]];
  }
#pragma unroll
  for (size_t i = 0; i < 2; ++i) {
    transform_weights<Strided>(t[i], to);
    float* u = i == 0 ? first : second;
#pragma unroll
    for (size_t j = 0; j < kIn; ++j, u += place) to[j].store(u);
  }
}

inline void transform_inputs(V (&d)[kIn]) {
  V even_a = scaled<-2.0>(d[2], d[4]), odd_a = scaled<kA>(scaled<-2.0>(d[1], d[3]));
  V even_b = scaled<-0.5>(d[2], d[4]), odd_b = scaled<kB>(scaled<-0.5>(d[1], d[3]));
  d[0] = scaled<-2.5>(d[2], d[0] + d[4]);
  d[5] = scaled<-2.5>(d[3], d[1] + d[5]);
  d[1] = even_a + odd_a;
  d[2] = even_a - odd_a;
  d[3] = even_b + odd_b;
  d[4] = even_b - odd_b;
}

// Even inputs first, then odd ones.
inline void transform_inputs(V (&d)[kStrided]) {
  V far = d[3] - d[1], right = scaled<-kC>(d[2], d[3]), left = scaled<-kC>(d[1], d[2]);
  d[0] = scaled<-kC>(d[2] - d[0], far);
  d[4] = scaled<-kC>(far, d[4] - d[2]);
  d[1] = right + left;
  d[2] = right - left;
  d[3] = far;
}

inline void transform_outputs(const V (&m)[kStrided], V (&y)[kOdd]) {
  V sum = m[1] + m[2], odd = m[1] - m[2];
  y[0] = m[0] + sum + (m[3] + m[kEven]);
  y[1] = scaled<kC>(m[3], odd + m[kEven + 1]);
  y[2] = scaled<kC * kC>(m[3], sum + m[kEven + 2]);
  y[3] = scaled<kC * kC * kC>(m[3], odd + (m[4] + m[kEven + 3]));
}

template <size_t Out>
inline void transform_outputs(const V (&m)[kIn], V (&y)[Out]) {
  V sum_a = m[1] + m[2], odd_a = scaled<kA>(m[1] - m[2]);
  V sum_b = m[3] + m[4], odd_b = scaled<kB>(m[3] - m[4]);
  y[0] = m[0] + sum_a + sum_b;
  if constexpr (Out == 2) {
    y[1] = odd_a + odd_b + m[5];
  } else {
    y[1] = odd_a + odd_b;
    y[2] = scaled<0.5>(sum_a, scaled<2.0>(sum_b));
    y[3] = scaled<0.5>(odd_a, scaled<2.0>(odd_b, m[5]));
  }
}

// Four rows become four columns.
inline void turn(V (&r)[4]) {
  V ab = low_pairs(r[0], r[1]), cd = low_pairs(r[2], r[3]);
  V ef = high_pairs(r[0], r[1]), gh = high_pairs(r[2], r[3]);
  r[0] = first_halves(ab, cd);
  r[1] = second_halves(ab, cd);
  r[2] = first_halves(ef, gh);
  r[3] = second_halves(ef, gh);
}

// The part of a tile of N x N inputs that lies in its plane; all else is zeros.
template <size_t N>
struct Window {
  size_t top, bottom;  // rows
  bool whole;          // has all columns
  int32_t columns[N];  // all bits of those it has, or none
  // Elements from the plane's first to that of the first row, and behind the last one that is read.
  ptrdiff_t begin = 0, end = 0;

  // The tile's first row and column; negative ones are padding.
  Window(const ConvShape& s, ptrdiff_t row, ptrdiff_t column) {
    constexpr ptrdiff_t zero = 0, n = N;
    auto height = static_cast<ptrdiff_t>(s.in[1]), width = static_cast<ptrdiff_t>(s.in[2]);
    ptrdiff_t first = std::clamp(-row, zero, n), last = std::clamp(height - row, first, n);
    ptrdiff_t left = std::clamp(-column, zero, n), right = std::clamp(width - column, left, n);
    if (left == right) last = first;
    if (first < last) begin = (row + first) * width + column, end = begin + (last - first - 1) * width + n;
    top = static_cast<size_t>(first), bottom = static_cast<size_t>(last);
    whole = right - left == n;
    for (ptrdiff_t j = 0; j < n; ++j) columns[j] = j >= left && j < right ? -1 : 0;
  }
};

// A tile of four channels to `to`, in parts of so many elements. `from`: its first row in the plane, of which
// all columns are read.
template <size_t N>
inline void put_tile(const float* const (&from)[L], size_t row, const Window<N>& window, float* to,
                     size_t part) {
  using M = vec<int32_t, L>;
  V lines[N][N];
#pragma nounroll
  for (size_t i = 0; i < N; ++i) {
    size_t place = N == kIn ? i : i / 2 + i % 2 * kEven, at = (i - window.top) * row;
    V d[N];
    if (i < window.top || i >= window.bottom) {
#pragma unroll
      for (size_t j = 0; j < N; ++j) lines[j][place] = V::splat(0.0f);
      continue;
    }
    V left[L], right[L];
#pragma unroll
    for (size_t t = 0; t < L; ++t) left[t] = V::load(from[t] + at), right[t] = V::load(from[t] + at + N - L);
    turn(left);
    V ab = high_pairs(right[0], right[1]), cd = high_pairs(right[2], right[3]);
    V last = second_halves(ab, cd);
    if constexpr (N == kIn) {
#pragma unroll
      for (size_t j = 0; j < L; ++j) d[j] = left[j];
      d[4] = first_halves(ab, cd), d[5] = last;
    } else {
      d[0] = left[0], d[1] = left[2], d[kEven] = left[1], d[kEven + 1] = left[3];
#pragma unroll
      for (size_t t = 0; t < L; ++t) left[t] = V::load(from[t] + at + L);
      turn(left);
      d[2] = left[0], d[3] = left[2], d[kEven + 2] = left[1], d[kEven + 3] = left[3];
      d[4] = last;
    }
    if (!window.whole) {
#pragma unroll
      for (size_t j = 0; j < N; ++j) {
        size_t column = N == kIn ? j : j < kEven ? 2 * j : 2 * (j - kEven) + 1;
        d[j] = bit_cast<float>(bit_cast<int32_t>(d[j]) & M::load_splat(window.columns + column));
      }
    }
    transform_inputs(d);
#pragma unroll
    for (size_t j = 0; j < N; ++j) lines[j][place] = d[j];
  }
#pragma nounroll
  for (size_t j = 0; j < N; ++j) {
    Column<N> column(j, part);
    transform_inputs(lines[j]);
#pragma unroll
    for (size_t i = 0; i < N; ++i) lines[j][i].store(to + column.at(i));
  }
}

// Where a tile's outputs go; channels lie `plane` apart.
struct Finish {
  V lo, hi;
  size_t plane, row;
  const float* bias;      // null or of each channel
  const float* residual;  // null or laid out as y
  float* y;
  size_t channels, down, across;  // how many there are
};

// A tile of four channels of outputs from the products, in parts of so many elements.
template <size_t N, size_t Out>
inline void take_tile(const float* from, size_t part, const Finish& f) {
  V lines[Out][N];
#pragma nounroll
  for (size_t j = 0; j < N; ++j) {
    Column<N> column(j, part);
    V m[N], y[Out];
#pragma unroll
    for (size_t i = 0; i < N; ++i) m[i] = V::load(from + column.at(i));
    transform_outputs(m, y);
#pragma unroll
    for (size_t i = 0; i < Out; ++i) lines[i][j] = y[i];
  }
#pragma nounroll
  for (size_t i = 0; i < f.down; ++i) {
    V out[L] = {}, y[Out];
    transform_outputs(lines[i], y);
#pragma unroll
    for (size_t j = 0; j < Out; ++j) out[j] = y[j];
    turn(out);
#pragma nounroll
    for (size_t c = 0; c < f.channels; ++c) {
      size_t at = c * f.plane + i * f.row;
      V sum = out[c];
      if (f.bias) sum = sum + V::load_splat(f.bias + c);
      if (f.across == L) {
        if (f.residual) sum = sum + V::load(f.residual + at);
        min(max(sum, f.lo), f.hi).store(f.y + at);
        continue;
      }
      float lanes[L] = {};
      if (f.residual) {
        for (size_t q = 0; q < f.across; ++q) lanes[q] = f.residual[at + q];
      }
      min(max(sum + V::load(lanes), f.lo), f.hi).store(lanes);
      if (f.across == 2)
        std::memcpy(f.y + at, lanes, 2 * sizeof(float));
      else
        for (size_t q = 0; q < f.across; ++q) f.y[at + q] = lanes[q];
    }
  }
}

}  // namespace kinglet::conv_internal
