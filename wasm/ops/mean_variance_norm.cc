#include "ops/scalar_like.h"

namespace kinglet::ops {

namespace {

// (x - mean) / (sqrt(mean((x - mean)^2)) + 1e-9), the means over `axes`.
Status expand(ExpandContext& c) {
  static constexpr int64_t kDefault[] = {0, 2, 3};
  auto given = c.attributes().get_ints("axes");
  KL_ASSIGN(Tensor list,
            Tensor::ints(c.attributes().has("axes") ? given : std::span<const int64_t>(kDefault)));
  ValueId axes = c.constant(std::move(list));
  KL_ASSIGN(ValueId epsilon, scalar_like(c, 0, 1e-9));
  ValueId distance = c.op("Sub", {c.input(0), c.op("ReduceMean", {c.input(0), axes})});
  ValueId variance = c.op("ReduceMean", {c.op("Mul", {distance, distance}), axes});
  c.output(0, c.op("Div", {distance, c.op("Add", {c.op("Sqrt", {variance}), epsilon})}));
  return {};
}

}  // namespace

extern const OpDef mean_variance_norm{.domain = kOnnx,
                                      .name = "MeanVarianceNormalization",
                                      .signature = "X:T -> Y:T | T=floats | axes:is",
                                      .expand = expand};

}  // namespace kinglet::ops
