// One input channel per group, up to two spatial dimensions. Most kernels of 3x3 and 5x5 go down the columns
// (depthwise_columns.cc). For others bands of the padded channel are copied; every vector of outputs is then
// a sum of taps times vectors that lie in one piece.
#include <algorithm>

#include "base/checked.h"
#include "kernels/conv/internal.h"
#include "kernels/conv/padded.h"
#include "simd/vec.h"

namespace kinglet::conv_internal {

namespace {

using V = Vec<float>;
constexpr size_t L = V::kLanes;
// Elements of a band; it stays in the first-level cache with the outputs.
constexpr size_t kBandElements = 5 * 1024;

// Part of a thread's scratch: offsets of the taps, outputs that do not fill a tile, bands.
struct Band {
  Padded image;  // of a full band
  size_t rows_out, planes = 1;
  size_t offsets, spare, elements;
};

Result<Band> band_of(const ConvShape& s) {
  Band b;
  KL_ASSIGN(Padded one, padded_for(s, 1, s.out[2]));
  size_t rows = kBandElements / std::max<size_t>(one.row(), 1), halo = one.rows;
  rows = rows > halo ? (rows - halo) / s.stride[1] + 1 : 1;
  // Tiles of four rows are computed even where fewer exist.
  b.rows_out = std::clamp<size_t>(rows, 4, std::max<size_t>(s.out[1], 4));
  KL_ASSIGN(b.image, padded_for(s, b.rows_out, s.out[2]));
  b.offsets = align_up(s.taps(), 16);
  KL_ASSIGN(b.spare, checked_mul<size_t>(s.out[2] + 2 * L, 4));
  // Small planes are copied some at a time: what has just been written cannot be read at once in other
  // pieces.
  if (b.rows_out >= s.out[1])
    b.planes = std::max<size_t>(kBandElements / std::max<size_t>(b.image.plane(), 1), 1);
  KL_ASSIGN(b.elements, checked_mul(b.image.plane(), b.planes));
  // The widest tile may begin with the last column.
  KL_ASSIGN(b.elements, checked_add(b.elements, b.offsets + kPaddedSlack + 8 * L));
  KL_ASSIGN(b.elements, checked_add(b.elements, b.spare));
  return b;
}

// What the loops below need of a call.
struct Loop {
  size_t step;  // from one row of outputs to the next
  const uint32_t* offsets;
  size_t taps;
  const float* w;
  float bias;
  V lo, hi;
};

// Where outputs go, `step` elements from row to row; what is added lies likewise, or is null.
struct Target {
  float* y;
  const float* add;
  size_t step;

