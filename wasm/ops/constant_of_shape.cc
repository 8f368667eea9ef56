#include "kernels/copy/copy.h"
#include "ops/converted.h"
#include "ops/element.h"

namespace kinglet::ops {

namespace {

struct Params {
  Tensor value;
};

Status run(const Params& p, Run& run) {
  const Tensor& out = run.out(0);
  kernels::fill(element_bytes(out.dtype()), p.value.data(), out.data(), out.count(), run.parallel());
  return {};
}

Status infer(InferContext& c) {
  const Tensor* extents = c.constant(0);
  if (extents == nullptr) return c.later();
  KL_REQUIRE(extents->rank() == 1, kInvalidShape, "the input must have one dimension, it has ",
             extents->rank());
  KL_ASSIGN(Shape out, extents->to_ints());
  const Tensor* value = c.attributes().get_tensor("value");
  KL_REQUIRE(value == nullptr || value->count() == 1, kInvalidShape,
             "value must have one element, its shape is ", value->shape());
  c.output(0, value ? value->dtype() : DType::kFloat32, out);
  return {};
}

Status lower(LowerContext& c) {
  DType dtype = c.out_dtype(0);
  Params p;
  if (const Tensor* value = c.attributes().get_tensor("value")) {
    p.value = *value;
    // The step sees one byte per element.
    if (is_sub_byte(dtype)) {
      auto bits = static_cast<uint8_t>(value->data<uint8_t>()[0] & ((1 << dtype_bits(dtype)) - 1));
      KL_ASSIGN(p.value, Tensor::scalar<uint8_t>(bits));
    }
  } else {
    KL_ASSIGN(p.value, Tensor::scalar<float>(0));
  }
  add_move_step<run>(c, "copy/fill", dtype, std::move(p));
  return {};
}

}  // namespace

extern const OpDef constant_of_shape{.domain = kOnnx,
                                     .name = "ConstantOfShape",
                                     .signature = "input:int64 -> output:T | T=all | value:t",
                                     .infer = infer,
                                     .lower = lower};

}  // namespace kinglet::ops
