#pragma once
// ONNX Cast between all dtypes but the complex ones.
#include <string>

#include "base/parallel.h"
#include "base/result.h"
#include "kernels/cast/convert.h"

namespace kinglet {

// n numbers; see store_run for what happens outside the range. `out` may be `in` where elements have the same
// size.
void cast_numbers(DType from, const std::byte* in, DType to, std::byte* out, int64_t n, bool saturate,
                  Parallel& parallel);
// Integers in decimal; floats with the fewest digits that give them back, plain from 1e-4 to 1e16; NaN, INF,
// -INF.
void cast_to_strings(DType from, const std::byte* in, std::string* out, int64_t n);
// Decimal or scientific notation, INF, INFINITY and NaN in any case. Fails (kInvalidInput) for other text.
Status cast_from_strings(const std::string* in, DType to, std::byte* out, int64_t n, bool saturate);

}  // namespace kinglet
