// 3 x 3 and 5 x 5 with stride 1 by Winograd's F(4 x 4, 3 x 3) and F(2 x 2, 5 x 5): 36 products of transformed
// weights and transformed tiles of 6 x 6 inputs give 16 or 4 outputs for a quarter or a third of the
// multiplications. Interpolation points are 0, +-sqrt(1/2), +-sqrt(2) and infinity, whose rounding errors are
// smaller than those of 0, +-1, +-2. Rows of the products are tiles, columns are channels of outputs.
// 3 x 3 with stride 2 are four convolutions, of the even and odd rows and columns: in either direction two
// taps meet even inputs, by F(4, 2), and one meets odd ones, as it is. 81 products of tiles of 9 x 9 inputs
// with 36 transformed weights give 16 outputs.
#include "kernels/conv/winograd.h"

#include "kernels/conv/padded.h"
#include "kernels/matmul/tile.h"

namespace kinglet::conv_internal {

namespace {

constexpr size_t kWidth = kPanelWidth<float>, kRows = kStripRows<float>;
// Weights of so many elements stay in the second-level cache, and so do the tiles of a small block and their
// products. Larger weights pass by once for each block: blocks are as large as may be.
constexpr size_t kCachedWeights = 160 * 1024, kSmallBlock = 4 * kRows, kLargeBlock = 10 * kRows;
constexpr size_t kBlockElements = 2 * 1024 * 1024;
// Input channels of a block. All strips of tiles pass over its weights before the next ones are read: from
// memory they come in one stream.
constexpr size_t kDepth = 128;

bool is_strided(const ConvShape& s) { return s.stride[1] == 2; }

// Places that meet weights p.
size_t parts_of(bool strided, size_t p) {
  return strided ? (p / kIn == kEven ? kOdd : 1) * (p % kIn == kEven ? kOdd : 1) : 1;
}

struct Tiles {
  size_t out;    // outputs of a tile in each direction
  size_t parts;  // inputs of a tile, and its products
  size_t down, across;
  size_t block;  // tiles transformed together
  Padded image;
  size_t planes, columns, results;  // elements of scratch: padded image; tiles and products of a thread
  size_t count() const { return down * across; }
};

size_t panels_of(const ConvShape& s) { return ceil_div(s.out_channels, kWidth); }

Result<Tiles> tiles_of(const ConvShape& s) {
  Tiles t;
  t.out = is_strided(s) ? kOdd : kIn + 1 - s.kernel[1];
  t.parts = is_strided(s) ? kStrided * kStrided : kPlaces;
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
  KL_ASSIGN(both, checked_mul(both, t.parts));
  size_t most = weights <= kCachedWeights / kPlaces ? kSmallBlock : kLargeBlock;
  most = std::clamp(kBlockElements / both, kRows, most);
  t.block = ceil_div(t.count(), ceil_div(t.count(), most));
  KL_ASSIGN(t.columns, checked_mul(t.parts * s.in_channels, t.block));
  t.columns += kPlaces * kSkew;
  KL_ASSIGN(t.results, checked_mul(t.parts * wide, t.block));
  t.results += kPlaces * kSkew;
  return t;
}

// Weights of one group lie in the order in which they are read: places, then blocks of so many input
// channels, then panels of output channels.
size_t depth_of(const ConvShape& s) { return ceil_div(s.in_channels, ceil_div(s.in_channels, kDepth)); }
size_t packed_elements(const ConvShape& s) { return kPlaces * s.in_channels * kWidth * panels_of(s); }

}  // namespace

bool winograd_pays(const ConvShape& s) {
  // In multiply-adds: products, of which so many take as long as reading a weight from memory, and
  // transforms. Small products do not pay.
  constexpr double kReading = 6;
  // Weights of more than so many bytes, which are four times those of the definition, have to serve some
  // tiles.
  constexpr double kLargeWeights = 16 << 20, kFewTiles = 8;
  double channels = static_cast<double>(s.in_channels) * static_cast<double>(s.out_channels);
  double both = static_cast<double>(s.in_channels + s.out_channels), out = static_cast<double>(s.out_size());
  bool strided = is_strided(s);
  size_t each = strided ? kOdd : kIn + 1 - s.kernel[1];
  auto tiles = static_cast<double>(ceil_div(s.out[1], each) * ceil_div(s.out[2], each));
  if (tiles < kFewTiles && channels * kPlaces * sizeof(float) > kLargeWeights) return false;
  double rows = 0;
  for (size_t p = 0; p < kPlaces; ++p)
    rows += std::max(tiles * static_cast<double>(parts_of(strided, p)), kReading);
  double here = rows * channels + tiles * (strided ? 700 : 400) * both;
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
                            is_strided(s), u);
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
  bool strided = is_strided(s);
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
      size_t in_part = count * s.in_channels;
      for (size_t n = 0; n < count; ++n) {
        const float* x =
            copy + g * s.in_channels * t.image.plane() + row(n) * s.stride[1] * t.image.row() + column(n);
        for (size_t c = 0; c < s.in_channels; c += L) {
          size_t at = std::min(c, s.in_channels - L);
          const float* from[L];
          for (size_t q = 0; q < L; ++q) from[q] = x + (at + q) * t.image.plane();
          float* to = columns + n * s.in_channels + at;
          strided ? put_tile<kStrided>(from, t.image.row(), t.image.pitch, to, in_part)
                  : put_tile<kIn>(from, t.image.row(), 0, to, in_part);
        }
      }
      Strip<float> strip = product;
      size_t begin = panels * part / parts, end = panels * (part + 1) / parts;
      strip.n = (end - begin) * kWidth;
      strip.c_row = strip.n;
      size_t out_part = count * strip.c_row;
      const float* a = columns;
      float* c = results;
      for (size_t p = 0; p < kPlaces && !cancelled(pool); ++p) {
        StripSplit split(count * parts_of(strided, p), kRows);
        const float* w = call.w + g * packed_elements(s) + p * panels * s.in_channels * kWidth;
        for (size_t k = 0; k < s.in_channels; k += strip.k) {
          strip.k = std::min(depth, s.in_channels - k);
          strip.b_panel = strip.k * kWidth;
          strip.b = w + k * panels * kWidth + begin * strip.b_panel;
          for (size_t i = 0; i < split.count; ++i) {
            strip.a = a + split.begin(i) * s.in_channels + k;
            strip.c = c + split.begin(i) * strip.c_row;
            strip.init = k == 0 ? nullptr : strip.c;
            kStrips<float, false, BForm::kPanels>[split.rows(i) - 1](strip);
          }
        }
        a += in_part * parts_of(strided, p) + kSkew;
        c += out_part * parts_of(strided, p) + kSkew;
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
          strided      ? take_tile<kStrided, 4>(from, out_part, f)
          : t.out == 4 ? take_tile<kIn, 4>(from, out_part, f)
                       : take_tile<kIn, 2>(from, out_part, f);
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
