#include "kernels/copy/copy.h"
#include "ops/converted.h"
#include "ops/element.h"
#include "ops/scatter.h"

namespace kinglet {

Result<kernels::Combine> scatter_reduction(const OpContext& c) {
  static constexpr std::string_view kNames[] = {"none", "add", "mul", "max", "min"};
  std::string_view wanted = c.attributes().get_string("reduction", "none");
  auto* it = std::ranges::find(kNames, wanted);
  KL_REQUIRE(it != std::end(kNames), kInvalidGraph, "reduction is ", wanted);
  auto op = static_cast<kernels::Combine>(it - kNames);
  KL_REQUIRE(kernels::can_combine(c.dtype(0), op), kUnsupportedType, "reduction ", wanted, " of ",
             c.dtype(0));
  return op;
}

namespace ops {

namespace {

struct Params {
  int axis;
  kernels::Combine op;
};

Status run(const Params& p, Run& run) {
  const Tensor &data = run.in(0), &indices = run.in(1), &out = run.out(0);
  auto* offsets = reinterpret_cast<int64_t*>(run.scratch());
  KL_TRY(kernels::offsets_of_elements(indices, data.shape(), p.axis, offsets));
  if (out.data() != data.data())
    kernels::copy_run(element_bytes(data.dtype()), data.data(), out.data(), data.count());
  kernels::scatter_runs(data.dtype(), p.op, run.in(2).data(), offsets, indices.count(), 1, out.data());
  return {};
}

Status infer(InferContext& c) {
  const Shape &in = c.shape(0), &indices = c.shape(1);
  KL_ASSIGN(int axis, normalize_axis(c.attributes().get_int("axis"), in.rank()));
  KL_ASSIGN([[maybe_unused]] auto op, scatter_reduction(c));
  KL_REQUIRE(indices.rank() == in.rank() && indices == c.shape(2), kInvalidShape, "data ", in, ", indices ",
             indices, " and updates ", c.shape(2), " do not fit");
  for (int i = 0; i < in.rank(); ++i) {
    KL_REQUIRE(i == axis || indices.at(i) <= in.at(i), kInvalidShape, "indices ", indices,
               " are larger than data ", in, " on axis ", i);
  }
  c.output(0, c.dtype(0), in);
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(int axis, normalize_axis(c.attributes().get_int("axis"), c.rank(0)));
  KL_ASSIGN(auto op, scatter_reduction(c));
  KL_ASSIGN(size_t bytes, checked_narrow<size_t>(c.shape(1).count() * 8));
  c.scratch(bytes);
  c.in_place(0, 0);
  add_move_step<run>(c, "scatter/elements", c.dtype(0), Params{axis, op});
  return {};
}

}  // namespace

extern const OpDef scatter_elements{
    .domain = kOnnx,
    .name = "ScatterElements",
    .signature = "data:T indices:I updates:T -> output:T | T=all I=int32,int64 | axis:i=0 reduction:s='none'",
    .infer = infer,
    .lower = lower};

}  // namespace ops
}  // namespace kinglet
