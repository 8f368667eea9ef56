#include "kernels/distance/distance.h"
#include "ops/context.h"

namespace kinglet::ops {

namespace {

struct Params {
  bool root;
};

template <class T>
void run_as(const Params& p, Run& run) {
  const Tensor &a = run.in(0), &b = run.in(1);
  kernels::distances(a.data<T>(), static_cast<size_t>(a.shape()[0]), b.data<T>(),
                     static_cast<size_t>(b.shape()[0]), static_cast<size_t>(a.shape()[1]), p.root,
                     run.out(0).data<T>(), run.parallel());
}

Status run(const Params& p, Run& run) {
  run.in(0).dtype() == DType::kFloat32 ? run_as<float>(p, run) : run_as<double>(p, run);
  return {};
}

Status infer(InferContext& c) {
  std::string_view metric = c.attributes().get_string("metric", "sqeuclidean");
  KL_REQUIRE(metric == "euclidean" || metric == "sqeuclidean", kUnsupportedFeature, "metric is ", metric);
  KL_REQUIRE(c.rank(0) == 2 && c.rank(1) == 2 && c.shape(0)[1] == c.shape(1)[1], kInvalidShape,
             "A and B need two dimensions and as many columns, they are ", c.shape(0), " and ", c.shape(1));
  c.output(0, c.dtype(0), {c.shape(0)[0], c.shape(1)[0]});
  return {};
}

Status lower(LowerContext& c) {
  c.step<run>("cdist", Params{c.attributes().get_string("metric") == "euclidean"});
  return {};
}

}  // namespace

extern const OpDef cdist{.domain = kMicrosoft,
                         .name = "CDist",
                         .signature = "A:T B:T -> C:T | T=float32,float64 | metric:s='sqeuclidean'",
                         .infer = infer,
                         .lower = lower};

}  // namespace kinglet::ops
