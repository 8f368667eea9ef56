#include "kernels/sample/grid.h"

#include "ops/converted.h"

namespace kinglet::ops {

namespace {

using kernels::GridSample;

Status run(const GridSample& p, Run& run) {
  kernels::grid_sample(p, run.in(0), run.in(1), run.out(0), run.parallel());
  return {};
}

Result<GridSample> sample_of(const OpContext& c) {
  using kernels::SampleMode, kernels::SamplePadding;
  GridSample out{SampleMode::kLinear, SamplePadding::kZeros, c.attributes().get_int("align_corners") != 0};
  std::string_view mode = c.attributes().get_string("mode", "linear"),
                   padding = c.attributes().get_string("padding_mode", "zeros");
  if (mode == "nearest")
    out.mode = SampleMode::kNearest;
  else if (mode == "cubic")
    out.mode = SampleMode::kCubic;
  else
    KL_REQUIRE(mode == "linear", kInvalidGraph, "mode is ", mode);
  if (padding == "border")
    out.padding = SamplePadding::kBorder;
  else if (padding == "reflection")
    out.padding = SamplePadding::kReflection;
  else
    KL_REQUIRE(padding == "zeros", kInvalidGraph, "padding_mode is ", padding);
  return out;
}

Status infer(InferContext& c) {
  const Shape &in = c.shape(0), &grid = c.shape(1);
  int axes = in.rank() - 2;
  KL_ASSIGN([[maybe_unused]] GridSample sample, sample_of(c));
  KL_REQUIRE(axes >= 1 && axes <= kernels::kMaxSampleAxes, kInvalidShape, "X ", in, " must have 3 to ",
             kernels::kMaxSampleAxes + 2, " dimensions");
  KL_REQUIRE(grid.rank() == in.rank() && grid[0] == in[0] && grid.back() == axes, kInvalidShape, "grid ",
             grid, " does not fit X ", in);
  Shape out = grid;
  out.erase(grid.rank() - 1);
  out.insert(1, in[1]);
  KL_REQUIRE(in.count() > 0 || out.count(2) == 0 || in[0] * in[1] == 0, kInvalidShape, "X ", in,
             " has nothing to sample");
  c.output(0, c.dtype(0), out);
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(GridSample sample, sample_of(c));
  add_float_step<run>(c, "sample/grid", c.dtype(0), sample);
  return {};
}

}  // namespace

extern const OpDef grid_sample{
    .domain = kOnnx,
    .name = "GridSample",
    .signature =
        "X:T1 grid:T2 -> Y:T1 | T1=numeric,bool T2=floats | align_corners:i=0 mode:s='linear' "
        "padding_mode:s='zeros'",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
