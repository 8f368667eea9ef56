#pragma once
// Kernels that compute each output element from the elements of up to three inputs at the same place, with
// ONNX broadcasting and for every dtype: inputs are brought to the type of arithmetic in short runs.
#include <span>
#include <vector>

#include "base/parallel.h"
#include "base/shape.h"
#include "kernels/cast/convert.h"

namespace kinglet {

inline constexpr int kMaxOperands = 3;

// A dense output of `count` elements that is visited together with operands that are broadcast to it.
// Neighbouring dimensions that can be walked as one are one; there is at least one dimension.
struct BroadcastLoop {
  int operands = 0, rank = 1;
  int64_t count = 0;
  int64_t extent[kMaxRank] = {};
  int64_t stride[kMaxOperands][kMaxRank] = {};  // in elements, 0 where the operand is repeated
};
// `shapes` broadcast to `out`, and there are at most kMaxOperands.
BroadcastLoop broadcast_loop(const Shape& out, std::span<const Shape> shapes);

// One call of a kernel: n elements side by side. Input i has n elements, or one for all where splat[i] is
// set. `out` may be the same memory as an input that is not splat.
struct Row {
  const void* in[kMaxOperands];
  bool splat[kMaxOperands];
  void* out;
  size_t n;
  const void* params;  // what the kernel wants: floats, doubles or integers
};
using RowFn = void (*)(const Row&);

// A kernel applied to whole tensors.
struct Elementwise {
  struct Port {
    DType dtype;
    Compute compute;
    bool direct;   // stored as the kernel wants it
    uint8_t size;  // bytes of an element as the kernel wants it
  };
  BroadcastLoop loop;
  RowFn fn = nullptr;
  Port in[kMaxOperands] = {};
  Port out = {};
};
// A port that is brought to `compute`, and one whose elements the kernel takes as they are stored (any dtype
// of whole bytes; std::string objects for strings).
Elementwise::Port computed(DType dtype, Compute compute);
Elementwise::Port stored(DType dtype);

void run_elementwise(const Elementwise& e, const std::byte* const* in, std::byte* out, const void* params,
                     Parallel& parallel);

}  // namespace kinglet
