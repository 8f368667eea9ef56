#pragma once
// Reductions over any set of axes of a dense tensor, without transposing.
#include "base/parallel.h"
#include "base/shape.h"
#include "kernels/reduce/fold.h"

namespace kinglet {

// Neighbouring dimensions that are both kept, or both reduced, are one; those of extent 1 are gone.
struct Reduction {
  DType dtype = DType::kNone;  // of input and output
  FoldKind fold = FoldKind::kSum;
  Finish finish = Finish::kValue;
  // Kept and reduced dimensions with their input strides; the innermost dimension of the input is not among
  // them.
  Shape kept, kept_stride, reduced, reduced_stride;
  // The innermost dimension.
  bool inner_reduced = true;
  int64_t inner = 1;
};
// `axes`: sorted or not, each once, in [0, rank).
Reduction plan_reduction(const Shape& shape, std::span<const int64_t> axes);

void run_reduction(const Reduction& r, const std::byte* in, std::byte* out, Parallel& parallel);

}  // namespace kinglet
