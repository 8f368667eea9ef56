// One input channel per group, up to two spatial dimensions. Kernels of 3x3 and 5x5 read the image where it
// lies. For others bands of the padded channel are copied; every vector of outputs is then a sum of taps
// times vectors that lie in one piece.
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

// One channel of a kernel that reads the image where it lies: what lies outside a row is masked.
struct Plane {
  const float *x, *w;
  float* y;
  // A row from the first column of padding: all bits set inside the image.
  const float* mask;
  // Rows of the image from the first column of padding: one of zeros, the first, the last.
  const float *zeros, *first, *last;
  V bias, lo, hi;
};

// Columns c, c + S, ... of a row.
template <size_t S>
inline V every(const float* p) {
  if constexpr (S == 1) return V::load(p);
  return even(V::load(p), V::load(p + L));
}

inline V both(V a, V mask) { return bit_cast<float>(bit_cast<int32_t>(a) & bit_cast<int32_t>(mask)); }

// 3 x 3 taps without strides, column by column of vectors: each row of the image is loaded once and added to
// the three outputs that meet it.
template <bool Masked>
void column(const ConvShape& s, const Plane& p, const V* w, size_t c) {
  const size_t height = s.in[1], width = s.in[2], pad = s.pad[1], out = s.out[1], step = s.out[2];
  const size_t to = std::min(pad + height, out + 2);
  // Sums of the two outputs that began with earlier rows.
  V first = p.bias, second = p.bias;
  float* y = p.y + c;
  auto finish = [&](V v) {
    min(max(v, p.lo), p.hi).store(y);
    y += step;
  };
  const float* x = p.x + c;
#pragma nounroll
  for (size_t t = pad; t < to; ++t, x += width) {
    const float* from = x;
    if (Masked && t == pad) from = p.first + c;
    if (Masked && t == pad + height - 1) from = p.last + c;
    V a = V::load(from), b = V::load(from + 1), d = V::load(from + 2);
    if constexpr (Masked) {
      const float* mask = p.mask + c;
      a = both(a, V::load(mask)), b = both(b, V::load(mask + 1)), d = both(d, V::load(mask + 2));
    }
    if (t >= 2) finish(madd(d, w[8], madd(b, w[7], madd(a, w[6], first))));
    first = madd(d, w[5], madd(b, w[4], madd(a, w[3], second)));
    second = madd(d, w[2], madd(b, w[1], madd(a, w[0], p.bias)));
  }
  // Outputs of which the last rows are padding.
#pragma nounroll
  for (size_t t = to; t < out + 2; ++t) {
    finish(first);
    first = second, second = p.bias;
  }
}

void run_3x3(const ConvShape& s, const Plane& plane, size_t left, size_t right) {
  const Plane p = plane;
  V w[9];
#pragma unroll
  for (size_t i = 0; i < 9; ++i) w[i] = V::load_splat(p.w + i);
#pragma nounroll
  for (size_t c = 0; c < s.out[2]; c += L) {
    c = std::min<size_t>(c, s.out[2] - L);
    if (c >= left && c <= right)
      column<false>(s, p, w, c);
    else
      column<true>(s, p, w, c);
  }
}

// K x K taps, strides Down and Across, in tiles of Rows vectors.
template <size_t K, size_t Down, size_t Across, size_t Rows, bool Masked>
inline void tile(const float* const* rows, float* const* y, const Plane& p, size_t c) {
  V sum[Rows];
#pragma unroll
  for (V& v : sum) v = p.bias;
#pragma nounroll
  for (size_t k = 0; k < K; ++k) {
    V w[K];
#pragma unroll
    for (size_t h = 0; h < K; ++h) w[h] = V::load_splat(p.w + h * K + k);
    const size_t at = c * Across + k;
    [[maybe_unused]] const V mask = every<Across>(p.mask + at);
    V part[Rows];
#pragma unroll
    for (size_t i = 0; i < (Rows - 1) * Down + K; ++i) {
      V x = every<Across>(rows[i] + at);
      if constexpr (Masked) x = both(x, mask);
#pragma unroll
      for (size_t r = 0; r < Rows; ++r) {
        if (i == r * Down)
          part[r] = x * w[0];
        else if (i > r * Down && i < r * Down + K)
          part[r] = madd(x, w[i - r * Down], part[r]);
      }
    }
    // Short sums, so that the next ones need not wait.
#pragma unroll
    for (size_t r = 0; r < Rows; ++r) sum[r] = sum[r] + part[r];
  }
  // Rows that do not exist are those after the last one, over which it is then written.
#pragma unroll
  for (size_t r = Rows; r-- > 0;) min(max(sum[r], p.lo), p.hi).store(y[r] + c);
}

template <size_t K, size_t Down, size_t Across, size_t Rows>
void run_tiles(const ConvShape& s, const Plane& plane, size_t left, size_t right) {
  const Plane p = plane;
  const size_t height = s.in[1], width = s.in[2], step = s.out[2];
#pragma nounroll
  for (size_t row = 0; row < s.out[1]; row += Rows) {
    const float* rows[(Rows - 1) * Down + K];
    float* y[Rows];
#pragma unroll
    for (size_t r = 0; r < Rows; ++r) y[r] = p.y + std::min(row + r, s.out[1] - 1) * step;
#pragma unroll
    for (size_t i = 0; i < (Rows - 1) * Down + K; ++i) {
      size_t at = row * Down + i - s.pad[1];
      rows[i] = at == 0 ? p.first : at == height - 1 ? p.last : at < height ? p.x + at * width : p.zeros;
    }
#pragma nounroll
    for (size_t c = 0; c < step; c += L) {
      c = std::min(c, step - L);
      if (c >= left && c <= right)
        tile<K, Down, Across, Rows, false>(rows, y, p, c);
      else
        tile<K, Down, Across, Rows, true>(rows, y, p, c);
    }
  }
}

