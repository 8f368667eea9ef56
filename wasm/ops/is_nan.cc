#include "ops/elementwise.h"

namespace kinglet::ops {

namespace {

Status infer(InferContext& c) {
  c.output(0, DType::kBool, c.shape(0));
  return {};
}

}  // namespace

extern const OpDef is_nan{.domain = kOnnx,
                          .name = "IsNaN",
                          .signature = "X:T -> Y:bool | T=floats,narrow8",
                          .infer = infer,
                          .lower = [](LowerContext& c) { return lower_unary(c, kIsNan); }};

}  // namespace kinglet::ops
