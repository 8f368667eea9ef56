// Bands of rows of the padded channel are copied in pairs, element by element and in 16 bits, so that each
// product of pairs is two taps of one column for four outputs. Two rows of outputs meet the same pairs with
// different weights; with a stride of 2 there is one row, and even and odd columns lie apart.
#include "kernels/quant/depthwise.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/quant/finish.h"
#include "kernels/quant/image.h"
#include "simd/bytes.h"

namespace kinglet::quant_internal {

namespace {

// Bytes of a band, which stays in the first-level cache.
constexpr size_t kBandBytes = 20 * 1024;

struct Band {
  size_t rows;     // of outputs that are computed together
  size_t columns;  // pairs of one phase of the stride in a line, the last four for what copies write too much
  size_t line;     // int16
  size_t pairs;    // lines that outputs read
  size_t steps;    // products of pairs for an output
  size_t tiles;    // of `rows` in a band
  // Small ones are copied some at a time: what has just been written cannot be read at once in other pieces.
  size_t planes;
  // Parts of a slot of scratch, in bytes.
  size_t taps_at, weights_at, border_at, lines_at, slot;

  size_t lines() const { return tiles - 1 + pairs; }
  size_t weights() const { return steps * rows * 2; }
};

size_t span_of(const ConvShape& s, int i) { return (s.kernel[i] - 1) * s.dilation[i] + 1; }

// Of shapes whose scratch has been found to have a size.
[[gnu::noinline]] Band band_of(const ConvShape& s) {
  Band b;
  b.rows = 3 - s.stride[1];
  b.columns = (std::max<size_t>(s.out[2], 8) + span_of(s, 2) / s.stride[2] + 8) & ~size_t{3};
  b.line = b.columns * 2 * s.stride[2];
  size_t line_bytes = b.line * sizeof(int16_t);
  b.pairs = (span_of(s, 1) + b.rows) / 2;
  b.steps = b.pairs * s.kernel[2];
  b.tiles = std::clamp<size_t>(kBandBytes / line_bytes, 1, ceil_div(s.out[1], b.rows));
  size_t band = b.lines() * line_bytes;
  b.planes = b.tiles * b.rows < s.out[1] ? 1 : std::max<size_t>(kBandBytes / band, 1);
  b.taps_at = align_up(b.steps * sizeof(uint32_t), 64);
  b.weights_at = b.taps_at + align_up(b.weights() * sizeof(uint32_t), 64);
  b.border_at = b.weights_at + align_up(b.weights() * sizeof(int16_t), 64);
  b.lines_at = b.border_at + align_up(s.in[2] + 16, 64);
  b.slot = align_up(b.lines_at + band * b.planes + 16, 64);
  return b;
}

// What the outputs of one channel need.
struct Loop {
  const uint32_t* offsets;
  const int16_t* weights;
  size_t steps;
  int32_t start;
  Float4 scale;
  Rounding round;
  bool whole;  // int32 results
  // Scaled sums are bytes and below 2^22 before they are: `round` need not clamp.
  bool in_range;
  uint8_t flip;  // 0x80 for signed bytes
  Int4 zero;     // from the lowest byte

  Int4 byte(Int4 sum) const { return bit_cast<int32_t>(to_float(sum) * scale + round.shift) + zero; }

