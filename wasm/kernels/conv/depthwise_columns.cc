// Depthwise convolution column by column of vectors: each row of the image is loaded once and added to the
// outputs that meet it, whose sums stay in registers. Columns that meet no padding are read where they lie,
// others from a copy with zeros at both sides; rows of padding are left out.
#include <algorithm>

#include "base/checked.h"
#include "kernels/conv/internal.h"
#include "kernels/conv/padded.h"
#include "simd/vec.h"

namespace kinglet::conv_internal {

namespace {

using V = Vec<float>;
constexpr size_t L = V::kLanes;
// Elements of copies; they stay in the first-level cache with the outputs.
constexpr size_t kCopied = 5 * 1024;

// Rows of an image and of the outputs that they meet.
struct Rows {
  const float* x;      // the first row that exists, where the first tap of the first output lies
  size_t pitch, rows;  // from row to row; how many exist
  size_t skip;         // rows of padding above
  size_t tap;          // from tap to tap; 1 with a horizontal stride
  bool left, right;    // whether the first column of taps and the last are padding
  const float* w;
  float* y;
  size_t step, count;  // of outputs likewise
  V bias, lo, hi;
};

// `columns` columns of outputs by N vectors at a time, for K x K taps and strides Down and Across. The last
// vector reaches back.
template <size_t K, size_t Down, size_t Across, size_t N>
KL_SHORT_LOOPS __attribute__((noinline)) void run_columns(const Rows& of, size_t columns) {
  constexpr size_t M = (K + Down - 1) / Down, kWide = N * L;
  // More weights do not stay in registers.
  constexpr bool kHeld = K == 3;
  // A pair of vectors would compute the same twice.
  if constexpr (N == 2 && Down == 1)
    if (columns == L) return run_columns<K, Down, Across, 1>(of, columns);
  const Rows p = of;
  V held[kHeld ? K * K : 1];
#pragma unroll
  for (size_t i = 0; kHeld && i < K * K; ++i) held[i] = V::load_splat(p.w + i);
  const size_t gap = std::min(columns - L, L), turns = p.count + M - 1;
  const size_t existing = std::min(p.skip + p.rows, turns);
#pragma nounroll
  for (size_t c = 0; c < columns; c += kWide) {
    c = std::min(c, columns - std::min(columns, kWide));
    const float* row = p.x + c * Across;
    float* y = p.y + c;
    V sum[M * N];
#pragma unroll
    for (size_t i = 0; i < M * N; ++i) sum[i] = p.bias;
    // Adds row d of those that turn g brings.
    auto add = [&](size_t d) __attribute__((always_inline)) {
      if constexpr (kHeld) {
#pragma unroll
        for (size_t k = 0; k < K; ++k) {
          V x = V::load(row + k * p.tap);
#pragma unroll
          for (size_t m = 0; m * Down + d < K; ++m) sum[m] = madd(x, held[(m * Down + d) * K + k], sum[m]);
        }
      } else {
        const float *from = row, *w = p.w + d * K;
        // Adds taps of column k.
        auto meet = [&](const V* x, size_t k) __attribute__((always_inline)) {
#pragma unroll
          for (size_t m = 0; m * Down + d < K; ++m) {
            const V weight = V::load_splat(w + m * Down * K + k);
#pragma unroll
            for (size_t v = 0; v < N; ++v) sum[m * N + v] = madd(x[v], weight, sum[m * N + v]);
          }
        };
        V x[N];
#pragma nounroll
        for (size_t k = Across - 1; k < K; k += Across, from += Across == 1 ? p.tap : Across, w += Across) {
          V between[N];
#pragma unroll
          for (size_t v = 0; v < N; ++v) {
            x[v] = V::load(from + v * gap * Across);
            if constexpr (Across == 2) {
              const V next = V::load(from + v * gap * Across + L);
              between[v] = odd(x[v], next), x[v] = even(x[v], next);
            }
          }
          meet(x, 0);
          if (Across == 2) meet(between, 1);
        }
        if constexpr (Across == 2) {
#pragma unroll
          for (size_t v = 0; v < N; ++v)
            x[v] = even(V::load(from + v * gap * Across), V::load(from + v * gap * Across + L));
          meet(x, 0);
        }
      }
      row += p.pitch;
    };
    // Turn g ends the output M - 1 rows above it.
    auto end = [&](size_t g) __attribute__((always_inline)) {
      if (g >= M - 1) {
#pragma unroll
        for (size_t v = 0; v < N; ++v) min(max(sum[(M - 1) * N + v], p.lo), p.hi).store(y + v * gap);
        y += p.step;
      }
#pragma unroll
      for (size_t i = M * N; i-- > N;) sum[i] = sum[i - N];
#pragma unroll
      for (size_t v = 0; v < N; ++v) sum[v] = p.bias;
    };
    size_t g = p.skip / Down;
    if constexpr (Down == 1) {
#pragma nounroll
      for (; g < existing; ++g) add(0), end(g);
    }
#pragma nounroll
    for (; g < turns; ++g) {
#pragma unroll
      for (size_t d = 0; Down > 1 && d < Down; ++d)
        if (g * Down + d - p.skip < p.rows) add(d);
      end(g);
    }
  }
}

// L columns of 3 x 3 taps without strides, of which the first or the last meet padding. `w` are the weights.
template <bool Left, bool Right, bool Near>
inline void column_3x3(const Rows& p, const V* w, size_t c) {
  const size_t tap = Near ? 1 : p.tap, to = std::min(p.skip + p.rows, p.count + 2);
  // Sums of the two outputs that began with earlier rows.
  V first = p.bias, second = p.bias;
  const float* x = p.x + c;
  float* y = p.y + c;
  auto finish = [&](V v) {
    min(max(v, p.lo), p.hi).store(y);
    y += p.step;
  };
#pragma nounroll
  for (size_t t = p.skip; t < to; ++t, x += p.pitch) {
    const V b = V::load(x + tap);
    const V a = Left ? behind(b) : V::load(x), d = Right ? ahead(b) : V::load(x + 2 * tap);
    if (t >= 2) finish(first + madd(d, w[8], madd(b, w[7], a * w[6])));
    first = second + madd(d, w[5], madd(b, w[4], a * w[3]));
    second = madd(d, w[2], madd(b, w[1], madd(a, w[0], p.bias)));
  }
  // Outputs of which the last rows are padding.
#pragma nounroll
  for (size_t t = to; t < p.count + 2; ++t) {
    if (t >= 2) finish(first);
    first = second, second = p.bias;
  }
}

// 3 x 3 taps without strides; `Near`: without dilation.
template <bool Near>
void run_3x3(const Rows& of, size_t columns) {
  const Rows p = of;
  V w[9];
#pragma unroll
  for (size_t i = 0; i < 9; ++i) w[i] = V::load_splat(p.w + i);
#pragma nounroll
  for (size_t c = 0; c < columns; c += L) {
    c = std::min(c, columns - L);
    if (Near && c == 0 && p.left)
      column_3x3<true, false, true>(p, w, c);
    else if (Near && c == columns - L && p.right)
      column_3x3<false, true, true>(p, w, c);
    else
      column_3x3<false, false, Near>(p, w, c);
  }
}

// L columns of 3 x 3 taps with strides of two, of which the first or the last meet padding.
template <bool Left, bool Right>
inline void halved_3x3(const Rows& p, const V* w, size_t c) {
  V next = p.bias;
  const float* x = p.x + 2 * c;
  float* y = p.y + c;
  auto add = [&](const V* w, V to) __attribute__((always_inline)) {
    const V a = V::load(x + !Right), b = V::load(x + !Right + L);
    V t0, t1, t2;
    if constexpr (Right) {
      t0 = even(a, b), t1 = odd(a, b), t2 = ahead(t0);
    } else {
      t1 = even(a, b), t2 = odd(a, b);
      t0 = Left ? behind(t2) : even(V::load(x), V::load(x + L));
    }
    return madd(t2, w[2], madd(t1, w[1], madd(t0, w[0], to)));
  };
  size_t t = 0 - p.skip;
#pragma nounroll
  for (size_t left = p.count;; --left) {
    V sum = next;
    next = p.bias;
    // A row that ends an output begins the next one.
    if (t < p.rows) sum = add(w + 6, sum), next = add(w, next), x += p.pitch;
    if (left < p.count) {
      min(max(sum, p.lo), p.hi).store(y);
      y += p.step;
      if (left == 0) break;
    }
    if (t + 1 < p.rows) next = add(w + 3, next), x += p.pitch;
    t += 2;
  }
}

void run_halved_3x3(const Rows& of, size_t columns) {
  const Rows p = of;
  V w[9];
#pragma unroll
  for (size_t i = 0; i < 9; ++i) w[i] = V::load_splat(p.w + i);
#pragma nounroll
  for (size_t c = 0; c < columns; c += L) {
    c = std::min(c, columns - L);
    if (c == 0 && p.left)
      halved_3x3<true, false>(p, w, c);
    else if (c == columns - L && p.right)
      halved_3x3<false, true>(p, w, c);
    else
      halved_3x3<false, false>(p, w, c);
  }
}

using Run = void (*)(const Rows&, size_t);
// By kernel and strides.
constexpr Run kRuns[2][3] = {{run_3x3<true>, run_columns<3, 2, 1, 1>, run_halved_3x3},
                             {run_columns<5, 1, 1, 2>, run_columns<5, 2, 1, 2>, run_columns<5, 2, 2, 2>}};

// Columns of outputs that are computed from a copy.
struct Part {
  size_t begin = 0, columns = 0;
  size_t row = 0;  // elements of a row of the copy
  // Columns of the image that are copied: the first, how many, where they go.
  size_t from = 0, n = 0, at = 0;
};

// How a shape is cut.
struct Cut {
  Part parts[2];
  size_t begin, end;  // columns that are read where they lie
  size_t planes;      // done at a time: what has just been written cannot be read at once in other pieces
  size_t elements;    // of scratch
};

// Whether one column of padding at each side is all there is, which 3 x 3 taps need not read.
bool by_edges(const ConvShape& s) {
  return s.kernel[1] == 3 && s.stride[1] == s.stride[2] && s.dilation[2] == 1 && s.pad[2] <= 1 &&
         s.out[2] > L && s.reach(2) <= s.in[2] + s.pad[2] + 1;
}

Cut cut_of(const ConvShape& s) {
  Cut cut{};
  const size_t out = s.out[2], across = s.stride[2], wide = s.kernel[1] == 3 ? L : 2 * L;
  // With a horizontal stride one element more is read than is used.
  const size_t halo = (s.kernel[2] - 1) * s.dilation[2] + across - 1, padded = s.in[2] + s.pad[2];
  const size_t begin = align_up(ceil_div(s.pad[2], across), wide);
  const size_t end = std::min(ceil_div(padded - std::min(halo, padded), across), out);
  if (by_edges(s)) {
    cut.end = out;
  } else if (end >= begin + 2 * wide) {
    cut.begin = begin;
    cut.end = begin + (end - begin) / wide * wide;
    cut.parts[0].columns = begin;
    if (cut.end < out) {
      cut.parts[1].begin = std::min(cut.end, out - L);
      cut.parts[1].columns = out - cut.parts[1].begin;
    }
  } else {
    cut.parts[0].columns = out;
  }
  size_t row = 0;
  for (Part& part : cut.parts) {
    if (part.columns == 0) continue;
    const size_t first = part.begin * across;
    part.row = (part.columns - 1) * across + halo + 1;
    part.at = s.pad[2] - std::min(s.pad[2], first);
    part.from = first - std::min(s.pad[2], first);
    part.n = std::min(part.row - part.at, s.in[2] - part.from);
    row += part.row;
  }
  cut.planes = std::clamp<size_t>(kCopied / 4 / std::max<size_t>({s.in[1] * row, s.in_size() / 4, 1}), 1, 16);
  cut.elements = s.in[1] * row * cut.planes;
  return cut;
}

// Vectors of x, so many elements apart.
inline void spread(const float* x, size_t step, float* to, size_t to_step, size_t count) {
#pragma nounroll
  for (; count > 0; --count, x += step, to += to_step) V::load(x).store(to);
}

// Rows from x on of the columns that a part reads; what lies outside of the image is left as it was.
void copy_part(const Part& part, const float* x, size_t width, size_t rows, float* to) {
  const size_t n = part.n;
  x += part.from;
  to += part.at;
  if (n < L) {
    for (size_t r = 0; r < rows; ++r, x += width, to += part.row)
      for (size_t c = 0; c < n; ++c) to[c] = x[c];
  } else if (width <= 4 * L) {
    // Short rows are copied column by column.
    for (size_t c = 0; c < n; c += L) {
      c = std::min(c, n - L);
      spread(x + c, width, to + c, part.row, rows);
    }
  } else {
    for (size_t r = 0; r < rows; ++r, x += width, to += part.row) {
      spread(x, L, to, L, n / L);
      V::load(x + n - L).store(to + n - L);
    }
  }
}

}  // namespace

bool depthwise_by_columns(const ConvShape& s) {
  const size_t kernel = s.kernel[1], across = s.stride[2];
  // Copies of larger channels might not be addressable.
  const bool small = s.in_size() <= size_t{1} << 26 && s.out[2] <= 3 * s.in[2];
  return kernel == s.kernel[2] && (kernel == 3 || kernel == 5) && s.stride[1] <= 2 && across <= s.stride[1] &&
         (s.stride[1] == 1 || (s.dilation[1] == 1 && s.dilation[2] == 1)) && s.out[2] >= L && small &&
         (kernel == 5 || across == 1 || by_edges(s)) && s.dilation[1] <= s.in[1] &&
         s.dilation[2] <= s.in[2] && s.pad[2] <= s.in[2] && s.pad[1] <= (kernel - 1) * s.dilation[1];
}

size_t depthwise_columns_scratch(const ConvShape& s) { return align_up(cut_of(s).elements, 16); }

KL_SHORT_LOOPS void run_depthwise_columns(const Conv<float>& call, float* scratch, Parallel& pool) {
  const ConvShape& s = call.shape;
  const Cut cut = cut_of(s);
  const size_t kernel = s.kernel[1], down = s.dilation[1], width = s.in[2],
               channels = s.groups * s.out_channels;
  const bool edges = by_edges(s);
  const Run run =
      kernel == 3 && s.dilation[2] > 1 ? run_3x3<false> : kRuns[kernel == 5][s.stride[1] + s.stride[2] - 2];
  float lo, hi;
  const bool clamp = is_clamp(call.activation, &lo, &hi);
  const size_t planes = s.images * s.groups, crew = static_cast<size_t>(pool.threads());
  const size_t chunk = std::clamp<size_t>(65536 / s.out_size(), 1, std::max<size_t>(planes / (crew * 4), 1));
  parallel_slots(pool, ceil_div(planes, chunk), [&](size_t thread, size_t item) {
    float* copies = scratch + thread * align_up(cut.elements, 16);
    zero(copies, cut.elements);
    Rows r{};
    r.lo = V::splat(lo), r.hi = V::splat(hi);
    r.step = s.out[2] * down;
    r.tap = s.dilation[2];
    r.left = edges && s.pad[2] == 1, r.right = edges && s.reach(2) > s.in[2] + s.pad[2];
    const size_t end = std::min(planes, (item + 1) * chunk);
    for (size_t begin = item * chunk; begin < end; begin += cut.planes) {
      const size_t some = std::min(cut.planes, end - begin), sums = some * s.out_channels;
      const float* image = call.x + begin * s.in_size();
      float* y = call.y + begin * s.out_channels * s.out_size();
      auto columns = [&](const float* x, size_t plane, size_t pitch, size_t at, size_t n) {
        if (n == 0) return;
        // With a dilation every so many rows are an image of their own.
        for (size_t i = 0; i < std::min(down, s.out[1]); ++i) {
          r.skip = i < s.pad[1] ? ceil_div(s.pad[1] - i, down) : 0;
          const size_t start = i + r.skip * down - s.pad[1];
          r.rows = start < s.in[1] ? ceil_div(s.in[1] - start, down) : 0;
          r.pitch = pitch * down;
          r.count = ceil_div(s.out[1] - i, down);
          size_t channel = begin * s.out_channels % channels, turn = 0;
          r.x = x + start * pitch;
          r.y = y + i * s.out[2] + at;
          for (size_t p = 0; p < sums; ++p) {
            r.w = call.w + channel * s.taps();
            r.bias = call.bias ? V::load_splat(call.bias + channel) : V::splat(0);
            run(r, n);
            r.y += s.out_size();
            if (++turn == s.out_channels) turn = 0, r.x += plane;
            if (++channel == channels) channel = 0;
          }
        }
      };
      // Long rows are read in order first: the processor does not foresee loads from several of them.
      const volatile float* lines = image;
      for (size_t i = 0; width > 160 && i < s.in_size(); i += 16) static_cast<void>(lines[i]);
      // Copies come first: what has just been written cannot be read at once in other pieces.
      float* copy = copies;
      for (const Part& part : cut.parts) {
        copy_part(part, image, width, some * s.in[1], copy);
        copy += part.row * s.in[1] * cut.planes;
      }
      columns(image + cut.begin * s.stride[2] - s.pad[2], s.in_size(), width, cut.begin, cut.end - cut.begin);
      copy = copies;
      for (const Part& part : cut.parts) {
        columns(copy, part.row * s.in[1], part.row, part.begin, part.columns);
        copy += part.row * s.in[1] * cut.planes;
      }
      if (!clamp) activate(call.activation, y, sums * s.out_size());
    }
  });
}

}  // namespace kinglet::conv_internal
