#include "ops/context.h"

namespace kinglet::ops {

namespace {

Status infer(InferContext& c) {
  const Tensor* wanted = c.constant(1);
  if (wanted == nullptr) return c.later();
  KL_REQUIRE(wanted->rank() == 1, kInvalidShape, "input shape must have one dimension, it has ",
             wanted->rank());
  KL_ASSIGN(Shape out, wanted->to_ints());
  const Shape& in = c.shape(0);
  bool allow_zero = c.attributes().get_int("allowzero") != 0;
  int64_t known = 1;
  int open = -1;
  for (int i = 0; i < out.rank(); ++i) {
    if (out[i] == 0 && !allow_zero) {
      KL_REQUIRE(i < in.rank(), kInvalidShape, "shape ", Shape(out), " copies extent ", i, " of ", in);
      out[i] = in[i];
    }
    if (out[i] == -1) {
      KL_REQUIRE(open < 0, kInvalidShape, "shape has more than one -1");
      open = i;
      continue;
    }
    KL_REQUIRE(out[i] >= 0, kInvalidShape, "shape has the extent ", out[i]);
    KL_ASSIGN(known, checked_mul(known, out[i]));
  }
  if (open >= 0) {
    KL_REQUIRE(known != 0 && in.count() % known == 0, kInvalidShape, in, " does not fit ", Shape(out));
    out[open] = in.count() / known;
  } else {
    KL_REQUIRE(known == in.count(), kInvalidShape, in, " does not fit ", Shape(out));
  }
  c.output(0, c.dtype(0), out);
  return {};
}

Status lower(LowerContext& c) {
  c.alias(0, 0);
  return {};
}

}  // namespace

extern const OpDef reshape{.domain = kOnnx,
                           .name = "Reshape",
                           .signature = "data:T shape:int64 -> reshaped:T | T=all | allowzero:i=0",
                           .infer = infer,
                           .lower = lower};

}  // namespace kinglet::ops
