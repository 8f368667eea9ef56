#pragma once
// 8-bit tensors element by element.
#include "kernels/elementwise/elementwise.h"

namespace kinglet {

struct QuantBinary {
  float a_scale, b_scale, c_scale;
  int32_t a_zero, b_zero, c_zero;
  bool is_signed;
};
// Kernels for run_elementwise over stored bytes; `params` is a QuantBinary.
//   c = saturate(round((a_scale (a - a_zero) + b_scale (b - b_zero)) / c_scale) + c_zero), ties to even
RowFn quant_add();
//   c = saturate(round((a - a_zero)(b - b_zero) * (a_scale b_scale / c_scale)) + c_zero)
RowFn quant_mul();

// y[i] = table[x[i]]
void look_up(const uint8_t* x, size_t n, const uint8_t (&table)[256], uint8_t* y, Parallel& pool);

}  // namespace kinglet
