#pragma once
// ArgMax, ArgMin, CumSum and TopK along the middle axis of a tensor seen as [outer, length, inner]; any
// numeric dtype. NaN is larger and smaller than every number, as the search goes.
#include "base/parallel.h"
#include "kernels/cast/convert.h"

namespace kinglet {

struct Scan {
  DType dtype = DType::kNone;
  int64_t outer = 1, length = 1, inner = 1;
};

// out: [outer, inner], the index of the largest or smallest element, of equal ones the first or the last.
// length > 0
void run_arg(const Scan& s, bool largest, bool last, const std::byte* in, int64_t* out, Parallel& parallel);

// out: [outer, length, inner]. exclusive: the element itself is left out; reverse: from the end. `out` may be
// `in`.
void run_cumsum(const Scan& s, bool exclusive, bool reverse, const std::byte* in, std::byte* out,
                Parallel& parallel);

// values and indices: [outer, k, inner], sorted, of equal elements the first first; k <= length. scratch:
// topk_scratch bytes for the threads of `parallel`.
size_t topk_scratch(int64_t k, int threads);
void run_topk(const Scan& s, int64_t k, bool largest, const std::byte* in, std::byte* values,
              int64_t* indices, std::byte* scratch, Parallel& parallel);

}  // namespace kinglet
