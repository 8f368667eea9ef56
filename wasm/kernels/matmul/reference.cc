#include "kernels/matmul/matmul.h"

namespace kinglet {

template <class T>
void matmul_reference(const MatMul<T>& call) {
  static const MatMulItem single{};
  std::span<const MatMulItem> items = call.items.empty() ? std::span(&single, 1) : call.items;
  for (const MatMulItem& item : items) {
    for (size_t i = 0; i < call.m; ++i) {
      T* c = call.c + item.c + i * call.c_row;
      for (size_t j = 0; j < call.n; ++j) {
        T sum = 0;
        for (size_t p = 0; p < call.k; ++p) {
          T a = call.a.data[item.a + i * call.a.row + p * call.a.column];
          T b = call.b.data[item.b + p * call.b.row + j * call.b.column];
          sum += a * b;
        }
        sum *= call.alpha;
        if (call.row_bias) sum += call.row_bias[item.row_bias + i];
        if (call.column_bias) sum += call.column_bias[j];
        if (call.residual) sum += call.residual[item.c + i * call.c_row + j];
        c[j] = sum;
      }
      if constexpr (std::is_same_v<T, float>) activate(call.activation, c, call.n);
    }
  }
}

template void matmul_reference(const MatMul<float>&);
template void matmul_reference(const MatMul<double>&);
template void matmul_reference(const MatMul<uint32_t>&);
template void matmul_reference(const MatMul<uint64_t>&);

}  // namespace kinglet
