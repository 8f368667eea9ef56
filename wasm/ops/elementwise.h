#pragma once
// Steps of elementwise operators; see kernels/elementwise.
#include <array>

#include "kernels/elementwise/function.h"
#include "ops/context.h"

namespace kinglet::ops {

// Kernels applied one after the other: the first to inputs 0 (and 1, 2), each later one to the output and one
// more input. `params` go to all of them.
struct ElementwiseStep {
  std::vector<Elementwise> kernels;
  alignas(8) std::array<std::byte, 16> params = {};
};
Status run_elementwise_step(const ElementwiseStep& step, Run& run);

// Output 0 has the shape (and dtype) of input 0.
Status infer_same(InferContext& c);
// Output 0 has the dtype of input `like` and the shape that all inputs broadcast to.
Status infer_broadcast(InferContext& c, DType dtype);
Status infer_broadcast(InferContext& c);
// What the signature says, for graphs whose types are known only when they run.
Status require_same_dtypes(const OpContext& c);

// One step for `f` over input 0. `values`: at most two parameters.
Status lower_unary(LowerContext& c, const Function& f, std::span<const double> values = {});
// One step for `f` over all inputs: from the left, two at a time. The output of comparisons is bool.
// `compares`: the kernel writes bools, not elements of the type it computes in.
Status lower_binary(LowerContext& c, const Function& f, bool compares = false);
// Output 0 may overwrite input i, where they have the same size.
void allow_in_place(LowerContext& c, int i);

// The values of the float attributes, in the order of the signature, whose defaults count.
void float_attributes(const OpContext& c, std::span<double> values);

}  // namespace kinglet::ops
