// 3 x 3 with stride 1 by Winograd's F(4 x 4, 3 x 3): 36 products of transformed weights and transformed tiles
// of 6 x 6 inputs give tiles of 4 x 4 outputs with a quarter of the multiplications. Interpolation points are
// 0,
// +-sqrt(1/2), +-sqrt(2) and infinity, whose rounding errors are smaller than those of 0, +-1, +-2.
#include <algorithm>

#include "kernels/conv/internal.h"
#include "kernels/conv/padded.h"
#include "kernels/matmul/tile.h"
#include "simd/interleave.h"

namespace kinglet::conv_internal {

namespace {

using V = Vec<float>;
constexpr size_t L = 4, kWidth = kPanelWidth<float>, kRows = kStripRows<float>;
static_assert(V::kLanes == L);
constexpr double kA = 0.70710678118654752440, kB = 1.41421356237309504880;  // the points
constexpr size_t kOut = 4, kIn = 6, kPlaces = kIn * kIn;
// Elements of the transformed tiles of all channels, which stay in the second-level cache.
constexpr size_t kBlockElements = 128 * 1024;

struct Tiles {
  size_t down, across;
  size_t block;  // tiles transformed together, a multiple of the panel's width
  Padded image;
  size_t planes, columns, results;  // elements of scratch: padded image; tiles and products of a thread
  size_t count() const { return down * across; }
};

Result<Tiles> tiles_of(const ConvShape& s) {
  Tiles t;
  t.down = ceil_div(s.out[1], kOut);
  t.across = ceil_div(s.out[2], kOut);
  KL_ASSIGN(t.image, padded_for(s, t.down * kOut, t.across * kOut));
  KL_ASSIGN(size_t channels, checked_mul(s.groups, s.in_channels));
  KL_ASSIGN(t.planes, checked_mul(t.image.plane(), channels));
  KL_ASSIGN(t.planes, checked_add(t.planes, kPaddedSlack + 15));
  t.planes = t.planes / 16 * 16;
  KL_ASSIGN(size_t one, checked_mul(kPlaces, s.in_channels));
  size_t most = std::max(kBlockElements / one / kWidth * kWidth, kWidth);
  t.block = std::min({most, 8 * kWidth, align_up(t.count(), kWidth)});
  KL_ASSIGN(t.columns, checked_mul(one, t.block));
  t.results = kPlaces * kRows * t.block;
  return t;
}

// Weights of one group: strips of output channels, then places, then packed as matmul_pack_a does it.
size_t packed_elements(const ConvShape& s) { return kPlaces * s.out_channels * s.in_channels + kRows; }

inline void transform_weights(const float* g, double (&u)[kIn][kIn]) {
  auto line = [](double x, double y, double z, double* out, size_t step) {
    constexpr double a2 = kA * kA, b2 = kB * kB;
    constexpr double na = 1 / (2 * a2 * (a2 - b2)), nb = 1 / (2 * b2 * (b2 - a2));
    out[0] = x / (a2 * b2);
    out[step] = (x + kA * y + a2 * z) * na;
    out[2 * step] = (x - kA * y + a2 * z) * na;
    out[3 * step] = (x + kB * y + b2 * z) * nb;
    out[4 * step] = (x - kB * y + b2 * z) * nb;
    out[5 * step] = z;
  };
  double rows[3][kIn];
  for (int i = 0; i < 3; ++i) line(g[3 * i], g[3 * i + 1], g[3 * i + 2], rows[i], 1);
  for (size_t i = 0; i < kIn; ++i) line(rows[0][i], rows[1][i], rows[2][i], &u[0][i], kIn);
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

inline void transform_outputs(const V (&m)[kIn], V (&y)[kOut]) {
  constexpr float a = kA, b = kB;
  V sum_a = m[1] + m[2], odd_a = V::splat(a) * (m[1] - m[2]);
  V sum_b = m[3] + m[4], odd_b = V::splat(b) * (m[3] - m[4]);
  y[0] = m[0] + sum_a + sum_b;
  y[1] = odd_a + odd_b;
  y[2] = madd(V::splat(0.5f), sum_a, V::splat(2.0f) * sum_b);
  y[3] = madd(V::splat(0.5f), odd_a, madd(V::splat(2.0f), odd_b, m[5]));
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

// One channel's tiles [first, first + 4) to `to`, places `step` apart.
void put_tiles(const float* const (&from)[L], size_t row, float* to, size_t step) {
  V lines[kIn][kIn];
#pragma nounroll
  for (size_t i = 0; i < kIn; ++i) {
    V left[4], right[4];
#pragma unroll
    for (size_t t = 0; t < L; ++t)
      left[t] = V::load(from[t] + i * row), right[t] = V::load(from[t] + i * row + 2);
    turn(left);
    V ab = high_pairs(right[0], right[1]), cd = high_pairs(right[2], right[3]);
    V d[kIn] = {left[0], left[1], left[2], left[3], first_halves(ab, cd), second_halves(ab, cd)};
    transform_inputs(d);
#pragma unroll
    for (size_t j = 0; j < kIn; ++j) lines[j][i] = d[j];
  }
#pragma nounroll
  for (size_t j = 0; j < kIn; ++j) {
    transform_inputs(lines[j]);
#pragma unroll
    for (size_t i = 0; i < kIn; ++i) lines[j][i].store(to + (i * kIn + j) * step);
  }
}

struct Finish {
  V bias, lo, hi;
  const float* residual;  // null or laid out as y
  float* y;
  size_t row, rows, columns;  // of the output plane
};

// Four tiles of one channel from the products, places `step` apart.
void take_tiles(const float* from, size_t step, const size_t (&down)[L], const size_t (&across)[L],
                size_t tiles, const Finish& f) {
  V lines[kIn][kOut];
#pragma nounroll
  for (size_t i = 0; i < kIn; ++i) {
    V m[kIn];
#pragma unroll
    for (size_t j = 0; j < kIn; ++j) m[j] = V::load(from + (i * kIn + j) * step);
    transform_outputs(m, lines[i]);
  }
  V out[kOut][kOut];
#pragma nounroll
  for (size_t j = 0; j < kOut; ++j) {
    V m[kIn], y[kOut];
#pragma unroll
    for (size_t i = 0; i < kIn; ++i) m[i] = lines[i][j];
    transform_outputs(m, y);
#pragma unroll
    for (size_t i = 0; i < kOut; ++i) out[i][j] = y[i];
  }
#pragma nounroll
  for (size_t i = 0; i < kOut; ++i) {
    turn(out[i]);
#pragma nounroll
    for (size_t t = 0; t < tiles; ++t) {
      if (down[t] + i >= f.rows) continue;
      size_t at = (down[t] + i) * f.row + across[t], valid = f.columns - across[t];
      V sum = out[i][t] + f.bias;
      if (valid >= L) {
        if (f.residual) sum = sum + V::load(f.residual + at);
        min(max(sum, f.lo), f.hi).store(f.y + at);
        continue;
      }
      float lanes[L] = {};
      if (f.residual) {
        for (size_t q = 0; q < valid; ++q) lanes[q] = f.residual[at + q];
      }
      min(max(sum + V::load(lanes), f.lo), f.hi).store(lanes);
      for (size_t q = 0; q < valid; ++q) f.y[at + q] = lanes[q];
    }
  }
}

}  // namespace

bool winograd_pays(const ConvShape& s) {
  // In multiply-adds: products, transforms, and reading weights from memory. Small products do not pay.
  double channels = static_cast<double>(s.in_channels) * static_cast<double>(s.out_channels);
  double both = static_cast<double>(s.in_channels + s.out_channels), out = static_cast<double>(s.out_size());
  auto tiles = static_cast<double>(align_up(ceil_div(s.out[1], kOut) * ceil_div(s.out[2], kOut), kWidth));
  double here = (tiles + 12) * kPlaces * channels + tiles * 400 * both;
  return here < 0.8 * (out + 12) * 9 * channels;
}

Result<size_t> winograd_packed_bytes(const ConvShape& s) {
  KL_ASSIGN(size_t count, checked_mul(s.out_channels, s.in_channels));
  KL_ASSIGN(count, checked_mul(count, kPlaces));
  KL_ASSIGN(count, checked_add(count, kRows));
  KL_ASSIGN(count, checked_mul(count, s.groups));
  return checked_mul(count, sizeof(float));
}

void winograd_pack(const ConvShape& s, const float* w, float* packed) {
  StripSplit split(s.out_channels, kRows);
  for (size_t g = 0; g < s.groups; ++g, packed += packed_elements(s)) {
    for (size_t n = 0; n < split.count; ++n) {
      size_t begin = split.begin(n), rows = split.rows(n);
      float* to = packed + kPlaces * begin * s.in_channels;
      for (size_t c = 0; c < s.in_channels; ++c)
        for (size_t r = 0; r < rows; ++r) {
          double u[kIn][kIn];
          transform_weights(w + ((g * s.out_channels + begin + r) * s.in_channels + c) * 9, u);
          for (size_t p = 0; p < kPlaces; ++p)
            to[(p * s.in_channels + c) * rows + r] = static_cast<float>(u[p / kIn][p % kIn]);
        }
    }
  }
}

Result<size_t> winograd_scratch(const ConvShape& s, int threads) {
  KL_ASSIGN(Tiles t, tiles_of(s));
  KL_ASSIGN(size_t count, checked_add(t.columns, t.results));
  KL_ASSIGN(count, checked_mul(count, static_cast<size_t>(threads)));
  KL_ASSIGN(count, checked_add(count, t.planes));
  return checked_mul(count, sizeof(float));
}

void run_winograd(const Conv<float>& call, void* scratch, Parallel& pool) {
  const ConvShape& s = call.shape;
  Result<Tiles> tiles = tiles_of(s);
  if (!tiles.ok()) return;  // winograd_scratch has said so
  const Tiles& t = *tiles;
  StripSplit split(s.out_channels, kRows);
  Finish finish{};
  float lo, hi;
  bool clamp = is_clamp(call.activation, &lo, &hi);
  finish.lo = V::splat(lo), finish.hi = V::splat(hi);
  finish.row = finish.columns = s.out[2], finish.rows = s.out[1];
  float* copy = static_cast<float*>(scratch);
  size_t blocks = ceil_div(t.count(), t.block), channels = s.groups * s.in_channels;
  for (size_t image = 0; image < s.images && !cancelled(pool); ++image) {
    pad_planes(s, t.image, call.x + image * channels * s.in_size(), channels, copy, pool);
    parallel_slots(pool, s.groups * blocks, [&](size_t thread, size_t item) {
      float* columns = copy + t.planes + thread * (t.columns + t.results);
      float* results = columns + t.columns;
      size_t g = item / blocks, first = item % blocks * t.block, count = std::min(t.block, t.count() - first);
      size_t padded = align_up(count, kWidth);
      Finish f = finish;
      // Rows and columns of four tiles' outputs; those behind the last are its copies.
      auto places = [&](size_t n, size_t(&down)[L], size_t(&across)[L]) {
        for (size_t q = 0; q < L; ++q) {
          size_t index = first + std::min(n + q, count - 1);
          down[q] = index / t.across * kOut, across[q] = index % t.across * kOut;
        }
      };
      size_t panel = s.in_channels * kWidth, step = padded * s.in_channels;
      for (size_t n = 0; n < padded; n += L) {
        size_t down[L], across[L];
        places(n, down, across);
        const float* from[L];
        for (size_t q = 0; q < L; ++q)
          from[q] = copy + g * s.in_channels * t.image.plane() + down[q] * t.image.row() + across[q];
        float* to = columns + n / kWidth * panel + n % kWidth;
        for (size_t c = 0; c < s.in_channels; ++c, to += kWidth) {
          put_tiles(from, t.image.row(), to, step);
          for (const float*& x : from) x += t.image.plane();
        }
      }
      for (size_t i = 0; i < split.count && !cancelled(pool); ++i) {
        size_t begin = split.begin(i), rows = split.rows(i), channel = g * s.out_channels + begin;
        Strip<float> strip{};
        strip.k = s.in_channels;
        strip.n = strip.c_row = padded;
        strip.a = call.w + g * packed_elements(s) + kPlaces * begin * s.in_channels;
        strip.b = columns;
        strip.b_panel = panel;
        strip.c = results;
        is_clamp({}, &strip.lo, &strip.hi);
        for (size_t p = 0; p < kPlaces; ++p) {
          kStrips<float, true, BForm::kPanels>[rows - 1](strip);
          strip.a += rows * s.in_channels;
          strip.b += step;
          strip.c += rows * padded;
        }
        for (size_t n = 0; n < count; n += L) {
          size_t down[L], across[L];
          places(n, down, across);
          for (size_t r = 0; r < rows; ++r) {
            size_t plane = (image * s.groups * s.out_channels + channel + r) * s.out_size();
            f.bias = V::splat(call.bias ? call.bias[channel + r] : 0.0f);
            f.residual = call.residual ? call.residual + plane : nullptr;
            f.y = call.y + plane;
            take_tiles(results + r * padded + n, rows * padded, down, across, std::min(L, count - n), f);
          }
        }
      }
    });
    if (clamp) continue;
    size_t planes = s.groups * s.out_channels;
    parallel_for(pool, planes, 1 + 16384 / s.out_size(), [&](size_t begin, size_t end) {
      activate(call.activation, call.y + (image * planes + begin) * s.out_size(),
               (end - begin) * s.out_size());
    });
  }
}

}  // namespace kinglet::conv_internal
