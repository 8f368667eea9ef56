// 3 x 3 and 5 x 5 with stride 1 by Winograd's F(4 x 4, 3 x 3) and F(2 x 2, 5 x 5): 36 products of transformed
// weights and transformed tiles of 6 x 6 inputs give 16 or 4 outputs for a quarter or a third of the
// multiplications. Interpolation points are 0, +-sqrt(1/2), +-sqrt(2) and infinity, whose rounding errors are
// smaller than those of 0, +-1, +-2. Rows of the products are tiles, columns are channels of outputs.
// 3 x 3 with stride 2 are four convolutions, of the even and odd rows and columns: in either direction two
// taps meet even inputs, by F(4, 2), and one meets odd ones, as it is. 81 products of tiles of 9 x 9 inputs
// with 36 transformed weights give 16 outputs.
#include "kernels/conv/winograd.h"

#include "base/checked.h"
#include "kernels/matmul/pack.h"
#include "kernels/matmul/tile.h"

namespace kinglet::conv_internal {

namespace {

constexpr size_t kWidth = kPanelWidth<float>, kRows = kStripRows<float>;
// Weights come as they are (panels of output channels, as matmul_pack_b makes them) or transformed. Those of
// a group of so many elements, transformed, stay in the second-level cache, and so do the tiles of a small
// block and their products: they are transformed once in a run. Of larger ones each block of tiles transforms
// a unit after the other: a pair of rows of places, so many input channels and so many panels. Blocks are as
// large as may be.
constexpr size_t kCachedWeights = 160 * 1024, kSmallBlock = 4 * kRows, kLargeBlock = 10 * kRows;
constexpr size_t kBlockElements = 2 * 1024 * 1024;
constexpr size_t kUnitPanels = 2, kUnitDepth = 256;
// Input channels that are multiplied together. All strips of tiles pass over their weights before the next
// ones are read: transformed weights come from memory in one stream.
constexpr size_t kDepth = 128;

bool is_strided(const ConvShape& s) { return s.stride[1] == 2; }

// Outputs of a tile in each direction, and how many tiles an image has.
size_t outputs_of(const ConvShape& s) { return is_strided(s) ? kOdd : kIn + 1 - s.kernel[1]; }
size_t tile_count(const ConvShape& s) {
  return ceil_div(s.out[1], outputs_of(s)) * ceil_div(s.out[2], outputs_of(s));
}

// Places that meet weights p.
size_t parts_of(bool strided, size_t p) {
  return strided ? (p / kIn == kEven ? kOdd : 1) * (p % kIn == kEven ? kOdd : 1) : 1;
}

// Those of the places before place p.
size_t parts_before(bool strided, size_t p) {
  size_t i = p / kIn, j = p % kIn;
  return strided ? i * kStrided + j * (i == kEven ? kOdd : 1) : p;
}

struct Tiles {
  size_t out;    // outputs of a tile in each direction
  size_t parts;  // inputs of a tile, and its products
  size_t down, across;
  size_t block;          // tiles transformed together
  bool whole;            // all weights are transformed before the tiles
  size_t panels, depth;  // of a unit
  // Elements of scratch: whole weights; tiles and products of a thread, and its unit.
  size_t weights, columns, results, unit;
  size_t count() const { return down * across; }
  size_t own() const { return columns + results + unit; }
};

size_t panels_of(const ConvShape& s) { return ceil_div(s.out_channels, kWidth); }

// Transformed weights of one group lie in the order in which they are read: places, then blocks of input
// channels, then panels of output channels.
size_t whole_place(const ConvShape& s) { return panels_of(s) * s.in_channels * kWidth; }
size_t whole_elements(const ConvShape& s) { return kPlaces * (whole_place(s) + kSkew); }
size_t depth_of(const ConvShape& s) { return ceil_div(s.in_channels, ceil_div(s.in_channels, kDepth)); }
size_t panel_elements(const ConvShape& s) { return s.in_channels * s.taps() * kWidth; }

Result<Tiles> tiles_of(const ConvShape& s, bool transformed) {
  Tiles t;
  t.out = outputs_of(s);
  t.parts = is_strided(s) ? kStrided * kStrided : kPlaces;
  t.down = ceil_div(s.out[1], t.out);
  t.across = ceil_div(s.out[2], t.out);
  size_t wide = panels_of(s) * kWidth;
  KL_ASSIGN(size_t both, checked_add(s.in_channels, wide));
  KL_ASSIGN(size_t weights, checked_mul(s.in_channels, wide));
  KL_ASSIGN(both, checked_mul(both, t.parts));
  KL_ASSIGN(size_t all, checked_mul(weights, s.groups));
  bool cached = weights <= kCachedWeights / kPlaces && all <= 4 * kCachedWeights / kPlaces;
  t.whole = transformed || cached;
  size_t most = cached ? kSmallBlock : kLargeBlock;
  most = std::clamp(kBlockElements / both, kRows, most);
  t.block = ceil_div(t.count(), ceil_div(t.count(), most));
  KL_ASSIGN(t.columns, checked_mul(t.parts * s.in_channels, t.block));
  t.columns += kPlaces * kSkew;
  KL_ASSIGN(t.results, checked_mul(t.parts * wide, t.block));
  t.results += kPlaces * kSkew;
  t.panels = std::min(kUnitPanels, panels_of(s));
  t.depth = t.whole ? depth_of(s) : ceil_div(s.in_channels, ceil_div(s.in_channels, kUnitDepth));
  t.weights = t.whole && !transformed ? whole_elements(s) * s.groups : 0;
  t.unit = t.whole ? 0 : 2 * kIn * (t.panels * t.depth * kWidth + kSkew);
  return t;
}

// A pair of rows of places of so many input channels of one panel, w.
template <bool Strided, size_t Pair>
void transform_panel(const float* w, size_t depth, float* first, float* second, size_t place) {
#pragma nounroll
  for (size_t c = 0; c < depth; ++c, w += 9 * kWidth, first += kWidth, second += kWidth) {
#pragma nounroll
    for (size_t r = 0; r < kWidth; r += L)
      put_weights<Strided, Pair>(w + r, kWidth, first + r, second + r, place);
  }
}

using Transform = void (*)(const float*, size_t, float*, float*, size_t);
template <bool Strided>
inline constexpr Transform kTransforms[kPairs] = {transform_panel<Strided, 0>, transform_panel<Strided, 1>,
                                                  transform_panel<Strided, 2>};
const Transform* transforms_of(const ConvShape& s) {
  return is_strided(s) ? kTransforms<true> : kTransforms<false>;
}

// Input channels [c, c + count) of panel n of one group, w, to their places; none is in another block.
void transform_some(const ConvShape& s, const float* w, size_t n, size_t c, size_t count, float* whole) {
  size_t depth = depth_of(s), k = c - c % depth, place = whole_place(s) + kSkew, rows = kIn * place;
  float* to = whole + (k * panels_of(s) + n * std::min(depth, s.in_channels - k) + c - k) * kWidth;
  if (s.kernel[1] == 5) {
    for (size_t i = 0; i < count; ++i, w += 25 * kWidth, to += kWidth)
      for (size_t r = 0; r < kWidth; r += L) put_weights(w + r, kWidth, to + r, place);
    return;
  }
  for (size_t pair = 0; pair < kPairs; ++pair)
    transforms_of(s)[pair](w, count, to + kRowPairs[pair][0] * rows, to + kRowPairs[pair][1] * rows, place);
}

// A tile of all input channels of group g, counted through all images. It is read in place, unless that
// would reach out of x.
template <size_t N>
void put_channels(const Conv<float>& call, const Tiles& t, size_t g, size_t tile, float* to, size_t part) {
  const ConvShape& s = call.shape;
  size_t step = t.out * s.stride[1], plane = s.in_size();
  const Window<N> window(s, static_cast<ptrdiff_t>(tile / t.across * step - s.pad[1]),
                         static_cast<ptrdiff_t>(tile % t.across * step - s.pad[2]));
  size_t planes = s.images * s.groups * s.in_channels;
  const auto inside = static_cast<ptrdiff_t>(plane);
  for (size_t c = 0; c < s.in_channels; c += L) {
    size_t at = std::min(c, s.in_channels - L), before = g * s.in_channels + at, row = s.in[2];
    const float* from[L];
    float copy[L][N * N];
    for (size_t q = 0; q < L; ++q) from[q] = call.x + (before + q) * plane + window.begin;
    if ((window.begin < 0 && window.begin < -static_cast<ptrdiff_t>(before * plane)) ||
        (window.end > inside && window.end > static_cast<ptrdiff_t>((planes - before - L + 1) * plane))) {
      for (size_t q = 0; q < L; ++q) {
        for (size_t i = 0; i < window.bottom - window.top; ++i)
          for (size_t j = 0; j < N; ++j) copy[q][i * N + j] = window.columns[j] ? from[q][i * row + j] : 0;
        from[q] = copy[q];
      }
      row = N;
    }
    put_tile(from, row, window, to + at, part);
  }
}

}  // namespace

bool winograd_pays(const ConvShape& s) {
  // In multiply-adds: products, of which so many take as long as transforming a weight, and transforms of
  // tiles. Fewer rows of a product than four take as long as four. Small products do not pay.
  constexpr double kWeight = 3, kFewRows = 4;
  double channels = static_cast<double>(s.in_channels) * static_cast<double>(s.out_channels);
  double both = static_cast<double>(s.in_channels + s.out_channels), out = static_cast<double>(s.out_size());
  bool strided = is_strided(s);
  auto tiles = static_cast<double>(tile_count(s));
  double rows = std::max(tiles, kFewRows) * (strided ? kStrided * kStrided : kPlaces) + kPlaces * kWeight;
  double here = rows * channels + tiles * (strided ? 700 : 400) * both;
  return here < 0.82 * (out + 10) * static_cast<double>(s.taps()) * channels;
}

bool winograd_stores(const ConvShape& s) {
  // Transformed weights are four times as large, of 5 x 5 only 1.4 times. The more tiles there are, the less
  // it takes to transform them in each run: worth so many bytes for 16 tiles, and any number for fewer, if
  // those are enough for reading them.
  constexpr double kWorth = 3 << 20, kFewest = 8, kFew = 16;
  auto tiles = static_cast<double>(tile_count(s));
  double bytes = static_cast<double>(s.groups * s.in_channels) * static_cast<double>(s.out_channels) *
                 static_cast<double>(kPlaces * sizeof(float));
  return s.kernel[1] == 5 || bytes * std::max(tiles, kFew) <= kWorth * kFew ||
         (tiles >= kFewest && tiles < kFew);
}

Result<size_t> winograd_packed_bytes(const ConvShape& s, bool transformed) {
  KL_ASSIGN(size_t depth, checked_mul(s.in_channels, s.taps()));
  KL_ASSIGN(size_t bytes, matmul_packed_b_bytes<float>(depth, s.out_channels));
  if (transformed) {
    KL_ASSIGN(size_t place, matmul_packed_b_bytes<float>(s.in_channels, s.out_channels));
    KL_ASSIGN(bytes, checked_mul(place + kSkew * sizeof(float), kPlaces));
  }
  return checked_mul(bytes, s.groups);
}

void winograd_pack(const ConvShape& s, const float* w, bool transformed, float* packed) {
  size_t depth = s.in_channels * s.taps(), group = s.out_channels * depth;
  if (!transformed) {
    for (size_t g = 0; g < s.groups; ++g, w += group, packed += panel_elements(s) * panels_of(s))
      matmul_pack_b<float>({w, 1, depth}, depth, s.out_channels, 1, packed);
    return;
  }
  constexpr size_t kSome = 8;
  float panel[kSome * 25 * kWidth];
  for (size_t g = 0; g < s.groups; ++g, w += group, packed += whole_elements(s)) {
    for (size_t n = 0; n < panels_of(s); ++n) {
      for (size_t c = 0, count; c < s.in_channels; c += count) {
        count = std::min({kSome, depth_of(s) - c % depth_of(s), s.in_channels - c});
        pack_panels<float>({w, 1, depth}, c * s.taps(), (c + count) * s.taps(), n * kWidth,
                           std::min((n + 1) * kWidth, s.out_channels), 1, panel);
        transform_some(s, panel, n, c, count, packed);
      }
    }
  }
}

Result<size_t> winograd_scratch(const ConvShape& s, bool transformed, int threads) {
  KL_ASSIGN(Tiles t, tiles_of(s, transformed));
  KL_ASSIGN(size_t count, checked_mul(t.own(), static_cast<size_t>(threads)));
  KL_ASSIGN(count, checked_add(count, t.weights));
  return checked_mul(count, sizeof(float));
}

void run_winograd(const Conv<float>& call, bool transformed, void* scratch, Parallel& pool) {
  const ConvShape& s = call.shape;
  Result<Tiles> tiles = tiles_of(s, transformed);
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
  bool strided = is_strided(s);
  float *whole = static_cast<float*>(scratch), *own = whole + t.weights;
  size_t block = t.block, blocks = ceil_div(t.count(), block);
  size_t panels = panels_of(s);
  // Threads take as many blocks each, unless that means to read large weights for a few tiles. With fewer
  // blocks than threads, they transform the tiles together and share the channels of outputs.
  size_t crew = static_cast<size_t>(pool.threads());
  bool small = s.in_channels * panels * kWidth <= kCachedWeights / kPlaces;
  if (crew > 1 && (small || blocks > 1 || t.count() > s.out_channels) && t.count() > crew * kRows) {
    block = ceil_div(t.count(), align_up(blocks, crew));
    blocks = ceil_div(t.count(), block);
  }
  size_t parts = s.groups * blocks < crew ? std::min(crew, panels) : 1;
  if (t.weights > 0) {
    parallel_for(pool, s.groups * panels, 1 + 4096 / s.in_channels, [&](size_t begin, size_t end) {
      for (size_t n = begin; n < end; ++n) {
        const float* w = call.w + n * panel_elements(s);
        for (size_t k = 0; k < s.in_channels; k += t.depth)
          transform_some(s, w + k * s.taps() * kWidth, n % panels, k, std::min(t.depth, s.in_channels - k),
                         whole + n / panels * whole_elements(s));
      }
    });
  }
  for (size_t image = 0; image < s.images && !cancelled(pool); ++image) {
    auto transform = [&](size_t g, size_t tile, size_t in_part, float* to) {
      strided ? put_channels<kStrided>(call, t, image * s.groups + g, tile, to, in_part)
              : put_channels<kIn>(call, t, image * s.groups + g, tile, to, in_part);
    };
    if (parts > 1) {
      parallel_for(pool, s.groups * t.count(), 1, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i) {
          size_t g = i / t.count(), tile = i % t.count(), n = tile % block;
          size_t in_part = std::min(block, t.count() - (tile - n)) * s.in_channels;
          float* columns = own + (g * blocks + tile / block) * t.own();
          transform(g, tile, in_part, columns + n * s.in_channels);
        }
      });
    }
    parallel_slots(pool, s.groups * blocks * parts, [&](size_t thread, size_t item) {
      float* columns = own + (parts > 1 ? item / parts : thread) * t.own();
      float* results = own + thread * t.own() + t.columns;
      float* unit = results + t.results;
      size_t part = item % parts, g = item / parts / blocks;
      size_t first = item / parts % blocks * block, count = std::min(block, t.count() - first);
      auto row = [&](size_t n) { return (first + n) / t.across * t.out; };
      auto column = [&](size_t n) { return (first + n) % t.across * t.out; };
      size_t in_part = count * s.in_channels;
      for (size_t n = 0; n < count && parts == 1; ++n)
        transform(g, first + n, in_part, columns + n * s.in_channels);
      Strip<float> strip = product;
      size_t begin = panels * part / parts, end = panels * (part + 1) / parts;
      strip.c_row = (end - begin) * kWidth;
      size_t out_part = count * strip.c_row;
      // Panels [n, n + strip.n / kWidth) of place p, input channels [k, k + strip.k), which strip.b has.
      auto multiply = [&](size_t p, size_t n, size_t k) {
        size_t before = parts_before(strided, p);
        const float* a = columns + before * in_part + p * kSkew + k;
        float* c = results + before * out_part + p * kSkew + (n - begin) * kWidth;
        StripSplit split(count * parts_of(strided, p), kRows);
        for (size_t i = 0; i < split.count; ++i) {
          strip.a = a + split.begin(i) * s.in_channels;
          strip.c = c + split.begin(i) * strip.c_row;
          strip.init = k == 0 ? nullptr : strip.c;
          kStrips<float, false, BForm::kPanels>[split.rows(i) - 1](strip);
        }
      };
      if (t.whole) {
        const float* w = (transformed ? call.w : whole) + g * whole_elements(s);
        strip.n = strip.c_row;
        for (size_t p = 0; p < kPlaces && !cancelled(pool); ++p, w += whole_place(s) + kSkew) {
          for (size_t k = 0; k < s.in_channels; k += strip.k) {
            strip.k = std::min(t.depth, s.in_channels - k);
            strip.b_panel = strip.k * kWidth;
            strip.b = w + k * panels * kWidth + begin * strip.b_panel;
            multiply(p, begin, k);
          }
        }
      } else {
        size_t place = t.panels * t.depth * kWidth + kSkew;
        for (size_t pair = 0; pair < kPairs && !cancelled(pool); ++pair) {
          for (size_t k = 0; k < s.in_channels; k += strip.k) {
            strip.k = std::min(t.depth, s.in_channels - k);
            strip.b_panel = strip.k * kWidth;
            for (size_t n = begin; n < end; n += t.panels) {
              strip.n = std::min(t.panels, end - n) * kWidth;
              const float* w = call.w + (g * panels + n) * panel_elements(s) + k * s.taps() * kWidth;
              for (float* to = unit; to < unit + strip.n * strip.k;
                   to += strip.b_panel, w += panel_elements(s))
                transforms_of(s)[pair](w, strip.k, to, to + kIn * place, place);
              for (size_t j = 0; j < 2 * kIn; ++j) {
                strip.b = unit + j * place;
                multiply(kRowPairs[pair][j / kIn] * kIn + j % kIn, n, k);
              }
            }
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
