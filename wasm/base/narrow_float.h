#pragma once
// Conversions between float32 and the narrow float formats (IEEE half, bfloat16, OCP float8 and float4, FNUZ
// float8).
#include <cstdint>

#include "base/dtype.h"

namespace kinglet {

float half_to_float(uint16_t bits);
// Round to nearest, ties to even.
uint16_t float_to_half(float value);
float bfloat16_to_float(uint16_t bits);
uint16_t float_to_bfloat16(float value);
// For the float8 types and float4e2m1 (in the low bits of `bits`).
float small_float_to_float(DType dtype, uint8_t bits);
// `saturate`: out-of-range values become the largest finite one, as Cast's attribute says; otherwise NaN or
// infinity.
uint8_t float_to_small_float(DType dtype, float value, bool saturate);

}  // namespace kinglet
