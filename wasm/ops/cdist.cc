#include "ops/expand.h"

namespace kinglet::ops {

namespace {

// |a - b|^2 = |a|^2 + |b|^2 - 2 ab, not below 0 when rounded.
Status expand(ExpandContext& c) {
  std::string_view metric = c.attributes().get_string("metric", "sqeuclidean");
  KL_REQUIRE(metric == "sqeuclidean" || metric == "euclidean", kUnsupportedFeature, "metric ", metric);
  ValueId last = c.ints({-1});
  ValueId a = c.op("ReduceSumSquare", {c.input(0), last});
  ValueId b = c.op("Reshape", {c.op("ReduceSumSquare", {c.input(1), last}), c.ints({1, -1})});
  ValueId ab = c.op("FusedMatMul", {c.input(0), c.input(1)}, {{"alpha", -2.0f}, {"transB", 1}}, kMicrosoft);
  ValueId square = c.op("Max", {c.op("Add", {c.op("Add", {ab, a}), b}), c.scalar(0, 0)});
  c.output(0, metric == "euclidean" ? c.op("Sqrt", {square}) : square);
  return {};
}

}  // namespace

extern const OpDef cdist{.domain = kMicrosoft,
                         .name = "CDist",
                         .signature = "A:T B:T -> C:T | T=floats | metric:s='sqeuclidean'",
                         .expand = expand};

}  // namespace kinglet::ops
