#pragma once
// Softmax and LogSoftmax along one axis.
#include "base/parallel.h"
#include "kernels/cast/convert.h"

namespace kinglet {

// The tensor as [outer, length, inner]; the axis is the middle one. `out` may be `in`.
struct Softmax {
  DType dtype;  // a float type
  int64_t outer, length, inner;
  bool log;
};
void run_softmax(const Softmax& s, const std::byte* in, std::byte* out, Parallel& parallel);

}  // namespace kinglet
