#include "kernels/cast/convert.h"
#include "kernels/copy/element.h"
#include "ops/converted.h"
#include "ops/element.h"

namespace kinglet::ops {

namespace {

struct Params {
  int axis;
};

Status run(const Params& p, Run& run) {
  const Tensor &indices = run.in(0), &values = run.in(2), &out = run.out(0);
  int bytes = element_bytes(out.dtype());
  int64_t depth = out.shape().at(p.axis), inner = out.shape().count(p.axis + 1);
  kernels::fill(bytes, values.data(), out.data(), out.count(), run.parallel());
  kernels::with_element(bytes, [&]<class T>() {
    const T& on = values.data<T>()[1];
    int64_t chunk[kRun];
    for (int64_t at = 0; at < indices.count(); at += kRun) {
      auto n = static_cast<size_t>(std::min<int64_t>(kRun, indices.count() - at));
      load_run(indices.dtype(), indices.data(), at, Compute::kI64, chunk, n);
      for (size_t i = 0; i < n; ++i) {
        int64_t index = chunk[i] < 0 ? chunk[i] + depth : chunk[i], place = at + static_cast<int64_t>(i);
        if (index >= 0 && index < depth)
          out.data<T>()[(place / inner * depth + index) * inner + place % inner] = on;
      }
    }
  });
  return {};
}

Status infer(InferContext& c) {
  KL_REQUIRE(c.shape(1).count() == 1, kInvalidShape, "depth must have one element, its shape is ",
             c.shape(1));
  KL_REQUIRE(c.rank(2) == 1 && c.shape(2)[0] == 2, kInvalidShape, "values must have shape [2], it is ",
             c.shape(2));
  KL_REQUIRE(c.rank(0) < kMaxRank, kLimitExceeded, "rank ", c.rank(0) + 1, " is above ", kMaxRank);
  KL_ASSIGN(int axis, normalize_axis(c.attributes().get_int("axis", -1), c.rank(0) + 1));
  const Tensor* depth = c.constant(1);
  if (depth == nullptr) return c.later();
  KL_ASSIGN(Shape count, depth->to_ints());
  KL_REQUIRE(count[0] >= 0, kInvalidArgument, "depth is ", count[0]);
  Shape out = c.shape(0);
  out.insert(axis, count[0]);
  c.output(0, c.dtype(2), out);
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(int axis, normalize_axis(c.attributes().get_int("axis", -1), c.rank(0) + 1));
  add_move_step<run>(c, "one_hot", c.dtype(2), Params{axis});
  return {};
}

}  // namespace

extern const OpDef one_hot{
    .domain = kOnnx,
    .name = "OneHot",
    .signature = "indices:T1 depth:T2 values:T3 -> output:T3 | T1=numeric T2=numeric T3=all | axis:i=-1",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
