#include "ops/ml.h"

namespace kinglet::ops {

namespace {

// X times the rows of coefficients, of which there are `rows`, plus intercepts where there are any.
ValueId products(Expansion& e, int64_t rows) {
  auto coefficients = e.attributes().get_floats("coefficients");
  auto intercepts = e.attributes().get_floats("intercepts");
  auto count = static_cast<int64_t>(coefficients.size());
  bool fits = rows > 0 && count > 0 && count % rows == 0;
  if (!fits) e.keep(fail(Code::kInvalidGraph, count, " coefficients for ", rows, " rows"));
  if (!e.ok()) return kNoValue;
  ValueId bias = intercepts.empty() ? kNoValue : e.floats(intercepts, {rows});
  ValueId weights = e.floats(coefficients, {rows, count / rows});
  return e.op("Gemm", {e.matrix(DType::kFloat32), weights, bias}, {"transB", 1});
}

Status regressor(ExpandContext& c) {
  Expansion e(c);
  int64_t targets = c.attributes().get_int("targets", 1);
  return e.finish(transformed(e, products(e, targets), targets));
}

Status classifier(ExpandContext& c) {
  Expansion e(c);
  KL_ASSIGN(Tensor labels, labels_of(c.attributes(), "classlabels_ints"));
  auto intercepts = static_cast<int64_t>(c.attributes().get_floats("intercepts").size());
  int64_t rows = intercepts != 0 ? intercepts : labels.count();
  add_classes(e, products(e, rows), labels, rows == 1 ? ClassRule::kSign : ClassRule::kLargest, false, {});
  return e.finish();
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
