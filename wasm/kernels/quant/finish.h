#pragma once
#include "kernels/quant/product.h"

namespace kinglet::quant_internal {

// What zero points add to the product of the stored bytes: both operands are kept as signed bytes, or B as
// unsigned ones.
struct Terms {
  Terms(const QuantMatMul& call, bool unsigned_b);
  // What is added to the given zero points.
  int32_t a_shift, b_shift;
  // Whether any zero point is left: then the sums of the columns of B (of the rows of A) count.
  bool a, b;
};

// Finishes rows [row, row + rows) and columns [j, j + columns) of C, columns <= 8: `sums` are the products of
// stored bytes, 8 for each row; the sums of the rows of A and columns of B are of signed bytes.
void finish(const QuantMatMul& call, const Terms& terms, const int32_t* sums, size_t row, size_t rows,
            size_t j, size_t columns, const int32_t* row_sums, const int32_t* column_sums, size_t c_offset);

}  // namespace kinglet::quant_internal
