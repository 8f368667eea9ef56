#include "kernels/gather/gather.h"
#include "ops/converted.h"
#include "ops/element.h"

namespace kinglet::ops {

namespace {

struct Params {
  int axis;
};

Status run(const Params& p, Run& run) {
  const Tensor &data = run.in(0), &indices = run.in(1);
  auto* offsets = reinterpret_cast<int64_t*>(run.scratch());
  KL_TRY(kernels::offsets_of_elements(indices, data.shape(), p.axis, offsets));
  kernels::GatherRuns g{.bytes = element_bytes(data.dtype()), .count = indices.count(), .run = 1};
  kernels::gather_runs(g, data.data(), offsets, run.out(0).data(), run.parallel());
  return {};
}

Status infer(InferContext& c) {
  const Shape &in = c.shape(0), &indices = c.shape(1);
  KL_ASSIGN(int axis, normalize_axis(c.attributes().get_int("axis"), in.rank()));
  KL_REQUIRE(indices.rank() == in.rank(), kInvalidShape, "indices ", indices, " and data ", in,
             " differ in rank");
  for (int i = 0; i < in.rank(); ++i) {
    KL_REQUIRE(i == axis || indices.at(i) <= in.at(i), kInvalidShape, "indices ", indices,
               " are larger than data ", in, " on axis ", i);
  }
  c.output(0, c.dtype(0), indices);
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(int axis, normalize_axis(c.attributes().get_int("axis"), c.rank(0)));
  KL_ASSIGN(size_t bytes, checked_narrow<size_t>(c.shape(1).count() * 8));
  c.scratch(bytes);
  add_move_step<run>(c, "gather/elements", c.dtype(0), Params{axis});
  return {};
}

}  // namespace

extern const OpDef gather_elements{
    .domain = kOnnx,
    .name = "GatherElements",
    .signature = "data:T indices:I -> output:T | T=all I=int32,int64 | axis:i=0",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
