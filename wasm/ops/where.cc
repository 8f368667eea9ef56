#include "ops/converted.h"
#include "ops/elementwise.h"

namespace kinglet::ops {

namespace {

Status infer(InferContext& c) {
  KL_REQUIRE(c.dtype(1) == c.dtype(2) && c.dtype(0) == DType::kBool, kInvalidGraph, "inputs are ", c.dtype(0),
             ", ", c.dtype(1), ", ", c.dtype(2));
  return infer_broadcast(c, c.dtype(1));
}

Status lower(LowerContext& c) {
  DType dtype = c.dtype(1);
  ElementwiseStep step;
  Elementwise& kernel = step.kernels.emplace_back();
  const Shape shapes[] = {c.shape(0), c.shape(1), c.shape(2)};
  kernel.loop = broadcast_loop(c.out_shape(0), shapes);
  kernel.in[0] = stored(DType::kBool);
  kernel.in[1] = kernel.in[2] = kernel.out = stored(is_sub_byte(dtype) ? DType::kUInt8 : dtype);
  kernel.fn = dtype == DType::kString ? where_strings : where_kernel(kernel.out.size);
  add_move_step<run_elementwise_step>(c, "elementwise/Where", dtype, std::move(step));
  if (is_sub_byte(dtype)) return {};
  allow_in_place(c, 1);
  allow_in_place(c, 2);
  return {};
}

}  // namespace

extern const OpDef where{.domain = kOnnx,
                         .name = "Where",
                         .signature = "condition:bool X:T Y:T -> output:T | T=all",
                         .infer = infer,
                         .lower = lower};

}  // namespace kinglet::ops
