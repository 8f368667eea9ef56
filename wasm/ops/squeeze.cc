#include "ops/axes.h"
#include "ops/context.h"

namespace kinglet::ops {

namespace {

Status infer(InferContext& c) {
  const Shape& in = c.shape(0);
  Shape drop = Shape::filled(in.rank(), 0);
  if (c.has_input(1)) {
    const Tensor* list = c.constant(1);
    if (list == nullptr) return c.later();
    KL_ASSIGN(Shape values, list->to_ints());
    KL_ASSIGN(Shape axes, normalize_axes(values, in.rank()));
    for (int64_t a : axes) {
      auto axis = static_cast<size_t>(a);
      KL_REQUIRE(in[axis] == 1, kInvalidShape, "axis ", a, " of ", in, " is not 1");
      drop[axis] = 1;
    }
  } else {
    for (size_t i = 0; i < in.size(); ++i) drop[i] = in[i] == 1;
  }
  Shape out;
  for (size_t i = 0; i < in.size(); ++i) {
    if (!drop[i]) out.push_back(in[i]);
  }
  c.output(0, c.dtype(0), out);
  return {};
}

Status lower(LowerContext& c) {
  c.alias(0, 0);
  return {};
}

}  // namespace

extern const OpDef squeeze{.domain = kOnnx,
                           .name = "Squeeze",
                           .signature = "data:T axes:int64? -> squeezed:T | T=all",
                           .infer = infer,
                           .lower = lower};

}  // namespace kinglet::ops
