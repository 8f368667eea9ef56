#pragma once
// What the quantised operators share.
#include "kernels/quant/product.h"
#include "ops/context.h"

namespace kinglet {

// The first `n` elements of a tensor of any numeric type.
void read_ints(const Tensor& tensor, int32_t* out, size_t n);
void read_floats(const Tensor& tensor, float* out, size_t n);
// Whether a list of zero points counts as one: mostly it is a list of zeros.
bool all_equal(const int32_t* values, size_t n);
// Of an input of one element; absent inputs give 0, and 1.
int32_t zero_point(const Run& run, int input);
float scale_of(const Run& run, int input);

// Fails unless the input is absent or has one element.
Status require_single(const OpContext& c, int input, std::string_view name);

// kInt8 and kUInt8 for these dtypes, kFloat32 for float32, kInt32 for int32.
QuantResult quant_result(DType dtype);

}  // namespace kinglet
