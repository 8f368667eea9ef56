#include "ops/elementwise.h"

namespace kinglet::ops {

namespace {

void concat_strings(const Row& row) {
  const auto *a = static_cast<const std::string*>(row.in[0]), *b = static_cast<const std::string*>(row.in[1]);
  auto* out = static_cast<std::string*>(row.out);
  for (size_t i = 0; i < row.n; ++i) out[i] = a[row.splat[0] ? 0 : i] + b[row.splat[1] ? 0 : i];
}

Status infer(InferContext& c) { return infer_broadcast(c); }

Status lower(LowerContext& c) {
  ElementwiseStep step;
  Elementwise& kernel = step.kernels.emplace_back();
  const Shape shapes[] = {c.shape(0), c.shape(1)};
  kernel.loop = broadcast_loop(c.out_shape(0), shapes);
  kernel.fn = concat_strings;
  kernel.in[0] = kernel.in[1] = kernel.out = stored(DType::kString);
  c.step<run_elementwise_step>("string/concat", std::move(step));
  return {};
}

}  // namespace

extern const OpDef string_concat{.domain = kOnnx,
                                 .name = "StringConcat",
                                 .signature = "X:string Y:string -> Z:string",
                                 .infer = infer,
                                 .lower = lower};

}  // namespace kinglet::ops
