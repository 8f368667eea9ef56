#pragma once
// Products of 8-bit matrices with exact 32-bit sums (which wrap), zero points, and what follows them: int32,
// float32 or 8-bit results.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/parallel.h"
#include "base/result.h"
#include "kernels/matmul/matmul.h"

namespace kinglet {

enum class QuantKernel : uint8_t {
#define QUANT_PRODUCT(name, group, unsigned_b) k_##name,
#include "kernels/quant/product.inc"
#undef QUANT_PRODUCT
  kCount
};
const char* quant_kernel_name(QuantKernel kernel);
// Whether this machine computes exactly what the kernel relies on.
bool quant_accepts(QuantKernel kernel);
// The preferred one; the same in the whole process, so that packed forms can be kept.
QuantKernel select_quant();

// Columns of a panel of B.
inline constexpr size_t kQuantPanel = 8;

// A matrix of int8 or uint8: element (i, j) at data[i * row + j * column], or packed for one kernel.
struct ByteMatrix {
  const uint8_t* data = nullptr;
  size_t row = 0, column = 1;
  bool is_signed = false, packed = false;
};

// Writes columns [n, n + 8) of B (as many as there are) row by row: row p at panel + 8 * p.
using PackBytes = void (*)(const void* context, size_t offset, size_t n, uint8_t* panel);

enum class QuantResult : uint8_t { kInt32, kFloat32, kInt8, kUInt8 };

// s = (A - a_zero)(B - b_zero) + row_bias + column_bias, then
//   kInt32    C = s
//   kFloat32  C = float(s) * scale + addend
//   8 bits    C = saturate(round(float(s) * scale) + c_zero), ties to even
struct QuantMatMul {
  size_t m = 0, n = 0, k = 0;
  ByteMatrix a{}, b{};
  // Set: b.data is not read, its columns are written by this function. b.is_signed counts.
  PackBytes pack = nullptr;
  const void* pack_context = nullptr;
  // One value, or one for each row of A (column of B). Null: 0.
  const int32_t* a_zero = nullptr;
  const int32_t* b_zero = nullptr;
  bool a_zero_rows = false, b_zero_columns = false;
  // m and n values, or null.
  const int32_t* row_bias = nullptr;
  const int32_t* column_bias = nullptr;
  // The scale: `scale`, or what the lists have for the row and the column, multiplied where there are both.
  float scale = 1;
  const float* row_scale = nullptr;
  const float* column_scale = nullptr;
  const float* addend = nullptr;  // n values, or null
  int32_t c_zero = 0;
  QuantResult result = QuantResult::kInt32;
  void* c = nullptr;
  size_t c_row = 0;  // elements
  // Empty: one item without offsets. Packed operands and zero points are the same for all.
  std::span<const MatMulItem> items{};
};

// Packed operands belong to a kernel. Sizes are in bytes.
//   A: strips of 4 rows (the only row of a matrix: of 1), in groups of columns, then the sums of the rows
//   (int32).
//   B: panels of 8 columns, in groups of rows, then the sums of the columns.
Result<size_t> quant_packed_a_bytes(size_t m, size_t k, QuantKernel kernel);
Result<size_t> quant_packed_b_bytes(size_t k, size_t n, QuantKernel kernel);
void quant_pack_a(const ByteMatrix& a, size_t m, size_t k, QuantKernel kernel, uint8_t* packed);
void quant_pack_b(const ByteMatrix& b, size_t k, size_t n, QuantKernel kernel, uint8_t* packed);

Result<size_t> quant_scratch_bytes(const QuantMatMul& call, QuantKernel kernel, int threads);
// Leaves C unfinished when `pool` is cancelled.
void quant_matmul(const QuantMatMul& call, QuantKernel kernel, void* scratch, Parallel& pool);

// The judge: the definition.
void quant_matmul_reference(const QuantMatMul& call);

}  // namespace kinglet
