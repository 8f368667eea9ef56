#pragma once
// Elementwise functions: for each type of arithmetic a kernel.
#include <string_view>

#include "kernels/elementwise/elementwise.h"

namespace kinglet {

// Null where there is no kernel of that type: then float64 is used.
struct Function {
  const char* name;  // "elementwise/Name", as the plan shows it
  RowFn f32, f64, i64, u64;

  std::string_view op() const { return std::string_view(name).substr(sizeof "elementwise/" - 1); }
  RowFn kernel(Compute compute) const {
    return compute == Compute::kF32   ? f32
           : compute == Compute::kF64 ? f64
           : compute == Compute::kI64 ? i64
                                      : u64;
  }
  // The arithmetic for elements of `dtype`.
  Compute compute(DType dtype) const {
    Compute natural = compute_of(dtype);
    return kernel(natural) ? natural : Compute::kF64;
  }
};

// unary.inc; parameters: two values (float or double, as the kernel computes). Null for an unknown name.
const Function* find_unary(std::string_view op);
// binary.inc; the output of comparisons is one byte per element, 0 or 1.
const Function* find_binary(std::string_view op);
const Function* find_compare(std::string_view op);

// Parameters: two values of the type of arithmetic, or int64_t / uint64_t: the bounds.
extern const Function kClip;
// float input; output one byte. kIsInf: parameters are two values, nonzero when -inf / +inf count.
extern const Function kIsNan, kIsInf;
// bool: stored bytes in, bytes out
void logical_not(const Row& row);
void equal_strings(const Row& row);
// in[0]: bytes, in[1] and in[2]: elements as stored. Null for sizes other than 1, 2, 4, 8, 16.
RowFn where_kernel(size_t element_size);
void where_strings(const Row& row);
// in[0] to the power of in[1].
extern const Function kPow;

}  // namespace kinglet
