// Few rows times packed weights of 4 or 8 bits, in integers. Weights of 8 bits are met as two of 4.
#include <algorithm>
#include <bit>

#include "base/checked.h"
#include "kernels/quant/nbits.h"
#include "simd/bytes.h"

namespace kinglet {

namespace {

constexpr size_t kStep = 32;  // values of a row that share a scale; fewer where blocks are smaller

size_t step_of(const NBits& w) { return std::min(w.block, kStep); }
size_t values_of(const NBits& w) { return w.blocks() * w.block; }

// A row as integers of up to 23 bits. Sums of kStep products with weights then have 31.
struct Row {
  uint8_t* digits;  // of 8 values after the other, those of each plane
  float* scales;    // of each step
  float* less;      // of each step: what zero points of 8 take from its sum
  float* sums;      // of each block
};
constexpr size_t kPartBytes = 4;  // of digits that meet one part of eight weights
constexpr float kWhole = 4194000, kRough = 127;

size_t row_floats(const NBits& w) { return w.blocks() + 2 * (values_of(w) / step_of(w)) + values_of(w); }

Row row_at(const NBits& w, float* scratch) {
  size_t steps = values_of(w) / step_of(w);
  float* digits = scratch + w.blocks() + 2 * steps;
  return {reinterpret_cast<uint8_t*>(digits), scratch, scratch + steps, scratch + 2 * steps};
}

#if defined(__wasm_simd128__) && !defined(__wasm_relaxed_simd__)
// Products of words: x = 128 high + low.
constexpr int kPlanes = 2, kParts = 4;
using Part = Words8;
using Sum = Int4;
inline void load_parts(const uint8_t* q, Part (&v)[kParts]) { load_nibble_words(q, v); }
inline Sum times(const uint8_t* digits, Part part) {
  return dot_pairs(part, splat_pair(reinterpret_cast<const int16_t*>(digits)));
}
template <int Planes>
inline Int4 whole(const Sum (&sum)[Planes]) {
  if constexpr (Planes == 1)
    return sum[0];
  else
    return (sum[0] << 7) + sum[1];
}
template <int Planes>
inline void put_digits(Int4 low, Int4 high, uint8_t* to) {
  int32_t values[8];
  low.store(values);
  high.store(values + 4);
  auto* words = reinterpret_cast<int16_t*>(to);
  for (size_t i = 0; i < 8; ++i) {
    int16_t* word = words + (i % 2 * 2 + i / 4) * 2 + i % 4 / 2;
    int32_t first = Planes == 1 ? values[i] : (values[i] + 64) >> 7;
    word[0] = static_cast<int16_t>(first);
    if (Planes > 1) word[8] = static_cast<int16_t>(values[i] - first * 128);
  }
}
#else
// Products of bytes: x = 65536 high + 256 middle + low. Sums of 16 products fit 16 bits.
constexpr int kPlanes = 3, kParts = 2;
using Part = Bytes16;
using Sum = Words8;
inline void load_parts(const uint8_t* q, Part (&v)[kParts]) { load_nibble_bytes(q, v); }
inline Sum times(const uint8_t* digits, Part part) { return dot_bytes(splat_four(digits), part); }
template <int Planes>
inline Int4 whole(const Sum (&sum)[Planes]) {
  const Words8 one = splat_word(1);
  Int4 last = dot_pairs(sum[Planes - 1], one);
  if constexpr (Planes > 1)
    last = ((dot_pairs(sum[0], splat_word(256)) + dot_pairs(sum[1], one)) << 8) + last;
  return last;
}
template <int Planes>
inline void put_digits(Int4 low, Int4 high, uint8_t* to) {
  const Int4 byte = Int4::splat(255), half = Int4::splat(128);
  if constexpr (Planes > 1) {
    store_low_bytes(low & byte, high & byte, to + 16);
    low = (low + half) >> 8, high = (high + half) >> 8;
    store_low_bytes(low, high, to + 8);
    low = (low + half) >> 8, high = (high + half) >> 8;
  }
  store_low_bytes(low, high, to);
}
#endif

// Bytes of the digits of eight values.
size_t of_eight(const NBits& w) { return (w.rough ? 1 : kPlanes) * kParts * kPartBytes; }

// False where x has an infinity or a NaN.
bool split_row(const NBits& w, const float* x, const Row& out) {
  float range = w.rough ? kRough : kWhole;
  size_t step = step_of(w), steps = values_of(w) / step, of_block = w.block / step;
  bool centred = w.zeros == nullptr && w.packed_zeros == nullptr;
  uint8_t* digits = out.digits;
  Float4 finite = Float4::splat(0);
  std::fill_n(out.sums, w.blocks(), 0.0f);
  for (size_t s = 0; s < steps; ++s) {
    float values[kStep] = {}, lanes[4];
    size_t first = std::min(s * step, w.k);
    std::copy_n(x + first, std::min(step, w.k - first), values);
    Float4 most = Float4::splat(0);
    for (size_t i = 0; i < kStep; i += 4) {
      Float4 v = Float4::load(values + i);
      most = max(most, abs(v));
      finite = madd(v, Float4::splat(0), finite);
    }
    most.store(lanes);
    float largest = std::max(std::max(lanes[0], lanes[1]), std::max(lanes[2], lanes[3]));
    float scale = largest / range;
    const Float4 inverse = Float4::splat(largest > 1e-30f ? range / largest : 0.0f);
    Int4 total = Int4::splat(0);
    for (size_t i = 0; i < step; i += 8, digits += of_eight(w)) {
      Int4 low = to_nearest_int(Float4::load(values + i) * inverse),
           high = to_nearest_int(Float4::load(values + i + 4) * inverse);
      total = total + low + high;
      w.rough ? put_digits<1>(low, high, digits) : put_digits<kPlanes>(low, high, digits);
    }
    float of_step = scale * static_cast<float>(sum(total));
    out.scales[s] = scale;
    out.less[s] = centred ? -8 * of_step : 0.0f;
    out.sums[s / of_block] += of_step;
  }
  return sum(finite) == 0;
}

// What zero points that are given take from column j's product.
__attribute__((noinline)) float zeros_of(const NBits& w, size_t j, const float* sums) {
  size_t b = 0;
  const float* scales = w.scales + j * w.blocks();
  Float4 part = Float4::splat(0);
  if (w.packed_zeros != nullptr && w.bits == 4) {
    for (; b + 16 <= w.blocks(); b += 16) {
      Int4 zeros[4];  // of even blocks, then of odd ones
      load_nibbles(w.packed_zeros + j * ((w.blocks() + 1) / 2) + b / 2, zeros);
      for (size_t i = 0; i < 2; ++i) {
        const float *s = scales + b + 8 * i, *x = sums + b + 8 * i;
        Float4 s0 = Float4::load(s), s1 = Float4::load(s + 4), x0 = Float4::load(x), x1 = Float4::load(x + 4);
        part = madd(to_float(zeros[i]), even(s0, s1) * even(x0, x1), part);
        part = madd(to_float(zeros[2 + i]), odd(s0, s1) * odd(x0, x1), part);
      }
    }
  }
  float total = sum(part);
  for (; b < w.blocks(); ++b) total += scales[b] * w.zero(j, b) * sums[b];
  return total;
}

// The columns of a panel, `scales` being those of its columns from block 0 on; without `centred` zero points
// are left out.
template <int Planes>
__attribute__((noinline)) void panel_times_row(const NBits& w, const uint8_t* q,
                                               const float* const (&scales)[kNBitsColumns], const Row& x,
                                               bool centred, float* out) {
  constexpr size_t kGroups = kNBitsColumns / 4;
  size_t step = step_of(w), steps = values_of(w) / step;
  int of_block = std::countr_zero(w.block / step);
  const uint8_t* digits = x.digits;
  const size_t stride = nbits_unit(w);
  static constexpr float kNothing = 0;
  const float* of_zeros = centred ? x.less : &kNothing;
  Float4 total[kGroups] = {Float4::splat(0), Float4::splat(0)};
#pragma nounroll
  for (size_t s = 0; s < steps; ++s) {
    Sum sum[kGroups][Planes] = {};
#pragma nounroll
    for (size_t i = 0; i < step; i += 8, q += stride, digits += Planes * kParts * kPartBytes) {
#pragma unroll
      for (size_t g = 0; g < kGroups; ++g) {
        Part part[kParts];
        load_parts(q + 16 * g, part);
#pragma unroll
        for (int p = 0; p < Planes; ++p) {
          const uint8_t* d = digits + static_cast<size_t>(p) * kParts * kPartBytes;
#pragma unroll
          for (int v = 0; v < kParts; v += 2)
            sum[g][p] = sum[g][p] +
                        (times(d + kPartBytes * v, part[v]) + times(d + kPartBytes * (v + 1), part[v + 1]));
        }
      }
    }
    const Float4 scale = Float4::load_splat(x.scales + s), less = Float4::load_splat(of_zeros);
    if (centred) ++of_zeros;
    size_t b = s >> of_block;
#pragma unroll
    for (size_t g = 0; g < kGroups; ++g) {
      const float of_columns[] = {scales[4 * g][b], scales[4 * g + 1][b], scales[4 * g + 2][b],
                                  scales[4 * g + 3][b]};
      total[g] = madd(madd(to_float(whole<Planes>(sum[g])), scale, less), Float4::load(of_columns), total[g]);
    }
  }
  for (size_t g = 0; g < kGroups; ++g) total[g].store(out + 4 * g);
}

// Where a value is no number or none that integers can hold.
__attribute__((noinline)) float dot_in_floats(const NBits& w, size_t j, const float* x) {
  constexpr size_t kPart = 128;
  float part[kPart], total = 0;
  for (size_t p = 0; p < w.k; p += kPart) {
    size_t count = std::min(kPart, w.k - p);
    nbits_column(w, j, p, p + count, part);
#pragma clang loop vectorize(disable)
    for (size_t i = 0; i < count; ++i) total += x[p + i] * part[i];
  }
  return total;
}

}  // namespace

Result<size_t> nbits_rows_scratch(const NBits& w, size_t m) { return checked_mul(row_floats(w), m); }

void nbits_rows(const NBits& w, const float* a, size_t m, const float* bias, float* c, float* scratch,
                Parallel& pool) {
  size_t floats = row_floats(w);
  bool finite = true;
  for (size_t i = 0; i < m; ++i)
    finite = split_row(w, a + i * w.k, row_at(w, scratch + i * floats)) && finite;
  bool zeros = w.zeros != nullptr || w.packed_zeros != nullptr;
  size_t panel = kNBitsColumns * w.row_bytes();
  size_t grain = std::max<size_t>(1, 16384 / std::max<size_t>(panel, 1));
  parallel_for(pool, ceil_div(w.n, kNBitsColumns), grain, [&](size_t begin, size_t end) {
    for (size_t at = begin; at < end; ++at) {
      size_t j = at * kNBitsColumns, columns = std::min(w.n - j, kNBitsColumns);
      const float* scales[kNBitsColumns];
      for (size_t q = 0; q < kNBitsColumns; ++q)
        scales[q] = w.scales + (j + std::min(q, columns - 1)) * w.blocks();
      for (size_t i = 0; i < m; ++i) {
        Row row = row_at(w, scratch + i * floats);
        float sums[kNBitsColumns];
        auto times = w.rough ? panel_times_row<1> : panel_times_row<kPlanes>;
        times(w, w.q + at * panel, scales, row, w.bits == 4, sums);
        if (w.bits == 8) {
          // The zero point is 128, 8 of the high halves.
          float high[kNBitsColumns];
          times(w, w.q + at * panel + 4 * kNBitsColumns, scales, row, true, high);
          for (size_t q = 0; q < kNBitsColumns; ++q) sums[q] += 16 * high[q];
        }
#pragma nounroll
        for (size_t q = 0; q < columns; ++q) {
          float y = sums[q];
          if (!finite)
            y = dot_in_floats(w, j + q, a + i * w.k);
          else if (zeros)
            y -= zeros_of(w, j + q, row.sums);
          c[i * w.n + j + q] = bias ? y + bias[j + q] : y;
        }
      }
    }
  });
}

}  // namespace kinglet
