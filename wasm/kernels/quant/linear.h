#pragma once
// ONNX's linear quantisation between floats and narrow types.
#include <cstddef>
#include <cstdint>

#include "base/dtype.h"
#include "base/parallel.h"

namespace kinglet {

// x as [outer, extent, inner]. Scales and zero points: one for all (block = 0), one for each index of
// `extent` (block = 1, inner and outer not counted), or one for each `block` indices and each outer and inner
// one.
struct QuantLayout {
  enum Kind : uint8_t { kTensor, kAxis, kBlocks };
  Kind kind = kTensor;
  int64_t outer = 1, extent = 1, inner = 1, block = 1;
};

struct QuantTensor {
  DType dtype = DType::kNone;
  std::byte* data = nullptr;  // null: an absent zero point
};

// y = saturate(round(x / scale) + zero), ties to even, NaN to the lowest value; for narrow floats
// y = (x / scale) + zero, converted as Cast does with `saturate`.
//   x: float32, float16, bfloat16, int32   y: integers of 2 to 16 bits, float8, float4e2m1
// `precision` float16 or bfloat16: the quotient is rounded to that type first.
void quantize(const QuantLayout& layout, QuantTensor x, QuantTensor scale, QuantTensor zero, QuantTensor y,
              bool saturate, DType precision, Parallel& pool);
// y = (x - zero) * scale in float32; x: what `quantize` gives, and int32; y: any float.
void dequantize(const QuantLayout& layout, QuantTensor x, QuantTensor scale, QuantTensor zero, QuantTensor y,
                Parallel& pool);

// n elements with one scale, the loops of both for 8-bit integers and float32. |zero| < 2^21.
void quantize_bytes(const float* x, size_t n, float scale, int32_t zero, bool is_signed, uint8_t* y);
void dequantize_bytes(const uint8_t* x, size_t n, float scale, int32_t zero, bool is_signed, float* y);

// DynamicQuantizeLinear's scale and zero point for uint8, from the range of x and zero.
void dynamic_range(const float* x, size_t n, float* scale, uint8_t* zero, Parallel& pool);

}  // namespace kinglet
