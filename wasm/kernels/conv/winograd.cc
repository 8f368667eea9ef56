// 3 x 3 and 5 x 5 with stride 1 by Winograd's F(4 x 4, 3 x 3) and F(2 x 2, 5 x 5): 36 products of transformed
// weights and transformed tiles of 6 x 6 inputs give 16 or 4 outputs for a quarter or a third of the
// multiplications. Interpolation points are 0, +-sqrt(1/2), +-sqrt(2) and infinity, whose rounding errors are
// smaller than those of 0, +-1, +-2. Rows of the products are tiles, columns are channels of outputs.
#include <algorithm>
#include <cstring>

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
constexpr size_t kIn = 6, kPlaces = kIn * kIn;
// Weights of so many elements stay in the second-level cache, and so do the tiles of a small block and their
// products. Larger weights pass by once for each block: blocks are as large as may be.
constexpr size_t kCachedWeights = 160 * 1024, kSmallBlock = 4 * kRows, kLargeBlock = 10 * kRows;
constexpr size_t kBlockElements = 2 * 1024 * 1024;
// Input channels of a block. All strips of tiles pass over its weights before the next ones are read: from
// memory they come in one stream.
constexpr size_t kDepth = 128;
// Behind each place, so that places are not a multiple of the cache's size apart.
constexpr size_t kSkew = 16;

struct Tiles {
  size_t out;  // outputs of a tile in each direction
  size_t down, across;
  size_t block;  // tiles transformed together
  Padded image;
  size_t planes, columns, results;  // elements of scratch: padded image; tiles and products of a thread
  size_t count() const { return down * across; }
};

size_t panels_of(const ConvShape& s) { return ceil_div(s.out_channels, kWidth); }

Result<Tiles> tiles_of(const ConvShape& s) {
  Tiles t;
  t.out = kIn + 1 - s.kernel[1];
  t.down = ceil_div(s.out[1], t.out);
  t.across = ceil_div(s.out[2], t.out);
  KL_ASSIGN(t.image, padded_for(s, t.down * t.out, t.across * t.out));
  KL_ASSIGN(size_t channels, checked_mul(s.groups, s.in_channels));
  KL_ASSIGN(t.planes, checked_mul(t.image.plane(), channels));
  KL_ASSIGN(t.planes, checked_add(t.planes, kPaddedSlack + 15));
  t.planes = t.planes / 16 * 16;
  size_t wide = panels_of(s) * kWidth;
  KL_ASSIGN(size_t both, checked_add(s.in_channels, wide));
  KL_ASSIGN(size_t weights, checked_mul(s.in_channels, wide));
  KL_ASSIGN(both, checked_mul(both, kPlaces));
  size_t most = weights <= kCachedWeights / kPlaces ? kSmallBlock : kLargeBlock;
  most = std::clamp(kBlockElements / both, kRows, most);
  t.block = ceil_div(t.count(), ceil_div(t.count(), most));
  KL_ASSIGN(t.columns, checked_mul(kPlaces * s.in_channels, t.block));
  t.columns += kPlaces * kSkew;
  KL_ASSIGN(t.results, checked_mul(kPlaces * wide, t.block));
  t.results += kPlaces * kSkew;
  return t;
}

// Weights of one group lie in the order in which they are read: places, then blocks of so many input
// channels, then panels of output channels.
size_t depth_of(const ConvShape& s) { return ceil_div(s.in_channels, ceil_div(s.in_channels, kDepth)); }
size_t packed_elements(const ConvShape& s) { return kPlaces * s.in_channels * kWidth * panels_of(s); }

