// Winograd's F(4 x 4, 3 x 3) in integers: 36 products of transformed weights and transformed tiles of 6 x 6
// bytes give 16 outputs for a quarter of the multiplications. Interpolation points are 0, +-1, +-2 and
// infinity, weights are scaled so that all factors are whole: transformed bytes and weights fit 16 bits
// (at most 100 * 128 and 49 * 255), and sums are 24 * 24 times those of the definition, modulo 2^32. Dividing
// by 9 there is exact, by 64 leaves the sum modulo 2^26: it is right where weights bound it by 2^25.
// Rows of the products are channels of outputs, columns are tiles. Weights are packed as they are,
//   [strip of 4 output channels][pair of input channels][9][4][2] bytes,
// and transformed strip by strip for each block of tiles.
#include "kernels/quant/winograd.h"

#include <cstdlib>
#include <cstring>

#include "kernels/quant/finish.h"
#include "kernels/quant/image.h"
#include "kernels/quant/tile.h"

namespace kinglet::quant_internal {

namespace {

constexpr size_t kIn = 6, kOut = 4, kPlaces = kIn * kIn, kTiles = kQuantPanel;
constexpr int32_t kNinth = 954437177;  // 9 * kNinth = 1 modulo 2^32
// Sums of the magnitudes of a channel's weights stay below this: bytes are at most 128 then.
constexpr int64_t kBound = int64_t{1} << 18;
// Sizes of scratch fit 32 bits.
constexpr size_t kMostChannels = 1 << 16;
// Transformed tiles that stay in the second-level cache while weights pass.
constexpr size_t kBlockBytes = 512 * 1024;
// Behind each place, so that places are not a multiple of the cache's size apart.
constexpr size_t kSkew = 32;

constexpr int32_t kNone[kRows] = {};

// Sizes of tiles and products; all counts are of int16.
struct Tiles {
  ConvShape whole;  // outputs in whole tiles
  size_t down, across, panels;
  size_t pairs;         // of input channels
  size_t place, panel;  // of a panel of tiles
  size_t block;         // panels
  explicit Tiles(const ConvShape& s) : whole(s) {
    down = ceil_div(s.out[1], kOut), across = ceil_div(s.out[2], kOut);
    whole.out[1] = down * kOut, whole.out[2] = across * kOut;
    panels = ceil_div(down * across, kTiles);
    pairs = ceil_div(s.in_channels, size_t{2});
    place = pairs * 2 * kTiles + kSkew;
    panel = place * kPlaces;
    size_t most = std::max<size_t>(kBlockBytes / (panel * sizeof(int16_t)), 2);
    block = ceil_div(panels, ceil_div(panels, most));
  }
  size_t strip_place() const { return pairs * 2 * kRows + kSkew; }  // of transformed weights
  size_t strip_bytes() const { return pairs * 2 * kRows * 9; }      // of packed ones
};

int32_t zero_of(const QuantConv& call, size_t channel) {
  return call.w_zero ? call.w_zero[call.w_zero_channels ? channel : 0] : 0;
}
int32_t weight_of(const QuantConv& call, size_t at, int32_t zero) {
  return (call.w_signed ? int{static_cast<int8_t>(call.w[at])} : int{call.w[at]}) - zero;
}

inline void transform_weights(Words8 a, Words8 b, Words8 c, Words8 (&u)[kIn]) {
  Words8 ends = a + c, far = a + (c << 2), twice = b << 1;
  u[0] = (a + (a << 1)) << 1;
  u[1] = (ends + b) << 1;
  u[2] = (ends - b) << 1;
  u[3] = far + twice;
  u[4] = far - twice;
  u[5] = (c + (c << 1)) << 1;
}

// A strip of packed weights to places `place` apart.
void put_weights(const uint8_t* packed, size_t pairs, int32_t zero, int16_t* to, size_t place) {
  const Words8 change = splat_word(static_cast<int16_t>(zero));
#pragma nounroll
  for (size_t pair = 0; pair < pairs; ++pair, packed += 9 * 2 * kRows, to += 2 * kRows) {
    Words8 lines[3][kIn], u[kIn];
#pragma nounroll
    for (size_t j = 0; j < 3; ++j) {
      auto tap = [&](size_t i) { return load_widened(packed + (3 * i + j) * 2 * kRows) - change; };
      transform_weights(tap(0), tap(1), tap(2), lines[j]);
    }
    int16_t* out = to;
#pragma nounroll
    for (size_t i = 0; i < kIn; ++i) {
      transform_weights(lines[0][i], lines[1][i], lines[2][i], u);
      for (size_t j = 0; j < kIn; ++j, out += place) store_words(u[j], out);
    }
  }
}

inline void transform_inputs(Words8 (&d)[kIn]) {
  Words8 a = d[4] - d[2], b = d[3] - d[1], twice = b << 1;
  Words8 even = (d[2] << 2) - d[4], odd = (d[1] << 2) - d[3];
  d[0] = ((d[0] - d[2]) << 2) + a;
  d[5] = (d[5] - d[3]) - (twice << 1);
  d[1] = even + odd;
  d[2] = even - odd;
  d[3] = a + twice;
  d[4] = a - twice;
}

inline void transform_outputs(const Int4 (&m)[kIn], Int4 (&y)[kOut]) {
  Int4 even = (m[1] + m[2]) << 1, odd = (m[1] - m[2]) << 1, sum = m[3] + m[4], difference = m[3] - m[4];
  y[0] = m[0] + even + sum;
  y[1] = odd + (difference << 1);
  y[2] = even + (sum << 2);
  y[3] = odd + ((difference + difference + m[5]) << 2);
}

// Eight tiles of two channels, which lie `plane` apart, to places `place` apart: pairs of channels, tile by
// tile.
void put_tiles(const uint8_t* x, size_t plane, const size_t (&at)[kTiles], size_t row, uint8_t flip,
               int16_t* to, size_t place) {
  const Bytes16 change = splat_byte(flip);
  Words8 lines[2][kIn][kIn];
#pragma nounroll
  for (size_t q = 0; q < 2; ++q, x += plane) {
    uint8_t columns[kIn][kIn * kTiles];
    const uint8_t* from = x;
#pragma nounroll
    for (size_t i = 0; i < kIn; ++i, from += row) {
      Bytes16 pairs[4];
      for (size_t t = 0; t < 4; ++t)
        pairs[t] = zip_halves(load_halves(from + at[2 * t], from + at[2 * t + 1])) ^ change;
      Bytes16 a = zip_pairs_low(pairs[0], pairs[1]), b = zip_pairs_low(pairs[2], pairs[3]);
      Bytes16 c = zip_pairs_high(pairs[0], pairs[1]), d = zip_pairs_high(pairs[2], pairs[3]);
      store_bytes(zip_fours_low(a, b), columns[i]);
      store_bytes(zip_fours_high(a, b), columns[i] + 16);
      store_bytes(zip_fours_low(c, d), columns[i] + 32);
    }
#pragma nounroll
    for (size_t j = 0; j < kIn; ++j) {
      Words8 d[kIn];
      for (size_t i = 0; i < kIn; ++i) d[i] = load_widened(columns[i] + j * kTiles);
      transform_inputs(d);
      for (size_t i = 0; i < kIn; ++i) lines[q][i][j] = d[i];
    }
  }
#pragma nounroll
  for (size_t i = 0; i < kIn; ++i) {
    transform_inputs(lines[0][i]);
    transform_inputs(lines[1][i]);
    for (size_t j = 0; j < kIn; ++j, to += place) store_zipped(lines[0][i][j], lines[1][i][j], to);
  }
}

// Of four tiles: byte q of pixels[i][t] is output q of row i of tile t. `sums` are those of one channel, in
// places kRows * kTiles apart.
void take_tiles(const int32_t* sums, Int4 start, Float4 scale, const Rounding& round,
                uint32_t (&pixels)[kOut][kOut]) {
  Int4 lines[kOut][kIn];
#pragma nounroll
  for (size_t i = 0; i < kIn; ++i, sums += kIn * kRows * kTiles) {
    Int4 m[kIn], y[kOut];
    for (size_t j = 0; j < kIn; ++j) m[j] = Int4::load(sums + j * kRows * kTiles);
    transform_outputs(m, y);
    for (size_t j = 0; j < kOut; ++j) lines[j][i] = y[j];
  }
  const Int4 ninth = number<kNinth>(start);
  vec<uint32_t, 4> rows[kOut] = {};
#pragma nounroll
  for (size_t j = 0; j < kOut; ++j) {
    Int4 y[kOut];
    transform_outputs(lines[j], y);
    for (size_t i = 0; i < kOut; ++i) {
      Int4 byte = round(to_float(((y[i] * ninth) >> 6) + start) * scale);
      rows[i] = (rows[i] >> 8) | bit_cast<uint32_t>(byte << 24);
    }
  }
  for (size_t i = 0; i < kOut; ++i) rows[i].store(pixels[i]);
}

bool fits_tiles(const ConvShape& s) {
  return s.kernel[0] == 1 && s.kernel[1] == 3 && s.kernel[2] == 3 && !s.padded(0) && s.in[0] == 1 &&
         s.unit_stride() && s.dilation[1] == 1 && s.dilation[2] == 1 && s.out_channels % kRows == 0 &&
         s.in_channels <= kMostChannels && !s.empty();
}

}  // namespace

bool winograd_accepts(const QuantConv& call) {
  const ConvShape& s = call.shape;
  if (!fits_tiles(s) || call.result < QuantResult::kInt8 || call.w == nullptr) return false;
  size_t depth = s.in_channels * s.taps();
  for (size_t channel = 0; channel < s.groups * s.out_channels; ++channel) {
    int32_t zero = zero_of(call, channel);
    int64_t sum = 0;
    for (size_t p = 0; p < depth; ++p) sum += std::abs(weight_of(call, channel * depth + p, zero));
    if (sum >= kBound || zero != zero_of(call, 0)) return false;
  }
  return true;
}

bool winograd_pays(const ConvShape& s) {
  if (!fits_tiles(s)) return false;
  // In multiply-adds: products, transforms of weights, of tiles and of sums.
  auto in = static_cast<double>(s.in_channels), out = static_cast<double>(s.out_channels);
  auto tiles = static_cast<double>(Tiles(s).panels * kTiles);
  double here = (tiles + 3) * kPlaces * in * out + tiles * (256 * in + 512 * out);
  return here < static_cast<double>(s.out_size() * s.taps()) * in * out;
}

Result<size_t> winograd_packed_bytes(const ConvShape& s) {
  KL_ASSIGN(size_t channels, checked_mul(s.groups, s.out_channels));
  return checked_mul(Tiles(s).strip_bytes() / kRows + sizeof(int32_t), channels);
}

void winograd_pack(const QuantConv& call, uint8_t* packed) {
  const ConvShape& s = call.shape;
  size_t pairs = Tiles(s).pairs, channels = s.groups * s.out_channels;
  auto* sums = reinterpret_cast<int32_t*>(packed + Tiles(s).strip_bytes() / kRows * channels);
  for (size_t channel = 0; channel < channels; ++channel) {
    int32_t sum = 0, zero = zero_of(call, channel);
    uint8_t* to = packed + channel / kRows * Tiles(s).strip_bytes() + channel % kRows * 2;
    for (size_t c = 0; c < 2 * pairs; ++c) {
      for (size_t p = 0; p < 9; ++p) {
        // Weights of a channel that is not there are zero points.
        int32_t w = c < s.in_channels ? weight_of(call, (channel * s.in_channels + c) * 9 + p, zero) : 0;
        sum += w;
        to[(c / 2 * 9 + p) * 2 * kRows + c % 2] = static_cast<uint8_t>(w + zero - (call.w_signed ? 0 : 128));
      }
    }
    sums[channel] = sum;
  }
}

Result<size_t> winograd_scratch_bytes(const ConvShape& s, int threads) {
  Tiles t(s);
  KL_ASSIGN(size_t planes, image_bytes(t.whole));
  size_t strip = t.strip_place() * kPlaces * sizeof(int16_t);
  return checked_sum({checked_add<size_t>(planes, 16), checked_mul(t.block, t.panel * sizeof(int16_t)),
                      checked_mul(strip, static_cast<size_t>(threads))});
}

void run_winograd(const QuantConv& call, std::byte* scratch, Parallel& pool) {
  const ConvShape& s = call.shape;
  const Tiles t(s);
  const Image image(t.whole);
  QuantConv padded = call;
  padded.shape = t.whole;
  auto* copy = reinterpret_cast<uint8_t*>(scratch);
  auto* columns =
      reinterpret_cast<int16_t*>(copy + *checked_sum({image.plane * s.groups * s.in_channels + 16}));
  auto* transformed = columns + align_up(t.block * t.panel, 32);
  size_t strips = s.out_channels / kRows;
  const auto* sums_of_weights =
      reinterpret_cast<const int32_t*>(call.w + t.strip_bytes() * strips * s.groups);
  const int32_t w_zero = zero_of(call, 0) - (call.w_signed ? 0 : 128);
  const Rounding round(call.result, call.y_zero);
  const int32_t x_zero = call.x_zero - (call.x_signed ? 0 : 128);
  for (size_t item = 0; item < s.images * s.groups && !cancelled(pool); ++item) {
    size_t group = item % s.groups;
    const uint8_t* x = call.x + (item - group) * s.in_channels * s.in_size();
    if (group == 0) pad_image(padded, image, x, copy, pool);
    const uint8_t* from = copy + group * s.in_channels * image.plane;
    for (size_t first = 0; first < t.panels && !cancelled(pool); first += t.block) {
      size_t panels = std::min(t.block, t.panels - first);
      parallel_for(pool, panels, 1, [&](size_t begin, size_t end) {
        for (size_t panel = begin; panel < end; ++panel) {
          size_t at[kTiles];
          for (size_t i = 0; i < kTiles; ++i) {
            size_t tile = std::min((first + panel) * kTiles + i, t.down * t.across - 1);
            at[i] = (tile / t.across * image.size[2] + tile % t.across) * kOut;
          }
          for (size_t pair = 0; pair < t.pairs; ++pair)
            // The partner of the last of an odd number of channels meets weights of zero.
            put_tiles(from + 2 * pair * image.plane, 2 * pair + 1 < s.in_channels ? image.plane : 0, at,
                      image.size[2], call.x_signed ? 0 : 0x80, columns + panel * t.panel + pair * 2 * kTiles,
                      t.place);
        }
      });
      parallel_slots(pool, strips, [&](size_t slot, size_t index) {
        size_t strip = index + group * strips;
        int16_t* weights = transformed + slot * t.strip_place() * kPlaces;
        put_weights(call.w + strip * t.strip_bytes(), t.pairs, w_zero, weights, t.strip_place());
        for (size_t panel = 0; panel < panels; ++panel) {
          const int16_t *a = weights, *b = columns + panel * t.panel;
          int32_t sums[kPlaces * kRows * kTiles];
          for (size_t p = 0; p < kPlaces; ++p, a += t.strip_place(), b += t.place)
            multiply_pairs<kRows>(a, b, t.pairs, kNone, sums + p * kRows * kTiles);
          for (size_t r = 0; r < kRows * 2; ++r) {
            size_t channel = strip * kRows + r / 2, tile = (first + panel) * kTiles + r % 2 * kOut;
            uint32_t start = call.bias ? static_cast<uint32_t>(call.bias[channel]) : 0;
            start -= static_cast<uint32_t>(sums_of_weights[channel]) * static_cast<uint32_t>(x_zero);
            uint32_t pixels[kOut][kOut];
            take_tiles(sums + r * kOut, Int4::splat(static_cast<int32_t>(start)),
                       Float4::splat(call.channel_scale ? call.channel_scale[channel] : call.scale), round,
                       pixels);
            auto* y =
                static_cast<uint8_t*>(call.y) + ((item - group) * s.out_channels + channel) * s.out_size();
            size_t row = tile / t.across * kOut, column = tile % t.across * kOut;
            for (size_t i = 0; i < kOut && row < s.out[1]; ++i) {
              size_t down = std::min(kOut, s.out[1] - row), across = std::min(kOut, s.out[2] - column);
              uint8_t* to = y + row * s.out[2] + column;
              for (size_t q = 0; q < down; ++q, to += s.out[2]) {
                if (across == kOut) {
                  std::memcpy(to, &pixels[q][i], kOut);
                } else {
                  std::memcpy(to, &pixels[q][i], across);
                }
              }
              column += kOut;
              if (column >= s.out[2]) column = 0, row += kOut;
            }
          }
        }
      });
    }
  }
}

}  // namespace kinglet::quant_internal
