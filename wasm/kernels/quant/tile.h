#pragma once
// The inner loops of quant_matmul: up to four rows against one panel of eight columns, over the whole depth.
// sums[i * 8 + j] gets the product of row i and column j.
#include "simd/bytes.h"

namespace kinglet::quant_internal {

inline constexpr size_t kRows = 4;

// Both operands as pairs of int16: A is kept so while its strip is in use, B where several strips read it;
// otherwise it is widened as it is read.
//   A [group][rows][2] int16, B [group][8][2] int8 or int16
struct PairForm {
  using Strip = int16_t;
  static constexpr size_t kGroup = 2;
  static constexpr bool kUnsignedB = false;
  static Words8 load(const uint8_t* b) { return load_widened(b); }
  static Words8 load(const int16_t* b) { return load_words(b); }
  template <size_t R, class B>
  static void multiply(const int16_t* a, const B* b, size_t groups, int32_t* sums) {
    Int4 sum[R][2];
#pragma unroll
    for (size_t i = 0; i < R; ++i) sum[i][0] = sum[i][1] = Int4::splat(0);
    // Not unrolled: see kernels/matmul/tile.h.
#pragma nounroll
    for (size_t g = 0; g < groups; ++g, a += 2 * R, b += 16) {
      Words8 x0 = load(b), x1 = load(b + 8);
#pragma unroll
      for (size_t i = 0; i < R; ++i) {
        Words8 y = splat_pair(a + 2 * i);
        sum[i][0] = sum[i][0] + dot_pairs(y, x0);
        sum[i][1] = sum[i][1] + dot_pairs(y, x1);
      }
    }
#pragma unroll
    for (size_t i = 0; i < R; ++i) {
      sum[i][0].store(sums + 8 * i);
      sum[i][1].store(sums + 8 * i + 4);
    }
  }
};

#if defined(__wasm_relaxed_simd__) || !defined(__wasm_simd128__)
//   A [group][rows][4] int8, B [group][8][4] bytes, unsigned where the machine takes them so
template <bool unsigned_b>
struct DotForm {
  using Strip = uint8_t;
  static constexpr size_t kGroup = 4;
  static constexpr bool kUnsignedB = unsigned_b;
  template <size_t R>
  static void multiply(const uint8_t* a, const uint8_t* b, size_t groups, int32_t* sums) {
    Int4 sum[R][2];
#pragma unroll
    for (size_t i = 0; i < R; ++i) sum[i][0] = sum[i][1] = Int4::splat(0);
#pragma nounroll
    for (size_t g = 0; g < groups; ++g, a += 4 * R, b += 32) {
      Bytes16 x0 = load_bytes(b), x1 = load_bytes(b + 16);
#pragma unroll
      for (size_t i = 0; i < R; ++i) {
        Bytes16 y = splat_four(a + 4 * i);
        sum[i][0] = dot_four<unsigned_b>(y, x0, sum[i][0]);
        sum[i][1] = dot_four<unsigned_b>(y, x1, sum[i][1]);
      }
    }
#pragma unroll
    for (size_t i = 0; i < R; ++i) {
      sum[i][0].store(sums + 8 * i);
      sum[i][1].store(sums + 8 * i + 4);
    }
  }
};
#endif

}  // namespace kinglet::quant_internal
