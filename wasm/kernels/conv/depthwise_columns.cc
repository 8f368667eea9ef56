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
  size_t tap, phase;   // from tap to tap; to the taps between, with a horizontal stride
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
    const float* row = p.x + c;
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
#pragma unroll
        for (size_t f = 0; f < Across; ++f) {
          const float *from = row + f * p.phase, *w = p.w + d * K + f;
#pragma nounroll
          for (size_t k = f; k < K; k += Across, from += p.tap, w += Across) {
            V x[N];
#pragma unroll
            for (size_t v = 0; v < N; ++v) x[v] = V::load(from + v * gap);
#pragma unroll
            for (size_t m = 0; m * Down + d < K; ++m) {
              const V weight = V::load_splat(w + m * Down * K);
#pragma unroll
              for (size_t v = 0; v < N; ++v) sum[m * N + v] = madd(x[v], weight, sum[m * N + v]);
            }
          }
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

// Columns of outputs that are computed from a copy; with a horizontal stride even and odd columns of the copy
// lie apart.
struct Part {
  size_t begin = 0, columns = 0;
  // Elements of the copy: of one kind of a row, of a row, of one channel.
  size_t pitch = 0, row = 0, plane = 0;
  // Columns of the image that are copied: the first, how many, where its even and odd ones begin.
  size_t from = 0, n = 0, even = 0, odd = 0;
};

// How a shape is cut.
struct Cut {
  Part parts[2];
  size_t begin, end;  // columns that are read where they lie
  size_t rows_out;    // computed at a time
  size_t planes;      // copied at a time: what has just been written cannot be read at once in other pieces
  size_t elements;    // of scratch
};

// Whether one column of padding at each side is all there is, which 3 x 3 taps need not read.
bool by_edges(const ConvShape& s) {
  return s.kernel[1] == 3 && s.stride[1] == s.stride[2] && s.dilation[2] == 1 && s.pad[2] <= 1 &&
         s.out[2] >= (s.stride[2] == 1 ? 2 * L : L + 1) && s.reach(2) <= s.in[2] + s.pad[2] + 1;
}

Cut cut_of(const ConvShape& s) {
  Cut cut{};
  const size_t out = s.out[2], wide = s.kernel[1] == 3 ? L : 2 * L, halo = (s.kernel[2] - 1) * s.dilation[2];
  const size_t padded = s.in[2] + s.pad[2], across = s.stride[2];
  const size_t begin = align_up(s.pad[2], wide), end = std::min(padded - std::min(halo, padded), out);
  if (by_edges(s)) {
    cut.end = out;
  } else if (across == 1 && end >= begin + 2 * wide) {
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
    part.pitch = std::max(part.columns + halo / across, across == 2 ? ceil_div(padded, across) : 0);
    part.row = part.pitch * across;
    part.even = s.pad[2] - std::min(s.pad[2], part.begin);
    part.from = part.begin - std::min(s.pad[2], part.begin);
    part.n = std::min(across == 2 ? s.in[2] : part.row - part.even, s.in[2] - part.from);
    if (across == 2) {
      part.even = s.pad[2] % 2 * part.pitch + s.pad[2] / 2;
      part.odd = (s.pad[2] + 1) % 2 * part.pitch + (s.pad[2] + 1) / 2;
    }
    row += part.row;
  }
  size_t rows = s.in[1];
  cut.rows_out = s.out[1];
  cut.planes = std::clamp<size_t>(cut.end > 0 ? 1 : kCopied / 4 / std::max<size_t>(rows * row, 1), 1, 16);
  if (across == 2 && rows * row > kCopied) {
    rows = std::max<size_t>(kCopied / row, 2 * 8 + s.kernel[1]);
    cut.rows_out = std::min((rows - s.kernel[1]) / s.stride[1], s.out[1]);
  }
  for (Part& part : cut.parts) part.plane = rows * part.row;
  cut.elements = rows * row * cut.planes;
  return cut;
}

// Vectors of x go to `even` or, where it is not null, their odd columns to `odd`.
inline void spread(const float* x, size_t step, float* even_to, float* odd_to, size_t to_step, size_t count) {
  if (!odd_to) {
#pragma nounroll
    for (; count > 0; --count, x += step, even_to += to_step) V::load(x).store(even_to);
  } else {
#pragma nounroll
    for (; count > 0; --count, x += step, even_to += to_step, odd_to += to_step) {
      const V a = V::load(x), b = V::load(x + L);
      even(a, b).store(even_to), odd(a, b).store(odd_to);
    }
  }
}

// Rows from x on of the columns that a part reads; what lies outside of the image is left as it was.
void copy_part(const Part& part, bool apart, const float* x, size_t width, size_t rows, float* to) {
  const size_t wide = apart ? 2 * L : L, n = part.n, many = n / wide * wide;
  x += part.from;
  auto even_of = [&](size_t c) {
    return to + (!apart ? part.even + c : (c % 2 ? part.odd : part.even) + c / 2);
  };
  auto odd_of = [&](size_t c) {
    return !apart ? nullptr : to + (c % 2 ? part.even + (c + 1) / 2 : part.odd + c / 2);
  };
  if (n < wide) {
    for (size_t r = 0; r < rows; ++r, x += width, to += part.row)
      for (size_t c = 0; c < n; ++c) *even_of(c) = x[c];
  } else if (width <= 4 * wide) {
    // Short rows are copied column by column.
    for (size_t c = 0; c < n; c += wide) {
      c = std::min(c, n - wide);
      spread(x + c, width, even_of(c), odd_of(c), part.row, rows);
    }
  } else {
    for (size_t r = 0; r < rows; ++r, x += width, to += part.row) {
      spread(x, wide, even_of(0), odd_of(0), L, n / wide);
      if (n > many) spread(x + n - wide, wide, even_of(n - wide), odd_of(n - wide), L, 1);
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
    r.tap = s.dilation[2], r.phase = cut.parts[0].pitch;
    r.left = edges && s.pad[2] == 1, r.right = edges && s.reach(2) > s.in[2] + s.pad[2];
    const size_t end = std::min(planes, (item + 1) * chunk);
    for (size_t begin = item * chunk; begin < end; begin += cut.planes) {
      const size_t some = std::min(cut.planes, end - begin), sums = some * s.out_channels;
      for (size_t row = 0; row < s.out[1]; row += cut.rows_out) {
        const size_t count = std::min(cut.rows_out, s.out[1] - row), top = row * s.stride[1];
        // Rows [first, last) of the image are read.
        const size_t reach = top + (count - 1) * s.stride[1] + kernel;
        const size_t first = std::min(top - std::min(top, s.pad[1]), s.in[1]);
        const size_t last = count == s.out[1] ? s.in[1] : std::clamp(reach - s.pad[1], first, s.in[1]);
        const float* image = call.x + begin * s.in_size() + first * width;
        float* y = call.y + begin * s.out_channels * s.out_size() + row * s.out[2];
        auto columns = [&](const float* x, size_t plane, size_t pitch, size_t at, size_t n) {
          if (n == 0) return;
          // With a dilation every so many rows are an image of their own.
          for (size_t i = 0; i < std::min(down, count); ++i) {
            r.skip = top + i < s.pad[1] ? ceil_div(s.pad[1] - top - i, down) : 0;
            const size_t start = top + i + r.skip * down - s.pad[1] - first;
            r.rows = start < last - first ? ceil_div(last - first - start, down) : 0;
            r.pitch = pitch * down;
            r.count = ceil_div(count - i, down);
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
        for (size_t i = 0; width > 160 && i < (last - first) * width; i += 16) static_cast<void>(lines[i]);
        // Copies come first: what has just been written cannot be read at once in other pieces.
        float* copy = copies;
        for (const Part& part : cut.parts) {
          copy_part(part, s.stride[2] == 2, image, width, some * (last - first), copy);
          copy += part.plane * cut.planes;
        }
        columns(image + cut.begin - s.pad[2], s.in_size(), width, cut.begin, cut.end - cut.begin);
        copy = copies;
        for (const Part& part : cut.parts) {
          columns(copy, part.plane, part.row, part.begin, part.columns);
          copy += part.plane * cut.planes;
        }
        if (!clamp)
          for (size_t p = 0; p < sums; ++p) activate(call.activation, y + p * s.out_size(), count * s.out[2]);
      }
    }
  });
}

}  // namespace kinglet::conv_internal
