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

// g: `taps` x `taps` weights
inline void transform_weights(const float* g, size_t taps, bool strided, double (&u)[kIn][kIn]) {
  auto line = [taps, strided](const auto* x, size_t from, double* out, size_t step) {
    if (strided) {
      double first = static_cast<double>(x[0]), last = static_cast<double>(x[2 * from]);
      out[0] = first / kC;
      out[step] = (first + last) / (2 - 2 * kC);
      out[2 * step] = (last - first) / (2 + 2 * kC);
      out[3 * step] = (first + kC * last) / (kC * (kC * kC - 1));
      out[4 * step] = last;
      out[5 * step] = static_cast<double>(x[from]);
      return;
    }
    constexpr double a2 = kA * kA, b2 = kB * kB;
    constexpr double na = 1 / (2 * a2 * (a2 - b2)), nb = 1 / (2 * b2 * (b2 - a2));
    double t[5] = {};
    for (size_t i = 0; i < taps; ++i) t[i] = static_cast<double>(x[i * from]);
    double even_a = t[0] + a2 * (t[2] + a2 * t[4]), odd_a = kA * (t[1] + a2 * t[3]);
    double even_b = t[0] + b2 * (t[2] + b2 * t[4]), odd_b = kB * (t[1] + b2 * t[3]);
    out[0] = t[0] / (a2 * b2);
    out[step] = (even_a + odd_a) * na;
    out[2 * step] = (even_a - odd_a) * na;
    out[3 * step] = (even_b + odd_b) * nb;
    out[4 * step] = (even_b - odd_b) * nb;
    out[5 * step] = t[taps - 1];
  };
  double rows[5][kIn];
  for (size_t i = 0; i < taps; ++i) line(g + i * taps, 1, rows[i], 1);
  for (size_t i = 0; i < kIn; ++i) line(&rows[0][i], kIn, &u[0][i], kIn);
}

inline void transform_inputs(V (&d)[kIn]) {
  constexpr float a = kA, b = kB;
  const V a2 = V::splat(-0.5f), b2 = V::splat(-2.0f), both = V::splat(-2.5f);
  V even_a = madd(d[2], b2, d[4]), odd_a = V::splat(a) * madd(d[1], b2, d[3]);
  V even_b = madd(d[2], a2, d[4]), odd_b = V::splat(b) * madd(d[1], a2, d[3]);
  d[0] = madd(d[2], both, d[0] + d[4]);
  d[5] = madd(d[3], both, d[1] + d[5]);
  d[1] = even_a + odd_a;
  d[2] = even_a - odd_a;
  d[3] = even_b + odd_b;
  d[4] = even_b - odd_b;
}

// Even inputs first, then odd ones.
inline void transform_inputs(V (&d)[kStrided]) {
  const V c = V::splat(-kC);
  V far = d[3] - d[1], right = madd(c, d[2], d[3]), left = madd(c, d[1], d[2]);
  d[0] = madd(c, d[2] - d[0], far);
  d[4] = madd(c, far, d[4] - d[2]);
  d[1] = right + left;
  d[2] = right - left;
  d[3] = far;
}

inline void transform_outputs(const V (&m)[kStrided], V (&y)[kOdd]) {
  constexpr float c = kC;
  V sum = m[1] + m[2], odd = m[1] - m[2];
  y[0] = m[0] + sum + (m[3] + m[kEven]);
  y[1] = madd(V::splat(c), m[3], odd + m[kEven + 1]);
  y[2] = madd(V::splat(c * c), m[3], sum + m[kEven + 2]);
  y[3] = madd(V::splat(c * c * c), m[3], odd + (m[4] + m[kEven + 3]));
}

template <size_t Out>
inline void transform_outputs(const V (&m)[kIn], V (&y)[Out]) {
  constexpr float a = kA, b = kB;
  V sum_a = m[1] + m[2], odd_a = V::splat(a) * (m[1] - m[2]);
  V sum_b = m[3] + m[4], odd_b = V::splat(b) * (m[3] - m[4]);
  y[0] = m[0] + sum_a + sum_b;
  if constexpr (Out == 2) {
    y[1] = odd_a + odd_b + m[5];
  } else {
    y[1] = odd_a + odd_b;
    y[2] = madd(V::splat(0.5f), sum_a, V::splat(2.0f) * sum_b);
    y[3] = madd(V::splat(0.5f), odd_a, madd(V::splat(2.0f), odd_b, m[5]));
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

// A tile of four channels to `to`, in parts of so many elements. With N == kStrided odd columns lie `odd`
// behind the even ones.
template <size_t N>
inline void put_tile(const float* const (&from)[L], size_t row, [[maybe_unused]] size_t odd, float* to,
                     size_t part) {
  V lines[N][N];
#pragma nounroll
  for (size_t i = 0; i < N; ++i) {
    V left[L], right[L], d[N];
#pragma unroll
    for (size_t t = 0; t < L; ++t)
      left[t] = V::load(from[t] + i * row), right[t] = V::load(from[t] + i * row + (N == kIn ? 2 : 1));
    turn(left);
    V ab = high_pairs(right[0], right[1]), cd = high_pairs(right[2], right[3]);
#pragma unroll
    for (size_t j = 0; j < L; ++j) d[j] = left[j];
    if constexpr (N == kIn) {
      d[4] = first_halves(ab, cd), d[5] = second_halves(ab, cd);
    } else {
      d[4] = second_halves(ab, cd);
#pragma unroll
      for (size_t t = 0; t < L; ++t) left[t] = V::load(from[t] + i * row + odd);
      turn(left);
#pragma unroll
      for (size_t j = 0; j < L; ++j) d[kEven + j] = left[j];
    }
    transform_inputs(d);
    size_t place = N == kIn ? i : i / 2 + i % 2 * kEven;
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