  // Eight results, as many of them as there is room for.
  [[gnu::noinline]] void put(Int4 a, Int4 b, std::byte* y, const std::byte* end) const {
    alignas(16) std::byte spare[32];
    size_t bytes = whole ? 32 : 8, room = static_cast<size_t>(end - y);
    std::byte* to = bytes <= room ? y : spare;
    if (whole) {
      a.store(reinterpret_cast<int32_t*>(to));
      b.store(reinterpret_cast<int32_t*>(to) + 4);
    } else {
      store_low_bytes(round(to_float(a) * scale), round(to_float(b) * scale), to);
    }
    if (bytes > room) std::memcpy(y, spare, room);
  }
};

// `Rows` rows of 4 * Vectors outputs; the second may not be there.
template <size_t Rows, size_t Vectors>
inline void tile(const Loop& l, const int16_t* x, std::byte* y, size_t step, bool second,
                 const std::byte* end) {
  Int4 sum[Rows][Vectors];
#pragma unroll
  for (auto& row : sum) {
#pragma unroll
    for (Int4& v : row) v = Int4::load_splat(&l.start);
  }
  const int16_t* w = l.weights;
#pragma nounroll
  for (size_t i = 0; i < l.steps; ++i) {
    const int16_t* from = x + l.offsets[i];
    Words8 pair[Vectors];
#pragma unroll
    for (size_t v = 0; v < Vectors; ++v) pair[v] = load_words(from + 8 * v);
#pragma unroll
    for (size_t r = 0; r < Rows; ++r, w += 2) {
      Words8 by = splat_pair(w);
#pragma unroll
      for (size_t v = 0; v < Vectors; ++v) sum[r][v] = sum[r][v] + dot_pairs(pair[v], by);
    }
  }
  const size_t eight = l.whole ? 32 : 8;
#pragma unroll
  for (size_t r = 0; r < Rows && (r == 0 || second); ++r, y += step) {
    if (l.in_range && (Vectors == 4 || y + 8 <= end)) {
      Int4 a = l.byte(sum[r][0]), b = l.byte(sum[r][1]);
      if constexpr (Vectors == 4) {
        store_bytes(saturate(a, b, l.byte(sum[r][2]), l.byte(sum[r][3])) ^ splat_byte(l.flip), y);
      } else {
        store_halves(saturate(a, b, a, b) ^ splat_byte(l.flip), y, y);
      }
      continue;
    }
#pragma unroll
    for (size_t v = 0; v < Vectors; v += 2) l.put(sum[r][v], sum[r][v + 1], y + v / 2 * eight, end);
  }
}

template <size_t Rows>
void run_tiles(const ConvShape& s, const Band& b, const Loop& l, const int16_t* lines, size_t first,
               std::byte* y, const std::byte* end) {
  size_t element = l.whole ? sizeof(int32_t) : 1, step = s.out[2] * element;
  size_t last = std::min(first + b.tiles, ceil_div(s.out[1], Rows));
#pragma nounroll
  for (size_t t = first; t < last; ++t, lines += b.line) {
    std::byte* to = y + t * Rows * step;
    bool second = t * Rows + 1 < s.out[1];
    size_t c = 0;
#pragma nounroll
    for (; c + 16 <= s.out[2]; c += 16) tile<Rows, 4>(l, lines + 2 * c, to + c * element, step, second, end);
    // The last eight reach back. Of rows of less than eight the rest is written over by the next row.
#pragma nounroll
    for (; c < s.out[2]; c += 8) {
      if (s.out[2] >= 8) c = std::min(c, s.out[2] - 8);
      tile<Rows, 2>(l, lines + 2 * c, to + c * element, step, second, end);
    }
  }
}

// Copies pairs of rows of a channel, with what surrounds it.
struct Copy {
  const QuantConv& call;
  const Band& b;
  uint8_t flip = call.x_signed ? 0 : 0x80;
  int16_t border = static_cast<int8_t>(static_cast<uint8_t>(call.x_zero) ^ flip);

  template <size_t Every>
  void line(const uint8_t* top, const uint8_t* bottom, int16_t* to) const {
    const ConvShape& s = call.shape;
    const Bytes16 change = splat_byte(flip);
    size_t most = (b.columns - 4) * Every, left = std::min(s.pad[2], most);
    size_t data = std::min(s.in[2], most - left);
    // Where the columns of a phase from `c` on begin.
    auto place = [&](size_t phase, size_t c) {
      return to + 2 * (phase * b.columns + (c + Every - 1 - phase) / Every);
    };
    // Eight elements at a time, over what is then written, or into the last four columns.
    auto fill = [&](int16_t* from, const int16_t* end) {
      for (; from < end; from += 8) store_words(splat_word(border), from);
    };
    for (size_t phase = 0; phase < Every; ++phase) fill(place(phase, 0), place(phase, left));
    int16_t *even = place(left % Every, left), *odd = Every == 1 ? even + 8 : place(1 - left % Every, left);
    for (size_t i = 0; i < data; i += 8, even += 16 / Every, odd += 16 / Every) {
      Bytes16 both = load_halves(top + i, bottom + i) ^ change;
      store_widened(Every == 1 ? zip_halves(both) : zip_halves_apart(both), even, odd);
    }
    for (size_t phase = 0; phase < Every; ++phase)
      fill(place(phase, left + data), place(phase, most + phase));
  }

