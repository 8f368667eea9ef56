#pragma once
// C = activation(A B + biases + residual), for batches of matrices.
// Elements: float, double, uint32_t, uint64_t (signed integers are passed as unsigned: products wrap alike).
#include <cstddef>
#include <span>

#include "base/parallel.h"
#include "base/result.h"
#include "kernels/matmul/activation.h"

namespace kinglet {

enum class MatMulKernel : uint8_t {
#define MATMUL(name, element, form, rows) k_##name,
#include "kernels/matmul/matmul.inc"
#undef MATMUL
  kCount
};
const char* matmul_kernel_name(MatMulKernel kernel);

// A matrix in memory: element (i, j) at data[i * row + j * column], or packed.
template <class T>
struct MatrixView {
  const T* data = nullptr;
  size_t row = 0, column = 1;
  bool packed = false;
};

// Writes rows [k0, k1) and columns [n0, n1) of B as panels: panel p starts at panels + p * (k1 - k0) * width
// and holds, for each row, `width` columns from n0 + p * width; columns behind n1 are zero.
// `offset` is the batch item's, in elements.
template <class T>
using PackColumns = void (*)(const void* context, size_t offset, size_t k0, size_t k1, size_t n0, size_t n1,
                             T* panels);

// Where one item of the batch lies, in elements behind the operands' pointers (packed operands too).
struct MatMulItem {
  size_t a = 0, b = 0, c = 0, row_bias = 0;
};

template <class T>
struct MatMul {
  size_t m = 0, n = 0, k = 0;
  MatrixView<T> a{}, b{};
  // Set: B is not read; its panels are written by this function.
  PackColumns<T> pack = nullptr;
  const void* pack_context = nullptr;
  // Row i of C starts at c + i * c_row; c_row >= n.
  T* c = nullptr;
  size_t c_row = 0;
  // Empty: one item without offsets.
  std::span<const MatMulItem> items{};

  // alpha * (A B); packed operands have been packed with it already, and it must be 1 for two of them.
  T alpha = 1;
  // Null or m values, n values, and a matrix added before the activation. `residual` may be C itself, and is
  // laid out as C is.
  const T* row_bias = nullptr;
  const T* column_bias = nullptr;
  const T* residual = nullptr;
  // float only
  Activation activation{};
};

// Whether this kernel can do the call; of the same element type only.
template <class T>
bool matmul_accepts(const MatMul<T>& call, MatMulKernel kernel);
// The kernel for a call, from shapes, views and pack alone (pointers are not looked at).
template <class T>
MatMulKernel select_matmul(const MatMul<T>& call);
// Whether that kernel reads B, which is not packed, where it lies.
template <class T>
bool matmul_reads_in_place(const MatMul<T>& call);

// Packed operands serve every kernel of the element type. Sizes are in bytes; contents depend on shapes only
// through the layout below, so a constant is packed once for all calls with it.
//   A: strips of up to kStripRows rows (tile.h), column by column.  B: panels of 2 vectors of columns, row by
//   row.
template <class T>
Result<size_t> matmul_packed_a_bytes(size_t m, size_t k);
template <class T>
Result<size_t> matmul_packed_b_bytes(size_t k, size_t n);
template <class T>
void matmul_pack_a(const MatrixView<T>& a, size_t m, size_t k, T alpha, T* packed);
template <class T>
void matmul_pack_b(const MatrixView<T>& b, size_t k, size_t n, T alpha, T* packed);

// Bytes of scratch that `matmul` needs for this call with so many threads.
template <class T>
Result<size_t> matmul_scratch_bytes(const MatMul<T>& call, MatMulKernel kernel, int threads);
// Leaves C unfinished when `pool` is cancelled. A is not C, B is not C.
template <class T>
void matmul(const MatMul<T>& call, MatMulKernel kernel, void* scratch, Parallel& pool);

// The judge: the definition, in order of k, one rounding per operation.
template <class T>
void matmul_reference(const MatMul<T>& call);

}  // namespace kinglet
