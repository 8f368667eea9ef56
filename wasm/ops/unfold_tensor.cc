#include "kernels/gather/gather.h"
#include "ops/converted.h"
#include "ops/element.h"

namespace kinglet::ops {

namespace {

struct Params {
  int64_t outer, extent, inner, windows, size, step;
};

// For each outer place, window and inner place the elements of the window: single elements `inner` apart.
Status run(const Params& p, Run& run) {
  auto* offsets = reinterpret_cast<int64_t*>(run.scratch());
  int64_t* next = offsets;
  for (int64_t w = 0; w < p.windows; ++w) {
    for (int64_t i = 0; i < p.inner; ++i) {
      for (int64_t s = 0; s < p.size; ++s) *next++ = (w * p.step + s) * p.inner + i;
    }
  }
  kernels::GatherRuns g{.bytes = element_bytes(run.in(0).dtype()),
                        .outer = p.outer,
                        .source_step = p.extent * p.inner,
                        .count = next - offsets,
                        .run = 1};
  if (run.out(0).count() > 0)
    kernels::gather_runs(g, run.in(0).data(), offsets, run.out(0).data(), run.parallel());
  return {};
}

Result<Params> params_of(const OpContext& c) {
  const Shape& x = c.shape(0);
  KL_ASSIGN(int axis, normalize_axis(c.attributes().get_int("dim", -1), x.rank()));
  int64_t size = c.attributes().get_int("size"), step = c.attributes().get_int("step", 1),
          extent = x.at(axis);
  KL_REQUIRE(size > 0 && size <= extent && step > 0, kInvalidShape, "windows of ", size, " with step ", step,
             " do not fit ", x);
  return Params{x.count(0, axis), extent, x.count(axis + 1), (extent - size) / step + 1, size, step};
}

Status infer(InferContext& c) {
  KL_ASSIGN(Params p, params_of(c));
  KL_ASSIGN(int axis, normalize_axis(c.attributes().get_int("dim", -1), c.rank(0)));
  KL_REQUIRE(c.rank(0) < kMaxRank, kLimitExceeded, "input has ", c.rank(0), " dimensions");
  Shape out = c.shape(0);
  out[static_cast<size_t>(axis)] = p.windows;
  out.push_back(p.size);
  c.output(0, c.dtype(0), out);
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(Params p, params_of(c));
  KL_ASSIGN(int64_t count, checked_mul(p.windows * p.inner, p.size));
  KL_ASSIGN(count, checked_mul(count, int64_t{8}));
  KL_ASSIGN(size_t bytes, checked_narrow<size_t>(count));
  c.scratch(bytes);
  add_move_step<run>(c, "unfold", c.dtype(0), p);
  return {};
}

}  // namespace

extern const OpDef unfold_tensor{.domain = kMicrosoft,
                                 .name = "UnfoldTensor",
                                 .signature = "input:T -> output:T | T=all | dim:i=-1 size:i! step:i=1",
                                 .infer = infer,
                                 .lower = lower};

}  // namespace kinglet::ops
