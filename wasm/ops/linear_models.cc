#include "ops/ml.h"

namespace kinglet::ops {

namespace {

// X times the rows of coefficients, of which there are `rows`, plus intercepts where there are any.
Result<ValueId> products(ExpandContext& c, int64_t rows) {
  auto coefficients = c.attributes().get_floats("coefficients");
  auto intercepts = c.attributes().get_floats("intercepts");
  auto count = static_cast<int64_t>(coefficients.size());
  KL_REQUIRE(rows > 0 && count > 0 && count % rows == 0, kInvalidGraph, count, " coefficients for ", rows,
             " rows");
  KL_ASSIGN(ValueId weights, float_constant(c, coefficients, {rows, count / rows}));
  std::vector<ValueId> inputs{matrix_of(c, DType::kFloat32), weights};
  if (!intercepts.empty()) {
    KL_ASSIGN(ValueId bias, float_constant(c, intercepts, {rows}));
    inputs.push_back(bias);
  }
  Attributes attributes;
  attributes.set("transB", int64_t{1});
  return c.op("Gemm", std::move(inputs), std::move(attributes));
}

Status regressor(ExpandContext& c) {
  int64_t targets = c.attributes().get_int("targets", 1);
  KL_ASSIGN(ValueId scores, products(c, targets));
  KL_ASSIGN(ValueId out, transformed(c, scores, targets));
  c.output(0, out);
  return {};
}

Status classifier(ExpandContext& c) {
  KL_ASSIGN(Tensor labels, list_of(c.attributes(), "classlabels_ints", "classlabels_strings"));
  KL_REQUIRE(!labels.empty(), kInvalidGraph, "there are no class labels");
  auto intercepts = static_cast<int64_t>(c.attributes().get_floats("intercepts").size());
  int64_t rows = intercepts != 0 ? intercepts : labels.count();
  KL_ASSIGN(ValueId scores, products(c, rows));
  return add_classes(c, scores, std::move(labels), rows == 1 ? ClassRule::kSign : ClassRule::kLargest, false,
                     {});
}

#define KL_LINEAR "coefficients:fs intercepts:fs post_transform:s='NONE' "

constexpr OpDef kLinearModels[] = {
    {.domain = kOnnxMl,
     .name = "LinearClassifier",
     .signature = "X:float32,float64,int64,int32 -> Y:string,int64 Z:float32 | | " KL_LINEAR
                  "classlabels_ints:is classlabels_strings:ss multi_class:i=0",
     .expand = classifier},
    {.domain = kOnnxMl,
     .name = "LinearRegressor",
     .signature = "X:float32,float64,int64,int32 -> Y:float32 | | " KL_LINEAR "targets:i=1",
     .expand = regressor},
};
#undef KL_LINEAR

}  // namespace

std::span<const OpDef> linear_models() { return kLinearModels; }

}  // namespace kinglet::ops
