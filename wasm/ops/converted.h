#pragma once
// Steps that see their tensors with another element type: sub-byte elements as one byte each, narrow floats
// and integers as float32 or float64.
#include "ops/context.h"

namespace kinglet {

// How values come back from float32 or float64 to an integer type. Both saturate; NaN becomes 0.
enum class Rounding : uint8_t { kTruncate, kNearest };

// Runs `step` with every input and output of dtype `from` replaced by one of dtype `to`. From a sub-byte type
// to uint8: the element's bits. Otherwise `to` is float32 or float64, and values are converted.
Status run_converted(DType from, DType to, Rounding rounding, const void* params,
                     Status (*step)(const void* params, Run&), Run& run);

// One element of any dtype: `value` converted (saturating), or an empty string. Of a sub-byte type: its bits
// in a byte, as a step of add_move_step sees them.
Result<Tensor> element_of(DType dtype, double value);

template <class Params>
struct ConvertedParams {
  DType from, to;
  Rounding rounding;
  Params inner;
};

template <auto Fn, class Params>
Status run_converted_step(const ConvertedParams<Params>& p, Run& run) {
  auto step = [](const void* inner, Run& r) { return Fn(*static_cast<const Params*>(inner), r); };
  return run_converted(p.from, p.to, p.rounding, &p.inner, step, run);
}

template <auto Fn, class Params>
void add_converted_step(LowerContext& c, const char* kernel, DType from, DType to, Params params,
                        Rounding rounding = Rounding::kTruncate) {
  using Wrapped = ConvertedParams<Params>;
  c.step<run_converted_step<Fn, Params>>(kernel, Wrapped{from, to, rounding, std::move(params)});
}

// A step that moves elements of dtype `dtype`: it sees sub-byte elements as uint8.
template <auto Fn, class Params>
void add_move_step(LowerContext& c, const char* kernel, DType dtype, Params params) {
  if (is_sub_byte(dtype))
    add_converted_step<Fn>(c, kernel, dtype, DType::kUInt8, std::move(params));
  else
    c.step<Fn>(kernel, std::move(params));
}

// A step in float arithmetic on elements of dtype `dtype`: float32 and float64 as they are, integers of more
// than 16 bits as float64, all others as float32.
template <auto Fn, class Params>
void add_float_step(LowerContext& c, const char* kernel, DType dtype, Params params,
                    Rounding rounding = Rounding::kTruncate) {
  if (dtype == DType::kFloat32 || dtype == DType::kFloat64) {
    c.step<Fn>(kernel, std::move(params));
    return;
  }
  DType to = dtype_kind(dtype) != 'f' && dtype_bits(dtype) > 16 ? DType::kFloat64 : DType::kFloat32;
  add_converted_step<Fn>(c, kernel, dtype, to, std::move(params), rounding);
}

}  // namespace kinglet
