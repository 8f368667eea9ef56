#include "ops/boxes.h"

namespace kinglet::ops {

namespace {

Status infer(InferContext& c) {
  const Tensor* wanted = c.constant(1);
  if (wanted == nullptr) return c.later();
  KL_REQUIRE(wanted->rank() == 1, kInvalidShape, "input shape must have one dimension, it has ",
             wanted->rank());
  KL_ASSIGN(Shape shape, wanted->to_ints());
  KL_ASSIGN(Shape out, broadcast(c.shape(0), shape));
  c.output(0, c.dtype(0), out);
  return {};
}

Status lower(LowerContext& c) {
  const Shape& in = c.shape(0);
  const Shape& out = c.out_shape(0);
  Shape in_strides = strides_of(in), out_strides = strides_of(out);
  kernels::Box box;
  for (int i = 0; i < out.rank(); ++i) {
    int j = i - (out.rank() - in.rank());
    bool repeats = j < 0 || in.at(j) == 1;
    box.add(out.at(i), repeats ? 0 : in_strides.at(j), out_strides.at(i));
  }
  add_box_step(c, "copy/repeat", std::move(box));
  return {};
}

}  // namespace

extern const OpDef expand{.domain = kOnnx,
                          .name = "Expand",
                          .signature = "input:T shape:int64 -> output:T | T=all",
                          .infer = infer,
                          .lower = lower};

}  // namespace kinglet::ops
