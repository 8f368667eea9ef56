// Transposed convolution: for some output channels and input pixels at a time, the products of weights and
// input are computed as a matrix and added to the outputs that each tap reaches, or stored where only one
// does.
#include <algorithm>
#include <type_traits>

#include "base/checked.h"
#include "kernels/conv/internal.h"
#include "kernels/matmul/tile.h"
#include "simd/interleave.h"

namespace kinglet {

namespace {

// Rows of the matrix are (output channel, tap). Their blocking depends on the weights alone, so that packed
// weights serve every input.
struct Blocks {
  size_t channels;         // output channels of a block
  size_t blocks;           // of one group
  size_t rows;             // of a full block
  size_t packed_elements;  // of a full block
  size_t lines;            // input rows of a chunk of columns
};

template <class T>
Result<Blocks> blocks_of(const ConvShape& s) {
  Blocks b;
  KL_ASSIGN(size_t taps, checked_mul(s.kernel[0] * s.kernel[1], s.kernel[2]));
  b.channels = std::clamp<size_t>(64 / taps, 1, std::max<size_t>(s.out_channels, 1));
  b.blocks = ceil_div(s.out_channels, b.channels);
  KL_ASSIGN(b.rows, checked_mul(b.channels, taps));
  KL_ASSIGN(size_t bytes, matmul_packed_a_bytes<T>(b.rows, s.in_channels));
  b.packed_elements = bytes / sizeof(T);
  size_t lines = s.in[0] * s.in[1];
  b.lines = std::clamp<size_t>(1024 / std::max<size_t>(s.in[2], 1), 1, std::max<size_t>(lines, 1));
  return b;
}

template <class T>
MatMul<T> product_of(const ConvShape& s, const Blocks& b) {
  MatMul<T> m;
  m.m = b.rows;
  m.n = b.lines * s.in[2];
  m.k = s.in_channels;
  m.a.packed = true;
  m.b = {nullptr, s.in_size(), 1};
  m.c_row = m.n;
  return m;
}

// Elements of the matrix and of the product's scratch, for one thread.
template <class T>
Result<size_t> slot_bytes(const ConvShape& s, const Blocks& b, size_t* matrix) {
  MatMul<T> m = product_of<T>(s, b);
  KL_ASSIGN(size_t count, checked_mul(b.rows, b.lines));
  KL_ASSIGN(count, checked_mul(count, s.in[2]));
  KL_ASSIGN(count, checked_mul(count, sizeof(T)));
  KL_ASSIGN(count, checked_add<size_t>(count, 63));
  *matrix = count / 64 * 64;
  // The last block has fewer rows and the last chunk fewer columns: none needs more than the largest of
  // these.
  size_t most = 0;
  for (size_t channels : {b.channels, s.out_channels - (b.blocks > 0 ? b.blocks - 1 : 0) * b.channels}) {
    for (size_t lines : {b.lines, s.in[0] * s.in[1] % b.lines}) {
      m.m = channels * s.taps();
      m.n = lines * s.in[2];
      KL_ASSIGN(size_t bytes, matmul_scratch_bytes(m, select_matmul(m), 1));
      most = std::max(most, bytes);
    }
  }
  KL_ASSIGN(most, checked_add<size_t>(most, 63));
  return checked_add(*matrix, most / 64 * 64);
}

// body(line - line0, output row's first element) for every input row in [line0, line1) whose output row for
// this tap exists.
template <class T, class Body>
void for_each_line(const ConvShape& s, size_t tap, size_t line0, size_t line1, T* y, Body&& body) {
  size_t down = tap / s.kernel[2] % s.kernel[1] * s.dilation[1],
         deep = tap / s.kernel[2] / s.kernel[1] * s.dilation[0];
  for (size_t line = line0; line < line1; ++line) {
    size_t d = line / s.in[1] * s.stride[0] + deep, h = line % s.in[1] * s.stride[1] + down;
    if (d < s.pad[0] || d - s.pad[0] >= s.out[0] || h < s.pad[1] || h - s.pad[1] >= s.out[1]) continue;
    body(line - line0, y + ((d - s.pad[0]) * s.out[1] + h - s.pad[1]) * s.out[2]);
  }
}

// What happens to an output that only one element of the matrix reaches; otherwise elements are added to the
// bias, and the activation follows.
struct Once {
  bool set = false;
  float bias = 0, lo = 0, hi = 0;
};

// Adds two rows of the matrix to the output plane: those of `tap` and of the tap beside it, with a stride of
// two.
void add_pair(const ConvShape& s, size_t tap, const float* a, const float* b, size_t line0, size_t line1,
              float* y, const Once& once) {
  using V = Vec<float>;
  size_t shift = tap % s.kernel[2], pad = s.pad[2], out = s.out[2];
  // Input columns for which both outputs exist, and whether one of the two does beside them.
  size_t first = shift >= pad ? 0 : ceil_div<size_t>(pad - shift, 2);
  size_t limit = out + pad;
  size_t last = limit > shift + 1 ? std::min(s.in[2], (limit - shift) / 2) : 0;
  bool before = first > 0 && first <= s.in[2] && 2 * first + shift == pad + 1 && out > 0;
  bool after = last < s.in[2] && last >= first && 2 * last + shift + 1 == limit;
  for_each_line(s, tap, line0, line1, y, [&](size_t line, float* to) {
    const float *x = a + line * s.in[2], *z = b + line * s.in[2];
    // Neither happens where outputs are reached once.
    if (before) to[0] += z[first - 1];
    if (after) to[out - 1] += x[last];
    size_t c = first;
    float* p = to + (2 * first + shift - pad);
    auto put = [&](auto sum, float* at) __attribute__((always_inline)) {
      using S = decltype(sum);
      if (once.set) {
        sum = min(max(sum + S::splat(once.bias), S::splat(once.lo)), S::splat(once.hi));
      } else {
        sum = sum + S::load(at);
      }
      sum.store(at);
    };
    for (; c + 4 <= last; c += 4, p += 8) {
      V even = V::load(x + c), odd = V::load(z + c);
      put(low_pairs(even, odd), p);
      put(high_pairs(even, odd), p + 4);
    }
    using S = vec<float, 1>;
    for (; c < last; ++c, p += 2) put(S::load(x + c), p), put(S::load(z + c), p + 1);
  });
}

// Adds one row of the matrix, which holds input rows [line0, line1), to the output plane.
template <class T>
void add_tap(const ConvShape& s, size_t tap, const T* row, size_t line0, size_t line1, T* y) {
  // Input columns whose output column exists.
  size_t shift = tap % s.kernel[2] * s.dilation[2], step = s.stride[2];
  size_t first = shift >= s.pad[2] ? 0 : ceil_div(s.pad[2] - shift, step);
  size_t limit = s.out[2] + s.pad[2];
  size_t last = limit > shift ? std::min(s.in[2], ceil_div(limit - shift, step)) : 0;
  if (first >= last) return;
  for_each_line(s, tap, line0, line1, y, [&](size_t line, T* to) {
    const T* from = row + line * s.in[2];
    to += first * step + shift - s.pad[2];
    if (step == 1) {
      for (size_t i = first; i < last; ++i) to[i - first] += from[i];
    } else {
      for (size_t i = first; i < last; ++i, to += step) *to += from[i];
    }
  });
}

}  // namespace

template <class T>
Result<size_t> conv_transpose_packed_bytes(const ConvShape& s) {
  KL_ASSIGN(Blocks b, blocks_of<T>(s));
  KL_ASSIGN(size_t count, checked_mul(b.packed_elements, s.groups));
  KL_ASSIGN(count, checked_mul(count, b.blocks));
  return checked_mul(count, sizeof(T));
}

template <class T>
void conv_transpose_pack(const ConvShape& s, const T* w, T* packed) {
  Result<Blocks> b = blocks_of<T>(s);
  if (!b.ok()) return;  // conv_transpose_packed_bytes has said so
  size_t row = s.out_channels * s.taps();
  for (size_t g = 0; g < s.groups; ++g)
    for (size_t i = 0; i < b->blocks; ++i, packed += b->packed_elements) {
      size_t first = i * b->rows, rows = std::min(b->rows, row - first);
      matmul_pack_a<T>({w + g * s.in_channels * row + first, 1, row}, rows, s.in_channels, 1, packed);
    }
}

template <class T>
Result<size_t> conv_transpose_scratch_bytes(const ConvShape& s, int threads) {
  KL_ASSIGN(Blocks b, blocks_of<T>(s));
  size_t matrix;
  KL_ASSIGN(size_t slot, slot_bytes<T>(s, b, &matrix));
  return checked_mul(slot, static_cast<size_t>(threads));
}

template <class T>
void conv_transpose(const Conv<T>& call, void* scratch, Parallel& pool) {
  const ConvShape& s = call.shape;
  if (s.empty()) return;
  Result<Blocks> blocks = blocks_of<T>(s);
  if (!blocks.ok()) return;
  const Blocks& b = *blocks;
  size_t matrix_bytes;
  Result<size_t> slot = slot_bytes<T>(s, b, &matrix_bytes);
  if (!slot.ok()) return;
  size_t taps = s.taps(), lines = s.in[0] * s.in[1];
  bool pairs = s.stride[2] == 2 && s.dilation[2] == 1;
  Once once;
  once.set =
      std::is_same_v<T, float> && pairs && is_clamp(call.activation, &once.lo, &once.hi) && s.in_channels > 0;
  for (int i = 0; i < 3; ++i)
    once.set = once.set && s.kernel[i] == s.stride[i] && s.pad[i] == 0 && s.out[i] == s.in[i] * s.stride[i];
  // Where each output is reached once, threads share the lines too.
  size_t pieces = once.set ? std::max<size_t>(ceil_div(lines, b.lines), 1) : 1;
  parallel_slots(pool, s.images * s.groups * b.blocks * pieces, [&](size_t thread, size_t index) {
    size_t item = index / pieces, begin = index % pieces * b.lines;
    size_t stop = once.set ? std::min(lines, begin + b.lines) : lines;
    auto* memory = static_cast<std::byte*>(scratch) + thread * *slot;
    auto* matrix = reinterpret_cast<T*>(memory);
    size_t plane = item / b.blocks, block = item % b.blocks, group = plane % s.groups;
    size_t first = block * b.channels, channels = std::min(b.channels, s.out_channels - first);
    T* y = call.y + (plane * s.out_channels + first) * s.out_size();
    for (size_t o = 0; o < channels; ++o) {
      if (once.set) break;
      T bias = call.bias ? call.bias[group * s.out_channels + first + o] : T{0};
      std::fill_n(y + o * s.out_size(), s.out_size(), bias);
    }
    MatMul<T> m = product_of<T>(s, b);
    m.m = channels * taps;
    m.a.data = call.w + (group * b.blocks + block) * b.packed_elements;
    m.c = matrix;
    Parallel alone;
    alone.cancel = pool.cancel;
    for (size_t line = begin; line < stop && m.k > 0 && s.in[2] > 0 && !cancelled(pool); line += b.lines) {
      size_t end = std::min(lines, line + b.lines);
      m.n = m.c_row = (end - line) * s.in[2];
      m.b.data = call.x + plane * s.in_channels * s.in_size() + line * s.in[2];
      matmul(m, select_matmul(m), memory + matrix_bytes, alone);
      for (size_t r = 0; r < m.m; ++r) {
        size_t tap = r % taps;
        T* plane_y = y + r / taps * s.out_size();
        if constexpr (std::is_same_v<T, float>) {
          if (pairs && tap % s.kernel[2] + 1 < s.kernel[2]) {
            Once here = once;
            if (call.bias) here.bias = call.bias[group * s.out_channels + first + r / taps];
            add_pair(s, tap, matrix + r * m.n, matrix + (r + 1) * m.n, line, end, plane_y, here);
            ++r;
            continue;
          }
        }
        add_tap(s, tap, matrix + r * m.n, line, end, plane_y);
      }
    }
    if constexpr (std::is_same_v<T, float>) {
      if (!once.set) activate(call.activation, y, channels * s.out_size());
    }
  });
}

#define KL_INSTANTIATE(T)                                                         \
  template Result<size_t> conv_transpose_packed_bytes<T>(const ConvShape&);       \
  template void conv_transpose_pack(const ConvShape&, const T*, T*);              \
  template Result<size_t> conv_transpose_scratch_bytes<T>(const ConvShape&, int); \
  template void conv_transpose(const Conv<T>&, void*, Parallel&);
KL_INSTANTIATE(float)
KL_INSTANTIATE(double)
#undef KL_INSTANTIATE

}  // namespace kinglet
