#pragma once
// Matrix products for operators: C = activation(alpha A B + beta D) over batches, in every type that ONNX
// multiplies.
#include "kernels/matmul/matmul.h"
#include "ops/context.h"

namespace kinglet {

// One operand as a stack of matrices: batch extents with their strides, then rows and columns. All in
// elements.
struct MatrixStack {
  Shape batch, batch_strides;
  int64_t rows = 0, columns = 0;
  int64_t row_stride = 0, column_stride = 1;
};

// The last two dimensions of `shape` are the matrix; a missing one is 1 (`vector_is_row`: whether one
// dimension is a row).
MatrixStack matrix_stack(const Shape& shape, bool vector_is_row);
// ONNX Runtime's transBatchA/B: the first dimension takes the place of the rows, the rest before the last is
// the batch.
Result<MatrixStack> batch_transposed(const Shape& shape);
MatrixStack transposed(MatrixStack m);

// What is added to the product: nothing, a value per column, a value per row, one value, or a full matrix.
enum class Addend : uint8_t { kNone, kColumns, kRows, kScalar, kFull };

struct ProductSpec {
  MatrixStack a, b;
  float alpha = 1, beta = 1;
  // Input 2, which is [.., columns], [rows, 1] and so on; only without batches.
  Addend addend = Addend::kNone;
  // An input of the result's shape that is added too, or -1. The result may take its place.
  int residual = -1;
  // An input with a value for each row that is added too, or -1; not besides Addend::kRows.
  int of_rows = -1;
  Activation activation{};
};

// Whether a shape is that of matrices of `whole` but with one column.
bool is_column_of(const Shape& shape, Shape whole);
// Batch extents of the result; fails when columns of A and rows of B differ or the batches do not broadcast.
Result<Shape> product_batch(const MatrixStack& a, const MatrixStack& b);
// Attributes activation, activation_alpha, activation_beta; not for float64 and integers.
Status read_activation(const OpContext& c, Activation* activation);
// The step of a product of inputs 0 and 1. Constant operands are packed when planning.
Status lower_product(LowerContext& c, const ProductSpec& spec);

}  // namespace kinglet
