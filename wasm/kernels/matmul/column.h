#pragma once
#include "kernels/matmul/matmul.h"

namespace kinglet::matmul_internal {

// C has one column and rows of A are contiguous, or C has one row and columns of B are contiguous.
void run_dot(const MatMul<float>& call, void* scratch, Parallel& pool);
// C has one column and A is packed.
void run_column(const MatMul<float>& call, void* scratch, Parallel& pool);

}  // namespace kinglet::matmul_internal