using Run = void (*)(const ConvShape&, const Plane&, size_t, size_t);
// By rows of a tile, kernel and strides.
constexpr Run kRuns[2][2][3] = {{{run_3x3, run_tiles<3, 2, 1, 4>, run_tiles<3, 2, 2, 4>},
                                 {run_tiles<5, 1, 1, 4>, run_tiles<5, 2, 1, 4>, run_tiles<5, 2, 2, 4>}},
                                {{run_3x3, run_tiles<3, 2, 1, 4>, run_tiles<3, 2, 2, 4>},
                                 {run_tiles<5, 1, 1, 3>, run_tiles<5, 2, 1, 3>, run_tiles<5, 2, 2, 4>}}};

// Elements of a line of padding and image, which vectors may read beyond.
size_t line_elements(const ConvShape& s) { return align_up(s.in[2] + s.pad[2] + 16, 16); }

bool reads_in_place(const Conv<float>& call) {
  const ConvShape& s = call.shape;
  return s.kernel[1] == s.kernel[2] && (s.kernel[1] == 3 || s.kernel[1] == 5) && s.dilation[1] == 1 &&
         s.dilation[2] == 1 && s.stride[1] <= 2 && s.stride[2] <= s.stride[1] && s.in[2] >= L &&
         s.out[2] >= L && s.pad[2] <= 4 && s.pad[1] < s.kernel[1] && s.in[1] >= 2 &&
         s.reach(2) <= s.in[2] + s.pad[2] + 3 && !call.residual;
}

void run_in_place(const Conv<float>& call, float* lines, Parallel& pool) {
  const ConvShape& s = call.shape;
  size_t line = line_elements(s), planes = s.images * s.groups * s.out_channels, inputs = s.images * s.groups;
  // Nothing, the mask, and the first and the last row of x: beyond these nothing may be read.
  for (size_t i = 0; i < 4 * line; ++i) lines[i] = 0;
  const float inside = std::bit_cast<float>(~0);
  for (size_t i = 0; i < s.in[2]; ++i) {
    float* at = lines + s.pad[2] + i;
    std::memcpy(at + line, &inside, 4);
    at[2 * line] = call.x[i];
    at[3 * line] = call.x[inputs * s.in_size() - s.in[2] + i];
  }
  Plane plane{};
  float lo, hi;
  bool clamp = is_clamp(call.activation, &lo, &hi);
  plane.zeros = lines, plane.mask = lines + line;
  plane.lo = V::splat(lo), plane.hi = V::splat(hi);
  // Vectors from column `left` to `right` meet no padding.
  const size_t across = s.stride[2], inner = s.in[2] + s.pad[2], reach = (L - 1) * across + s.kernel[2];
  const size_t left = inner < reach ? s.out[2] : ceil_div(s.pad[2], across), right = (inner - reach) / across;
  // Tiles of three or of four rows, whichever leave fewer over.
  const bool three = ceil_div<size_t>(s.out[1], 3) * 3 < ceil_div<size_t>(s.out[1], 4) * 4;
  const Run run = kRuns[three][s.kernel[1] == 5][s.stride[1] + across - 2];
  size_t crew = static_cast<size_t>(pool.threads());
  size_t chunk = std::clamp<size_t>(65536 / s.out_size(), 1, std::max<size_t>(planes / (crew * 4), 1));
  parallel_for(pool, planes, chunk, [&](size_t begin, size_t end) {
    Plane p = plane;
    for (size_t i = begin; i < end; ++i) {
      size_t channel = i % (s.groups * s.out_channels), from = i / s.out_channels;
      p.w = call.w + channel * s.taps();
      p.bias = V::splat(call.bias ? call.bias[channel] : 0.0f);
      p.y = call.y + i * s.out_size();
      const volatile float* x = call.x + from * s.in_size();
      // Large planes are read in order first: the processor does not foresee loads from several rows.
      for (size_t at = 0; s.in_size() > 8192 && at < s.in_size(); at += 16) static_cast<void>(x[at]);
      p.x = call.x + from * s.in_size() - s.pad[2];
      p.first = from == 0 ? lines + 2 * line : p.x;
      p.last = from == inputs - 1 ? lines + 3 * line : p.x + s.in_size() - s.in[2];
      run(s, p, left, right);
      if (!clamp) activate(call.activation, p.y, s.out_size());
    }
  });
}

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
  return checked_mul(std::max(elements, 4 * line_elements(s)), sizeof(float));
}

void run_depthwise(const Conv<float>& call, void* scratch, Parallel& pool) {
  const ConvShape& s = call.shape;
  if (reads_in_place(call)) return run_in_place(call, static_cast<float*>(scratch), pool);
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
          pad_rows(s, b.image, call.x + (begin + p) * s.in_size(), row * s.stride[1], rows_in,
                   copies + p * b.image.plane());
        for (size_t p = 0; p < some * s.out_channels; ++p)
          run_rows(call, l, begin * s.out_channels + p, row, count,
                   copies + p / s.out_channels * b.image.plane(), spare);
      }
    }
  });
}

}  // namespace kinglet::conv_internal
