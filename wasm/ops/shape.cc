#include "ops/context.h"

namespace kinglet::ops {

namespace {
Status infer(InferContext& c) {
  int64_t rank = c.rank(0);
  auto clamp = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + rank : i, 0, rank); };
  int64_t start = clamp(c.attributes().get_int("start")), end = clamp(c.attributes().get_int("end", rank));
  std::span<const int64_t> dims = c.shape(0);
  KL_ASSIGN(Tensor value, Tensor::ints(dims.subspan(static_cast<size_t>(start),
                                                    static_cast<size_t>(std::max<int64_t>(end - start, 0)))));
  c.output_value(0, std::move(value));
  return {};
}
}  // namespace

extern const OpDef shape{.domain = kOnnx,
                         .name = "Shape",
                         .signature = "data:T -> shape:int64 | T=all | end:i start:i=0",
                         .infer = infer};

}  // namespace kinglet::ops
