// One input channel per group, up to two spatial dimensions. Bands of the padded channel are copied so that
// every vector of outputs is a sum of taps times vectors that lie in one piece: with a horizontal stride of
// s, each row is kept as s rows, one for each remainder of the column.
#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "kernels/conv/internal.h"
#include "simd/vec.h"

namespace kinglet::conv_internal {

namespace {

using V = Vec<float>;
constexpr size_t L = V::kLanes;
// Vectors of outputs computed together: enough sums in flight, few enough registers.
constexpr size_t kTogether = 6;
// Elements of a band; it stays in the first-level cache with the outputs.
constexpr size_t kBandElements = 5 * 1024;

struct Band {
  size_t vectors;      // of an output row
  size_t phase_pitch;  // elements of one remainder of a row
  size_t row_pitch;
  size_t rows_out, rows_in;  // of a full band
};

// Fails when a row is too large to be addressed.
Result<Band> band_of(const ConvShape& s) {
  Band b;
  b.vectors = ceil_div(s.out[2], L);
  KL_ASSIGN(size_t last_tap, checked_mul(s.kernel[2] - 1, s.dilation[2]));
  KL_ASSIGN(b.phase_pitch, checked_add(b.vectors * L, last_tap / s.stride[2]));
  KL_ASSIGN(b.row_pitch, checked_mul(b.phase_pitch, s.stride[2]));
  KL_ASSIGN(size_t halo, checked_mul(s.kernel[1] - 1, s.dilation[1]));
  size_t rows = kBandElements / std::max<size_t>(b.row_pitch, 1);
  b.rows_out = std::clamp<size_t>(rows > halo ? (rows - halo - 1) / s.stride[1] + 1 : 1, 1, s.out[1]);
  KL_ASSIGN(size_t last, checked_mul(b.rows_out - 1, s.stride[1]));
  KL_ASSIGN(b.rows_in, checked_add(last, halo + 1));
  return b;
}

Result<size_t> band_elements(const ConvShape& s, const Band& b) {
  KL_ASSIGN(size_t elements, checked_mul(b.rows_in, b.row_pitch));
  KL_ASSIGN(elements, checked_add(elements, s.taps() + 15));
  return elements / 16 * 16;
}

// to[i] = from[first + i * step] where that is in [0, size), else 0.
void copy_strided(const float* from, size_t size, ptrdiff_t first, size_t step, float* to, size_t count) {
  size_t i = 0;
  size_t before = first < 0 ? std::min(count, ceil_div(static_cast<size_t>(-first), step)) : 0;
  for (; i < before; ++i) to[i] = 0;
  ptrdiff_t start = first + static_cast<ptrdiff_t>(before * step);
  size_t inside =
      start >= 0 && static_cast<size_t>(start) < size ? ceil_div(size - static_cast<size_t>(start), step) : 0;
  size_t end = std::min(count, before + inside);
  if (i < end) {
    const float* p = from + start;
    if (step == 1) {
      std::memcpy(to + i, p, (end - i) * sizeof(float));
      i = end;
    } else {
      if (step == 2)
        for (; i + L < end; i += L, p += 2 * L) even(V::load(p), V::load(p + L)).store(to + i);
      for (; i < end; ++i, p += step) to[i] = *p;
    }
  }
  for (; i < count; ++i) to[i] = 0;
}

// Rows [row, row + rows) of the strided grid, in coordinates where padding starts at 0.
void fill_band(const ConvShape& s, const Band& b, const float* x, size_t row, size_t rows, float* band) {
  for (size_t r = 0; r < rows; ++r, band += b.row_pitch) {
    size_t at = row + r;
    if (at < s.pad[1] || at - s.pad[1] >= s.in[1]) {
      std::fill(band, band + b.row_pitch, 0.0f);
      continue;
    }
    const float* from = x + (at - s.pad[1]) * s.in[2];
    for (size_t phase = 0; phase < s.stride[2]; ++phase)
      copy_strided(from, s.in[2], static_cast<ptrdiff_t>(phase) - static_cast<ptrdiff_t>(s.pad[2]),
                   s.stride[2], band + phase * b.phase_pitch, b.phase_pitch);
  }
}

// out[v] = bias + sum over taps of w[t] * in[v][offsets[t]...]
template <size_t N>
inline void sum_taps(const float* const (&in)[kTogether], const uint32_t* offsets, const float* w,
                     size_t taps, V bias, V (&out)[kTogether]) {
  V sum[N];
#pragma unroll
  for (size_t v = 0; v < N; ++v) sum[v] = bias;
#pragma nounroll
  for (size_t t = 0; t < taps; ++t) {
    V weight = V::load_splat(w + t);
    size_t offset = offsets[t];
#pragma unroll
    for (size_t v = 0; v < N; ++v) sum[v] = madd(V::load(in[v] + offset), weight, sum[v]);
  }
#pragma unroll
  for (size_t v = 0; v < N; ++v) out[v] = sum[v];
}

// One band of one output channel.
void run_band(const Conv<float>& call, const Band& b, const float* band, const uint32_t* offsets,
              const float* w, float bias, size_t first_row, size_t rows, size_t plane, float lo, float hi) {
  const ConvShape& s = call.shape;
  size_t total = rows * b.vectors;
  float* y = call.y + plane;
  const float* residual = call.residual ? call.residual + plane : nullptr;
  size_t row = 0, column = 0;
  for (size_t done = 0; done < total; done += kTogether) {
    size_t count = std::min(kTogether, total - done);
    const float* in[kTogether];
    size_t at[kTogether], valid[kTogether];
    for (size_t v = 0; v < kTogether; ++v) {
      in[v] = band + row * s.stride[1] * b.row_pitch + column * L;
      at[v] = (first_row + row) * s.out[2] + column * L;
      valid[v] = std::min(L, s.out[2] - column * L);
      if (v + 1 < count && ++column == b.vectors) column = 0, ++row;
    }
    if (++column == b.vectors) column = 0, ++row;
    V sums[kTogether];
    if (count > kTogether / 2) {
      sum_taps<kTogether>(in, offsets, w, s.taps(), V::splat(bias), sums);
    } else {
      sum_taps<kTogether / 2>(in, offsets, w, s.taps(), V::splat(bias), sums);
    }
    for (size_t v = 0; v < count; ++v) {
      V sum = sums[v];
      bool whole = valid[v] == L;
      if (residual)
        sum = sum + (whole ? V::load(residual + at[v]) : load_partial<V>(residual + at[v], valid[v]));
      sum = min(max(sum, V::splat(lo)), V::splat(hi));
      if (whole) {
        sum.store(y + at[v]);
      } else {
        store_partial(sum, y + at[v], valid[v]);
      }
    }
  }
}

}  // namespace

Result<size_t> depthwise_scratch(const ConvShape& s, int threads) {
  KL_ASSIGN(Band b, band_of(s));
  KL_ASSIGN(size_t elements, band_elements(s, b));
  // Tap offsets are 32 bits wide.
  if (!fits<uint32_t>(elements))
    return fail(Code::kLimitExceeded, "a row of ", b.row_pitch, " elements is too long");
  KL_ASSIGN(size_t bytes, checked_mul(elements, sizeof(float)));
  return checked_mul(bytes, static_cast<size_t>(threads));
}

void run_depthwise(const Conv<float>& call, void* scratch, Parallel& pool) {
  const ConvShape& s = call.shape;
  Result<Band> band = band_of(s);
  if (!band.ok()) return;  // depthwise_scratch has said so
  Result<size_t> elements = band_elements(s, *band);
  if (!elements.ok()) return;
  const Band& b = *band;
  float lo, hi;
  bool clamp = is_clamp(call.activation, &lo, &hi);
  size_t taps = s.taps();
  parallel_slots(pool, s.images * s.groups, [&](size_t thread, size_t item) {
    float* memory = static_cast<float*>(scratch) + thread * *elements;
    auto* offsets = reinterpret_cast<uint32_t*>(memory);
    float* rows = memory + taps;
    for (size_t t = 0; t < taps; ++t) {
      size_t h = t / s.kernel[2] * s.dilation[1], w = t % s.kernel[2] * s.dilation[2];
      offsets[t] = static_cast<uint32_t>(h * b.row_pitch + w % s.stride[2] * b.phase_pitch + w / s.stride[2]);
    }
    size_t group = item % s.groups;
    const float* x = call.x + item * s.in_size();
    for (size_t row = 0; row < s.out[1]; row += b.rows_out) {
      size_t count = std::min(b.rows_out, s.out[1] - row);
      fill_band(s, b, x, row * s.stride[1], (count - 1) * s.stride[1] + (s.kernel[1] - 1) * s.dilation[1] + 1,
                rows);
      for (size_t o = 0; o < s.out_channels; ++o) {
        size_t channel = group * s.out_channels + o;
        size_t plane = (item * s.out_channels + o) * s.out_size();
        run_band(call, b, rows, offsets, call.w + channel * taps, call.bias ? call.bias[channel] : 0.0f, row,
                 count, plane, lo, hi);
        if (!clamp) activate(call.activation, call.y + plane + row * s.out[2], count * s.out[2]);
      }
    }
  });
}

}  // namespace kinglet::conv_internal