// g: `taps` x `taps` weights
inline void transform_weights(const float* g, size_t taps, double (&u)[kIn][kIn]) {
  auto line = [taps](const auto* x, size_t from, double* out, size_t step) {
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

// A tile of four channels to `to`, places `step` apart.
void put_tile(const float* const (&from)[L], size_t row, float* to, size_t step) {
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

// Where a tile's outputs go; channels lie `plane` apart.
struct Finish {
  V lo, hi;
  size_t plane, row;
  const float* bias;      // null or of each channel
  const float* residual;  // null or laid out as y
  float* y;
  size_t channels, down, across;  // how many there are
};

// A tile of four channels of outputs from the products, places `step` apart.
template <size_t Out>
void take_tile(const float* from, size_t step, const Finish& f) {
  V lines[kIn][Out];
#pragma nounroll
  for (size_t i = 0; i < kIn; ++i) {
    V m[kIn];
#pragma unroll
    for (size_t j = 0; j < kIn; ++j) m[j] = V::load(from + (i * kIn + j) * step);
    transform_outputs(m, lines[i]);
  }
  V out[Out][L];
#pragma nounroll
  for (size_t j = 0; j < Out; ++j) {
    V m[kIn], y[Out];
#pragma unroll
    for (size_t i = 0; i < kIn; ++i) m[i] = lines[i][j];
    transform_outputs(m, y);
#pragma unroll
    for (size_t i = 0; i < Out; ++i) out[i][j] = y[i];
  }
#pragma nounroll
  for (size_t i = 0; i < f.down; ++i) {
#pragma unroll
    for (size_t j = Out; j < L; ++j) out[i][j] = V::splat(0);
    turn(out[i]);
#pragma nounroll
    for (size_t c = 0; c < f.channels; ++c) {
      size_t at = c * f.plane + i * f.row;
      V sum = out[i][c];
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

}  // namespace

bool winograd_pays(const ConvShape& s) {
  // In multiply-adds: products, transforms, and reading weights from memory. Small products do not pay.
  double channels = static_cast<double>(s.in_channels) * static_cast<double>(s.out_channels);
  double both = static_cast<double>(s.in_channels + s.out_channels), out = static_cast<double>(s.out_size());
  size_t each = kIn + 1 - s.kernel[1];
  auto tiles = static_cast<double>(ceil_div(s.out[1], each) * ceil_div(s.out[2], each));
  double here = (tiles + 5) * kPlaces * channels + tiles * 400 * both;
  return here < 0.8 * (out + 12) * static_cast<double>(s.taps()) * channels;
}

Result<size_t> winograd_packed_bytes(const ConvShape& s) {
  KL_ASSIGN(size_t count, checked_mul(panels_of(s) * kWidth, s.in_channels));
  KL_ASSIGN(count, checked_mul(count, kPlaces));
  KL_ASSIGN(count, checked_mul(count, s.groups));
  return checked_mul(count, sizeof(float));
}

void winograd_pack(const ConvShape& s, const float* w, float* packed) {
  size_t panels = panels_of(s), place = s.in_channels * kWidth * panels, block = depth_of(s);
  for (size_t g = 0; g < s.groups; ++g, packed += place * kPlaces) {
    for (size_t n = 0; n < s.out_channels; n += kWidth) {
      for (size_t c = 0; c < s.in_channels; ++c) {
        size_t k = c - c % block, depth = std::min(block, s.in_channels - k);
        float* to = packed + k * panels * kWidth + n * depth + (c - k) * kWidth;
        float lanes[kPlaces][kWidth] = {};
        for (size_t r = 0; r < std::min(kWidth, s.out_channels - n); ++r) {
          double u[kIn][kIn];
          transform_weights(w + ((g * s.out_channels + n + r) * s.in_channels + c) * s.taps(), s.kernel[1],
                            u);
          for (size_t p = 0; p < kPlaces; ++p) lanes[p][r] = static_cast<float>(u[p / kIn][p % kIn]);
        }
        for (size_t p = 0; p < kPlaces; ++p)
          for (size_t r = 0; r < kWidth; r += L) V::load(lanes[p] + r).store(to + p * place + r);
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
  Finish finish{};
  Strip<float> product{};
  float lo, hi;
  bool clamp = is_clamp(call.activation, &lo, &hi);
  finish.lo = V::splat(lo), finish.hi = V::splat(hi);
  finish.row = s.out[2], finish.plane = s.out_size();
  is_clamp({}, &product.lo, &product.hi);
  product.a_row = s.in_channels;
  size_t depth = depth_of(s);
  float* copy = static_cast<float*>(scratch);
  size_t block = t.block, blocks = ceil_div(t.count(), block);
  size_t channels = s.groups * s.in_channels, panels = panels_of(s);
  // Few tiles: threads share the channels of outputs, and transform the tiles each, where reading the weights
  // takes longer than that. Otherwise each has as many blocks.
  size_t crew = static_cast<size_t>(pool.threads());
  if (crew > 1 && t.count() > s.out_channels && t.count() > crew * kRows) {
    block = ceil_div(t.count(), align_up(blocks, crew));
    blocks = ceil_div(t.count(), block);
  }
  size_t parts = s.groups * blocks < crew || (block == t.block && s.groups * blocks < 2 * crew)
                     ? std::min(crew, panels)
                     : 1;
  for (size_t image = 0; image < s.images && !cancelled(pool); ++image) {
    pad_planes(s, t.image, call.x + image * channels * s.in_size(), channels, copy, pool);
    parallel_slots(pool, s.groups * blocks * parts, [&](size_t thread, size_t item) {
      float* columns = copy + t.planes + thread * (t.columns + t.results);
      float* results = columns + t.columns;
      size_t part = item % parts, g = item / parts / blocks;
      size_t first = item / parts % blocks * block, count = std::min(block, t.count() - first);
      auto row = [&](size_t n) { return (first + n) / t.across * t.out; };
      auto column = [&](size_t n) { return (first + n) % t.across * t.out; };
      size_t step = count * s.in_channels + kSkew;
      for (size_t n = 0; n < count; ++n) {
        const float* x = copy + g * s.in_channels * t.image.plane() + row(n) * t.image.row() + column(n);
        for (size_t c = 0; c < s.in_channels; c += L) {
          size_t at = std::min(c, s.in_channels - L);
          const float* from[L];
          for (size_t q = 0; q < L; ++q) from[q] = x + (at + q) * t.image.plane();
          put_tile(from, t.image.row(), columns + n * s.in_channels + at, step);
        }
      }
      StripSplit split(count, kRows);
      Strip<float> strip = product;
      size_t begin = panels * part / parts, end = panels * (part + 1) / parts;
      strip.n = (end - begin) * kWidth;
      strip.c_row = strip.n;
      size_t place = count * strip.c_row + kSkew;
      for (size_t p = 0; p < kPlaces && !cancelled(pool); ++p) {
        const float* w = call.w + g * packed_elements(s) + p * panels * s.in_channels * kWidth;
        for (size_t k = 0; k < s.in_channels; k += strip.k) {
          strip.k = std::min(depth, s.in_channels - k);
          strip.b_panel = strip.k * kWidth;
          strip.b = w + k * panels * kWidth + begin * strip.b_panel;
          for (size_t i = 0; i < split.count; ++i) {
            strip.a = columns + p * step + split.begin(i) * s.in_channels + k;
            strip.c = results + p * place + split.begin(i) * strip.c_row;
            strip.init = k == 0 ? nullptr : strip.c;
            kStrips<float, false, BForm::kPanels>[split.rows(i) - 1](strip);
          }
        }
      }
      Finish f = finish;
      size_t channel = begin * kWidth, last = std::min(s.out_channels, end * kWidth);
      for (size_t n = 0; n < count; ++n) {
        f.down = std::min(t.out, s.out[1] - row(n)), f.across = std::min(t.out, s.out[2] - column(n));
        for (size_t c = channel; c < last; c += L) {
          size_t at = g * s.out_channels + c;
          f.channels = std::min(L, last - c);
          f.bias = call.bias ? call.bias + at : nullptr;
          at = (image * s.groups * s.out_channels + at) * f.plane + row(n) * f.row + column(n);
          f.residual = call.residual ? call.residual + at : nullptr;
          f.y = call.y + at;
          const float* from = results + n * strip.c_row + c - channel;
          t.out == 4 ? take_tile<4>(from, place, f) : take_tile<2>(from, place, f);
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
