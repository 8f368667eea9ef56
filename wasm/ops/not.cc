#include "ops/elementwise.h"

namespace kinglet::ops {

namespace {

Status lower(LowerContext& c) {
  ElementwiseStep step;
  Elementwise& kernel = step.kernels.emplace_back();
  kernel.loop = broadcast_loop(c.out_shape(0), {&c.shape(0), 1});
  kernel.in[0] = kernel.out = stored(DType::kBool);
  kernel.fn = logical_not;
  c.step<run_elementwise_step>("elementwise/Not", std::move(step));
  c.in_place(0, 0);
  return {};
}

}  // namespace

extern const OpDef not_{
    .domain = kOnnx, .name = "Not", .signature = "X:bool -> Y:bool", .infer = infer_same, .lower = lower};

}  // namespace kinglet::ops
