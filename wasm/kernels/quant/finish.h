#pragma once
#include "kernels/quant/product.h"
#include "kernels/quant/tile.h"

namespace kinglet::quant_internal {

// Rounds to 8 bits: saturate(round(x) + zero), ties to even, as int32. NaN becomes the lowest value.
struct Rounding {
  static constexpr float kShift = 12582912.0f;  // to whole numbers, below 2^22 in magnitude
  Float4 lo, hi, shift;
  Int4 zero;
  Rounding(QuantResult result, int32_t zero_point)
      : lo(Float4::splat((result == QuantResult::kInt8 ? -128.0f : 0.0f) - static_cast<float>(zero_point))),
        hi(lo + Float4::splat(255)),
        shift(Float4::splat(kShift)),
        zero(Int4::splat(zero_point - 0x4b400000)) {}
  Int4 operator()(Float4 x) const { return bit_cast<int32_t>(min(max(lo, x), hi) + shift) + zero; }
};

// What zero points add to the product of the stored bytes: both operands are kept as signed bytes, or B as
// unsigned ones.
struct Terms {
  Terms(const QuantMatMul& call, bool unsigned_b);
  // What is added to the given zero points.
  int32_t a_shift, b_shift;
  // Whether any zero point is left: then the sums of the columns of B (of the rows of A) count.
  bool a, b;
  // The usual case: bytes, nothing that belongs to columns.
  bool rows_only;
  Rounding round;
};

// What belongs to rows [row, row + rows) of C; `sums` are those of the rows of A, as signed bytes.
struct StripTerms {
  StripTerms(const QuantMatMul& call, const Terms& terms, size_t row, size_t rows, const int32_t* sums);
  size_t row, rows;
  const int32_t* sums;
  int32_t start[kRows] = {};  // what sums begin with
  float scale[kRows] = {};
  // Whether results are bytes that follow from start and scale alone, with sums as multiply_pairs_to_bytes
  // needs them.
  bool short_way = false;
};

// What belongs to columns, one value for each of whole panels in each list.
struct ColumnTerms {
  static constexpr size_t kLists = 5;
  ColumnTerms(int32_t* lists, size_t columns)
      : start(lists),
        zero(lists + columns),
        factor(zero + columns),
        scale(reinterpret_cast<float*>(factor + columns)),
        addend(scale + columns) {}
  // Of columns [n, n + count); `sums` are those of the columns of B, as signed bytes, and may be `start`.
  void set(const QuantMatMul& call, const Terms& terms, const int32_t* sums, size_t n, size_t count) const;
  int32_t *start, *zero, *factor;
  float *scale, *addend;
};

// Finishes columns [j, j + count) of these rows of C, count <= 8: `sums` are the products of stored bytes and
// what they began with, 8 for each row; the columns' terms begin at `at`.
void finish(const QuantMatMul& call, const Terms& terms, const StripTerms& strip, const ColumnTerms& columns,
            size_t at, const int32_t* sums, size_t j, size_t count, size_t c_offset);

}  // namespace kinglet::quant_internal
