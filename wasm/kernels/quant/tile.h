#pragma once
// The inner loops of quant_matmul: R rows against one panel of eight columns, over `groups` groups of the
// depth. sums[i * 8 + j] gets start[i] and the product of row i and column j.
#include "simd/bytes.h"

namespace kinglet::quant_internal {

// Rows of a strip; a matrix of one row has a strip of one.
inline constexpr size_t kRows = 4;

template <size_t R>
inline void begin_sums(const int32_t* start, Int4 (&sum)[R][2]) {
#pragma unroll
  for (size_t i = 0; i < R; ++i) sum[i][0] = sum[i][1] = Int4::load_splat(start + i);
}
template <size_t R>
inline void store_sums(const Int4 (&sum)[R][2], int32_t* sums) {
#pragma unroll
  for (size_t i = 0; i < R; ++i) {
    sum[i][0].store(sums + 8 * i);
    sum[i][1].store(sums + 8 * i + 4);
  }
}

inline Words8 load_pairs(const uint8_t* b) { return load_widened(b); }
inline Words8 load_pairs(const int16_t* b) { return load_words(b); }

//   A [group][rows][2] int16, B [group][8][2] int16, or bytes that are widened as they are read
// Loops are not unrolled, engines do that and then keep all sums in registers.
template <size_t R, class B>
[[gnu::noinline]] void multiply_pairs(const int16_t* a, const B* b, size_t groups, const int32_t* start,
                                      int32_t* sums) {
  Int4 sum[R][2];
  begin_sums<R>(start, sum);
#pragma nounroll
  for (size_t g = 0; g < groups; ++g, a += 2 * R, b += 16) {
    Words8 x0 = load_pairs(b), x1 = load_pairs(b + 8);
#pragma unroll
    for (size_t i = 0; i < R; ++i) {
      Words8 y = splat_pair(a + 2 * i);
      sum[i][0] = sum[i][0] + dot_pairs(y, x0);
      sum[i][1] = sum[i][1] + dot_pairs(y, x1);
    }
  }
  store_sums<R>(sum, sums);
}

// What becomes of the sums of a strip whose results are bytes: saturate(round(float(sum) * scale) + zero),
// the product below 2^22 in magnitude. `zero` counts from the lowest byte, `flip` is 0x80 for signed bytes.
struct ByteTerms {
  const int32_t* start;
  const float* scale;
  int32_t zero;
  uint8_t flip;
};

// The same for `panels` panels of B, one behind the other, finished: eight bytes of each row to c, c_row
// apart.
[[gnu::noinline]] inline void multiply_pairs_to_bytes(const int16_t* a, const int16_t* b, size_t groups,
                                                      size_t panels, const ByteTerms& terms, uint8_t* c,
                                                      size_t c_row) {
  constexpr float kShift = 12582912.0f;  // to whole numbers
  const Bytes16 flip = splat_byte(terms.flip);
  const Int4 zero = Int4::splat(terms.zero - 0x4b400000);
  const Float4 shift = Float4::splat(kShift);
#pragma nounroll
  for (; panels > 0; --panels, c += 8) {
    Int4 sum[kRows][2];
    begin_sums<kRows>(terms.start, sum);
    const int16_t* x = a;
#pragma nounroll
    for (size_t g = 0; g < groups; ++g, x += 2 * kRows, b += 16) {
      Words8 x0 = load_words(b), x1 = load_words(b + 8);
#pragma unroll
      for (size_t i = 0; i < kRows; ++i) {
        Words8 y = splat_pair(x + 2 * i);
        sum[i][0] = sum[i][0] + dot_pairs(y, x0);
        sum[i][1] = sum[i][1] + dot_pairs(y, x1);
      }
    }
    uint8_t* to = c;
#pragma unroll
    for (size_t i = 0; i < kRows; i += 2, to += 2 * c_row) {
      auto whole = [&](size_t r, size_t half) {
        return bit_cast<int32_t>(to_float(sum[r][half]) * Float4::load_splat(terms.scale + r) + shift) + zero;
      };
      store_halves(saturate(whole(i, 0), whole(i, 1), whole(i + 1, 0), whole(i + 1, 1)) ^ flip, to,
                   to + c_row);
    }
  }
}

#if defined(__wasm_relaxed_simd__) || !defined(__wasm_simd128__)
//   A [group][rows][4] int8, B [group][8][4] bytes, unsigned where the machine takes them so
template <size_t R>
[[gnu::noinline]] void multiply_fours(const uint8_t* a, const uint8_t* b, size_t groups, bool unsigned_b,
                                      const int32_t* start, int32_t* sums) {
  Int4 sum[R][2];
  begin_sums<R>(start, sum);
#pragma nounroll
  for (size_t g = 0; g < groups; ++g, a += 4 * R, b += 32) {
    Bytes16 x0 = load_bytes(b), x1 = load_bytes(b + 16);
#pragma unroll
    for (size_t i = 0; i < R; ++i) {
      Bytes16 y = splat_four(a + 4 * i);
      sum[i][0] = dot_four(y, x0, sum[i][0], unsigned_b);
      sum[i][1] = dot_four(y, x1, sum[i][1], unsigned_b);
    }
  }
  store_sums<R>(sum, sums);
}
#endif

}  // namespace kinglet::quant_internal
