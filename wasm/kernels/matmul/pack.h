#pragma once
#include "kernels/matmul/matmul.h"

namespace kinglet {

// Rows [i0, i0 + rows) and columns [k0, k1) of A as one strip.
template <class T>
void pack_rows(const MatrixView<T>& a, size_t i0, size_t rows, size_t k0, size_t k1, T alpha, T* packed);

// Rows [k0, k1) and columns [n0, n1) of B as panels, each (k1 - k0) rows long.
template <class T>
void pack_panels(const MatrixView<T>& b, size_t k0, size_t k1, size_t n0, size_t n1, T alpha, T* panels);

}  // namespace kinglet
