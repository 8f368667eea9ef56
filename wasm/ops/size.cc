#include "ops/context.h"

namespace kinglet::ops {

namespace {
Status infer(InferContext& c) {
  KL_ASSIGN(Tensor count, Tensor::scalar<int64_t>(c.shape(0).count()));
  c.output_value(0, std::move(count));
  return {};
}
}  // namespace

extern const OpDef size{
    .domain = kOnnx, .name = "Size", .signature = "data:T -> size:int64 | T=all", .infer = infer};

}  // namespace kinglet::ops
