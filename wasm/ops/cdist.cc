#include "kernels/distance/distance.h"
#include "ops/context.h"

namespace kinglet::ops {

namespace {

struct Params {
  bool root;
  std::shared_ptr<Buffer> panels;  // null: written in the run
};

template <class T>
Status run(const Params& p, Run& run) {
  const Tensor &a = run.in(0), &b = run.in(1);
  auto rows = static_cast<size_t>(b.shape()[0]), columns = static_cast<size_t>(a.shape()[1]);
  auto* panels = reinterpret_cast<T*>(p.panels ? p.panels->data() : run.scratch());
  if (!p.panels) kernels::pack_distance_panels(b.data<T>(), rows, columns, panels);
  kernels::distances<T>(a.data<T>(), static_cast<size_t>(a.shape()[0]), panels, rows, columns, p.root,
                        run.out(0).data<T>(), run.parallel());
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

template <class T>
Status prepare(LowerContext& c) {
  Params p{c.attributes().get_string("metric") == "euclidean", nullptr};
  auto rows = static_cast<size_t>(c.shape(1)[0]), columns = static_cast<size_t>(c.shape(1)[1]);
  KL_ASSIGN(size_t bytes, kernels::distance_panel_bytes<T>(rows, columns));
  c.spent(1);
  KL_ASSIGN(p.panels, c.packed(1, "distance", bytes, [&](std::byte* to) {
    kernels::pack_distance_panels(c.constant(1)->data<T>(), rows, columns, reinterpret_cast<T*>(to));
  }));
  if (!p.panels) c.scratch(bytes);
  c.step<run<T>>("cdist", std::move(p));
  return {};
}

Status lower(LowerContext& c) {
  return c.dtype(0) == DType::kFloat32 ? prepare<float>(c) : prepare<double>(c);
}

}  // namespace

extern const OpDef cdist{.domain = kMicrosoft,
                         .name = "CDist",
                         .signature = "A:T B:T -> C:T | T=float32,float64 | metric:s='sqeuclidean'",
                         .infer = infer,
                         .lower = lower};

}  // namespace kinglet::ops