  // Lines for the outputs from tile `first` on. `outside`: a row of the border.
  void band(const uint8_t* x, size_t first, const uint8_t* outside, int16_t* lines) const {
    auto row = [&](size_t at) {
      at -= call.shape.pad[1];  // wraps above the image
      return at < call.shape.in[1] ? x + at * call.shape.in[2] : outside;
    };
    for (size_t i = 0; i < b.lines(); ++i, lines += b.line)
      call.shape.stride[2] == 1 ? line<1>(row(2 * (first + i)), row(2 * (first + i) + 1), lines)
                                : line<2>(row(2 * (first + i)), row(2 * (first + i) + 1), lines);
  }
};

}  // namespace

bool depthwise_accepts(const ConvShape& s) {
  return s.in_channels == 1 && s.groups > 1 && s.kernel[0] == 1 && s.in[0] == 1 && !s.padded(0) &&
         s.stride[1] <= 2 && s.stride[2] <= 2;
}

Result<size_t> depthwise_scratch_bytes(const ConvShape& s, int threads) {
  // No less than it takes, where nothing wraps.
  auto number = [](size_t x) { return static_cast<double>(x); };
  double line = 8 * (number(s.out[2]) + number(span_of(s, 2)) + 16), lines = number(span_of(s, 1)) + 2;
  double bytes = 2 * kBandBytes + lines * (line + 32 * number(s.kernel[2])) + number(s.in[2]) + 1024;
  KL_REQUIRE(bytes < 0x1p31, kLimitExceeded, "rows of ", s.in[2], " elements are too long");
  const Band b = band_of(s);
  return checked_mul(b.slot, static_cast<size_t>(threads));
}

void run_depthwise(const QuantConv& call, std::byte* scratch, Parallel& pool) {
  const ConvShape& s = call.shape;
  const Band b = band_of(s);
  const Copy copy{call, b};
  const bool whole_results = call.result == QuantResult::kInt32;
  const size_t bytes = s.out_size() * (whole_results ? sizeof(int32_t) : 1), plane_line = b.lines() * b.line;
  size_t planes = s.images * s.groups, crew = static_cast<size_t>(pool.threads());
  size_t chunk = std::clamp<size_t>(65536 / s.out_size(), 1, std::max<size_t>(planes / (crew * 4), 1));
  parallel_slots(pool, ceil_div(planes, chunk), [&](size_t thread, size_t item) {
    std::byte* memory = scratch + thread * b.slot;
    auto* offsets = reinterpret_cast<uint32_t*>(memory);
    auto* taps = reinterpret_cast<uint32_t*>(memory + b.taps_at);
    auto* weights = reinterpret_cast<int16_t*>(memory + b.weights_at);
    auto* outside = reinterpret_cast<uint8_t*>(memory + b.border_at);
    auto* lines = reinterpret_cast<int16_t*>(memory + b.lines_at);
    std::fill(outside, outside + s.in[2] + 16, static_cast<uint8_t>(call.x_zero));
    for (size_t i = 0; i < b.steps; ++i) {
      size_t column = i % s.kernel[2] * s.dilation[2];
      offsets[i] = static_cast<uint32_t>(i / s.kernel[2] * b.line +
                                         2 * (column % s.stride[2] * b.columns + column / s.stride[2]));
    }
    // Of each element of a pair, for each row of outputs, for each step: which tap, or none.
    for (size_t i = 0; i < b.weights(); ++i) {
      size_t r = i / 2 % b.rows, step = i / 2 / b.rows, down = step / s.kernel[2] * 2 + i % 2 - r;
      bool is_tap = down % s.dilation[1] == 0 && down / s.dilation[1] < s.kernel[1];
      taps[i] =
          static_cast<uint32_t>(is_tap ? down / s.dilation[1] * s.kernel[2] + step % s.kernel[2] : s.taps());
    }
    for (size_t begin = item * chunk, end = std::min(planes, begin + chunk); begin < end; begin += b.planes) {
      size_t some = std::min(b.planes, end - begin);
      for (size_t first = 0; first * b.rows < s.out[1]; first += b.tiles) {
        for (size_t p = 0; p < some; ++p)
          copy.band(call.x + (begin + p) * s.in_size(), first, outside, lines + p * plane_line);
        for (size_t p = 0; p < some * s.out_channels; ++p) {
          size_t out = begin * s.out_channels + p, channel = out % (s.groups * s.out_channels);
          const uint8_t* w = call.w + channel * s.taps();
          int32_t zero = call.w_zero ? call.w_zero[call.w_zero_channels ? channel : 0] : 0, sum = 0;
          for (size_t i = 0; i < b.weights(); ++i) {
            weights[i] = 0;
            if (taps[i] == s.taps()) continue;
            uint8_t byte = w[taps[i]];
            weights[i] =
                static_cast<int16_t>((call.w_signed ? int{static_cast<int8_t>(byte)} : int{byte}) - zero);
            sum += weights[i];
          }
          // Every row of outputs has every tap. Wraps.
          uint32_t start = call.bias ? static_cast<uint32_t>(call.bias[channel]) : 0;
          start -= static_cast<uint32_t>(sum / static_cast<int32_t>(b.rows) * copy.border);
          const float scale = call.channel_scale ? call.channel_scale[channel] : call.scale;
          const float most = std::abs(static_cast<float>(static_cast<int32_t>(start))) +
                             255 * 128 * static_cast<float>(s.taps());
          const Rounding round(call.result, call.y_zero);
          const uint8_t out_flip = call.result == QuantResult::kInt8 ? 0x80 : 0;
          const Loop loop{.offsets = offsets,
                          .weights = weights,
                          .steps = b.steps,
                          .start = static_cast<int32_t>(start),
                          .scale = Float4::splat(scale),
                          .round = round,
                          .whole = whole_results,
                          .in_range = !whole_results && most * std::abs(scale) < 0x1p21f,
                          .flip = out_flip,
                          .zero = round.zero + Int4::splat(out_flip)};
          std::byte* y = static_cast<std::byte*>(call.y) + out * bytes;
          (b.rows == 2 ? run_tiles<2> : run_tiles<1>)(s, b, loop, lines + p / s.out_channels * plane_line,
                                                      first, y, y + bytes);
        }
      }
    }
  });
}

}  // namespace kinglet::quant_internal
