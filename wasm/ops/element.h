#pragma once
#include "base/dtype.h"
#include "kernels/copy/copy.h"

namespace kinglet {

// The element size for kernels that move elements. Sub-byte types are unpacked before (ops/converted.h).
inline int element_bytes(DType dtype) {
  return dtype == DType::kString ? kernels::kStringBytes : dtype_bits(dtype) / 8;
}

}  // namespace kinglet
