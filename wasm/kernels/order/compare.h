#pragma once
#include "base/dtype.h"

namespace kinglet::kernels {

// Negative, zero or positive as *a is before, equal to or behind *b. NaNs are equal to each other and behind
// all numbers; complex numbers go by real part, then imaginary part; strings by bytes. Elements
// below a byte are unpacked to one byte each first.
using Compare = int (*)(const void* a, const void* b);
Compare compare_of(DType dtype);

}  // namespace kinglet::kernels