  Target at(size_t offset) const { return {y + offset, add ? add + offset : nullptr, step}; }
  void put(const Loop& l, V sum, size_t offset) const {
    if (add) sum = sum + V::load(add + offset);
    min(max(sum, l.lo), l.hi).store(y + offset);
  }
};

// R rows of `Vectors` vectors, for any taps.
template <size_t R, size_t Vectors>
void tile_any(const float* in, const Loop& l, Target to) {
  V sum[R][Vectors];
#pragma unroll
  for (auto& row : sum) {
#pragma unroll
    for (V& v : row) v = V::splat(l.bias);
  }
#pragma nounroll
  for (size_t t = 0; t < l.taps; ++t) {
    V weight = V::load_splat(l.w + t);
    const float* x = in + l.offsets[t];
#pragma unroll
    for (size_t i = 0; i < R; ++i, x += l.step) {
#pragma unroll
      for (size_t v = 0; v < Vectors; ++v) sum[i][v] = madd(V::load(x + v * L), weight, sum[i][v]);
    }
  }
#pragma unroll
  for (size_t i = 0; i < R; ++i) {
#pragma unroll
    for (size_t v = 0; v < Vectors; ++v) to.put(l, sum[i][v], i * to.step + v * L);
  }
}

// Covers rows x columns of outputs with tiles of height x width. The last tile of a row or column reaches
// back where outputs may be computed twice; other tiles that are not whole are computed in `spare`.
template <class Tile>
inline void cover(size_t rows, size_t columns, size_t height, size_t width, Target to, float* spare,
                  Tile&& tile) {
  for (size_t r = 0; r < rows; r += height) {
    if (r + height > rows && rows >= height && !to.add) r = rows - height;
    for (size_t c = 0; c < columns; c += width) {
      if (c + width > columns && columns >= width && !to.add) c = columns - width;
      Target here = to.at(r * to.step + c);
      size_t high = std::min(height, rows - r), wide = std::min(width, columns - c);
      if (high == height && wide == width) {
        tile(r, c, here);
        continue;
      }
      for (size_t i = 0; i < high && here.add; ++i)
        for (size_t j = 0; j < wide; ++j) spare[i * width + j] = here.add[i * to.step + j];
      tile(r, c, Target{spare, here.add ? spare : nullptr, width});
      for (size_t i = 0; i < high; ++i)
        for (size_t j = 0; j < wide; ++j) here.y[i * to.step + j] = spare[i * width + j];
    }
  }
}

// Rows [row, row + count) of one plane of outputs, from the band that holds what they read.
void run_rows(const Conv<float>& call, Loop l, size_t plane, size_t row, size_t count, const float* band,
              float* spare) {
  const ConvShape& s = call.shape;
  size_t channel = plane % (s.groups * s.out_channels), at = plane * s.out_size() + row * s.out[2];
  Target to{call.y + at, call.residual ? call.residual + at : nullptr, s.out[2]};
  l.w += channel * l.taps;
  l.bias = call.bias ? call.bias[channel] : 0.0f;
  auto from = [&](size_t r, size_t c) { return band + r * l.step + c; };
  if (count == 1 || (count % 2 == 1 && s.out[2] >= 8 * L)) {
    cover(count, s.out[2], 1, 8 * L, to, spare,
          [&](size_t r, size_t c, Target t) { tile_any<1, 8>(from(r, c), l, t); });
  } else if (s.out[2] >= 4 * L) {
    cover(count, s.out[2], 2, 4 * L, to, spare,
          [&](size_t r, size_t c, Target t) { tile_any<2, 4>(from(r, c), l, t); });
  } else {
    cover(count, s.out[2], 4, 2 * L, to, spare,
          [&](size_t r, size_t c, Target t) { tile_any<4, 2>(from(r, c), l, t); });
  }
  if (float lo, hi; !is_clamp(call.activation, &lo, &hi))
    activate(call.activation, call.y + at, count * s.out[2]);
}

}  // namespace

Result<size_t> depthwise_scratch(const ConvShape& s, int threads) {
  KL_ASSIGN(Band b, band_of(s));
  KL_ASSIGN(size_t elements, checked_mul(b.elements, static_cast<size_t>(threads)));
  if (depthwise_by_columns(s)) {
    KL_ASSIGN(size_t columns, checked_mul(depthwise_columns_scratch(s), static_cast<size_t>(threads)));
    elements = std::max(elements, columns);
  }
  return checked_mul(elements, sizeof(float));
}

void run_depthwise(const Conv<float>& call, void* scratch, Parallel& pool) {
  const ConvShape& s = call.shape;
  if (depthwise_by_columns(s) && !call.residual)
    return run_depthwise_columns(call, static_cast<float*>(scratch), pool);
  Result<Band> band = band_of(s);
  if (!band.ok()) return;  // depthwise_scratch has said so
  const Band& b = *band;
  float lo, hi;
  is_clamp(call.activation, &lo, &hi);
  Loop loop{};
  loop.w = call.w;
  loop.lo = V::splat(lo), loop.hi = V::splat(hi);
  loop.taps = s.taps();
  loop.step = s.stride[1] * b.image.row();
  size_t planes = s.images * s.groups, crew = static_cast<size_t>(pool.threads());
  size_t chunk = std::clamp<size_t>(65536 / s.out_size(), 1, std::max<size_t>(planes / (crew * 4), 1));
  parallel_slots(pool, ceil_div(planes, chunk), [&](size_t thread, size_t item) {
    float* memory = static_cast<float*>(scratch) + thread * b.elements;
    auto* offsets = reinterpret_cast<uint32_t*>(memory);
    float* spare = memory + b.offsets;
    float* copies = spare + b.spare;
    for (size_t t = 0; t < loop.taps; ++t)
      offsets[t] = static_cast<uint32_t>(b.image.tap(s, t / s.kernel[2], t % s.kernel[2]));
    Loop l = loop;
    l.offsets = offsets;
    size_t end = std::min(planes, (item + 1) * chunk);
    for (size_t begin = item * chunk; begin < end; begin += b.planes) {
      size_t some = std::min(b.planes, end - begin);
      for (size_t row = 0; row < s.out[1]; row += b.rows_out) {
        size_t count = std::min(b.rows_out, s.out[1] - row);
        size_t rows_in = (count - 1) * s.stride[1] + (s.kernel[1] - 1) * s.dilation[1] + 1;
        for (size_t p = 0; p < some; ++p)
          pad_rows(s, b.image, call.x + (begin + p) * s.in_size(), 1, row * s.stride[1], rows_in,
                   copies + p * b.image.plane());
        for (size_t p = 0; p < some * s.out_channels; ++p)
          run_rows(call, l, begin * s.out_channels + p, row, count,
                   copies + p / s.out_channels * b.image.plane(), spare);
      }
    }
  });
}

}  // namespace kinglet::conv_internal
