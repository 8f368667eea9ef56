#include "ops/elementwise.h"

namespace kinglet::ops {

namespace {

Status infer(InferContext& c) {
  c.output(0, DType::kBool, c.shape(0));
  return {};
}

Status lower(LowerContext& c) {
  const double wanted[] = {c.attributes().get_int("detect_negative", 1) != 0 ? 1.0 : 0.0,
                           c.attributes().get_int("detect_positive", 1) != 0 ? 1.0 : 0.0};
  return lower_unary(c, kIsInf, wanted);
}

}  // namespace

extern const OpDef is_inf{
    .domain = kOnnx,
    .name = "IsInf",
    .signature = "X:T -> Y:bool | T=floats,narrow8 | detect_negative:i=1 detect_positive:i=1",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
