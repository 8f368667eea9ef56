#pragma once
// Conversion of element runs between stored types and the few types that kernels compute in.
#include <cstddef>
#include <cstdint>

#include "base/dtype.h"

namespace kinglet {

// The types of arithmetic. Every numeric dtype has one that holds all its values: kF64 for float64, kF32 for
// the other floats, kU64 for uint64, kI64 for the other integers and bool.
enum class Compute : uint8_t { kF32, kF64, kI64, kU64 };
Compute compute_of(DType dtype);
// True when elements of `dtype` are stored as `compute` has them.
bool is_stored_as(DType dtype, Compute compute);
inline size_t compute_size(Compute compute) { return compute == Compute::kF32 ? 4 : 8; }

// Elements in one piece of work; buffers for runs have room for so many.
inline constexpr size_t kRun = 256;

// Elements [at, at + n) of `base` as `to`; n <= kRun. dtype: any but string and complex. Sub-byte elements
// are packed from byte 0 on. Out-of-range values convert as store_run says.
void load_run(DType dtype, const std::byte* base, int64_t at, Compute to, void* out, size_t n);

// The opposite. Integers wrap. Floats to 32- and 64-bit signed integers saturate, to narrower and unsigned
// ones they are truncated to int64 and wrap, to sub-byte ones they are rounded and saturate; NaN becomes 0.
// Floats to narrower floats round to nearest even; `saturate` is for the float8 types (Cast's attribute).
void store_run(Compute from, const void* in, DType dtype, std::byte* base, int64_t at, size_t n,
               bool saturate = true);

}  // namespace kinglet
