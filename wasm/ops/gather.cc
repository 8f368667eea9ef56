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
  int64_t run_length = data.shape().count(p.axis + 1), extent = data.shape().at(p.axis);
  KL_TRY(kernels::offsets_of_axis(indices, extent, p.axis, run_length, offsets));
  kernels::GatherRuns g{.bytes = element_bytes(data.dtype()),
                        .outer = data.shape().count(0, p.axis),
                        .source_step = extent * run_length,
                        .count = indices.count(),
                        .run = run_length};
  kernels::gather_runs(g, data.data(), offsets, run.out(0).data(), run.parallel());
  return {};
}

Status infer(InferContext& c) {
  const Shape& in = c.shape(0);
  KL_ASSIGN(int axis, normalize_axis(c.attributes().get_int("axis"), in.rank()));
  KL_REQUIRE(in.rank() - 1 + c.rank(1) <= kMaxRank, kLimitExceeded, "the output's rank is above ", kMaxRank);
  Shape out = in;
  out.erase(axis);
  for (int i = 0; i < c.rank(1); ++i) out.insert(axis + i, c.shape(1).at(i));
  c.output(0, c.dtype(0), out);
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(int axis, normalize_axis(c.attributes().get_int("axis"), c.rank(0)));
  KL_ASSIGN(size_t bytes, checked_narrow<size_t>(c.shape(1).count() * 8));
  c.scratch(bytes);
  add_move_step<run>(c, "gather/axis", c.dtype(0), Params{axis});
  return {};
}

}  // namespace

extern const OpDef gather{.domain = kOnnx,
                          .name = "Gather",
                          .signature = "data:T indices:I -> output:T | T=all I=int32,int64 | axis:i=0",
                          .infer = infer,
                          .lower = lower};

}  // namespace kinglet::ops
