#include "kernels/gather/gather.h"
#include "ops/converted.h"
#include "ops/element.h"

namespace kinglet::ops {

namespace {

struct Params {
  int axis;  // -1: the input as one row
};

Status run(const Params& p, Run& run) {
  const Tensor &in = run.in(0), &condition = run.in(1);
  Shape out = p.axis < 0 ? Shape{in.count()} : in.shape();
  auto axis = static_cast<size_t>(std::max(p.axis, 0));
  int64_t extent = out[axis], length = out.count(p.axis < 0 ? 1 : p.axis + 1), found = 0;
  auto* offsets = reinterpret_cast<int64_t*>(run.scratch());
  for (int64_t i = 0, n = std::min(condition.count(), extent); i < n; ++i) {
    if (condition.data<uint8_t>()[i]) offsets[found++] = i * length;
  }
  int64_t outer = out.count(0, static_cast<int>(axis));
  out[axis] = found;
  KL_ASSIGN(Tensor result, run.alloc_out(0, in.dtype(), out));
  kernels::GatherRuns g{.bytes = element_bytes(in.dtype()),
                        .outer = outer,
                        .source_step = extent * length,
                        .count = found,
                        .run = length};
  if (result.count() != 0) kernels::gather_runs(g, in.data(), offsets, result.data(), run.parallel());
  return {};
}

Result<int> axis_of(const OpContext& c) {
  if (!c.attributes().has("axis")) return -1;
  return normalize_axis(c.attributes().get_int("axis"), c.rank(0));
}

Status infer(InferContext& c) {
  KL_REQUIRE(c.rank(1) == 1, kInvalidShape, "condition must have one dimension, its shape is ", c.shape(1));
  KL_ASSIGN([[maybe_unused]] int axis, axis_of(c));
  c.output_unknown(0, c.dtype(0));
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(int axis, axis_of(c));
  KL_ASSIGN(size_t bytes, checked_narrow<size_t>(c.shape(1).count() * 8));
  c.scratch(bytes);
  add_move_step<run>(c, "gather/compress", c.dtype(0), Params{axis});
  return {};
}

}  // namespace

extern const OpDef compress{.domain = kOnnx,
                            .name = "Compress",
                            .signature = "input:T condition:bool -> output:T | T=all | axis:i",
                            .infer = infer,
                            .lower = lower};

}  // namespace kinglet::ops
