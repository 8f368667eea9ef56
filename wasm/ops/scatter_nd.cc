#include "kernels/copy/copy.h"
#include "ops/converted.h"
#include "ops/element.h"
#include "ops/scatter.h"

namespace kinglet::ops {

namespace {

struct Params {
  kernels::Combine op;
};

Status run(const Params& p, Run& run) {
  const Tensor &data = run.in(0), &indices = run.in(1), &out = run.out(0);
  auto* offsets = reinterpret_cast<int64_t*>(run.scratch());
  KL_TRY(kernels::offsets_of_tuples(indices, data.shape(), 0, offsets));
  if (out.data() != data.data())
    kernels::copy_run(element_bytes(data.dtype()), data.data(), out.data(), data.count());
  int64_t count = indices.shape().count(0, indices.rank() - 1);
  int64_t length = data.shape().count(static_cast<int>(indices.shape().back()));
  kernels::scatter_runs(data.dtype(), p.op, run.in(2).data(), offsets, count, length, out.data());
  return {};
}

Status infer(InferContext& c) {
  const Shape &in = c.shape(0), &indices = c.shape(1);
  KL_ASSIGN([[maybe_unused]] auto op, scatter_reduction(c));
  KL_REQUIRE(in.rank() >= 1 && indices.rank() >= 1, kInvalidShape, "data ", in, " and indices ", indices,
             " need at least one dimension");
  int64_t tuple = indices.back();
  KL_REQUIRE(tuple >= 0 && tuple <= in.rank(), kInvalidShape, "the last extent of indices ", indices,
             " must be in 0..", in.rank());
  KL_REQUIRE(indices.rank() - 1 + in.rank() - tuple <= kMaxRank, kLimitExceeded,
             "the rank of updates is above ", kMaxRank);
  Shape updates = indices;
  updates.erase(indices.rank() - 1);
  for (auto i = static_cast<size_t>(tuple); i < in.size(); ++i) updates.push_back(in[i]);
  KL_REQUIRE(updates == c.shape(2), kInvalidShape, "updates have shape ", c.shape(2), ", expected ", updates);
  c.output(0, c.dtype(0), in);
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(auto op, scatter_reduction(c));
  KL_ASSIGN(size_t bytes, checked_narrow<size_t>(c.shape(1).count(0, c.rank(1) - 1) * 8));
  c.scratch(bytes);
  c.in_place(0, 0);
  add_move_step<run>(c, "scatter/tuples", c.dtype(0), Params{op});
  return {};
}

}  // namespace

extern const OpDef scatter_nd{
    .domain = kOnnx,
    .name = "ScatterND",
    .signature = "data:T indices:int64 updates:T -> output:T | T=all | reduction:s='none'",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
