#include "ops/boxes.h"

namespace kinglet::ops {

namespace {

Status infer(InferContext& c) {
  const Tensor* list = c.constant(1);
  if (list == nullptr) return c.later();
  const Shape& in = c.shape(0);
  KL_REQUIRE(list->rank() == 1 && list->count() == in.rank(), kInvalidShape, "repeats has shape ",
             list->shape(), ", expected ", Shape{in.rank()});
  KL_ASSIGN(Shape out, list->to_ints());
  for (size_t i = 0; i < in.size(); ++i) {
    KL_REQUIRE(out[i] >= 0, kInvalidArgument, "repeats has ", out[i]);
    KL_ASSIGN(out[i], checked_mul(out[i], in[i]));
  }
  c.output(0, c.dtype(0), out);
  return {};
}

Status lower(LowerContext& c) {
  const Shape& in = c.shape(0);
  Shape in_strides = strides_of(in), out_strides = strides_of(c.out_shape(0));
  kernels::Box box;
  for (size_t i = 0; i < in.size(); ++i) {
    box.add(in[i] == 0 ? 0 : c.out_shape(0)[i] / in[i], 0, in[i] * out_strides[i]);
    box.add(in[i], in_strides[i], out_strides[i]);
  }
  add_box_step(c, "copy/repeat", std::move(box));
  return {};
}

}  // namespace

extern const OpDef tile{.domain = kOnnx,
                        .name = "Tile",
                        .signature = "input:T repeats:int64 -> output:T | T=all",
                        .infer = infer,
                        .lower = lower};

}  // namespace kinglet::ops
