#include "kernels/gather/gather.h"
#include "ops/converted.h"
#include "ops/element.h"

namespace kinglet::ops {

namespace {

struct Params {
  int batch_dims;
};

Status run(const Params& p, Run& run) {
  const Tensor &data = run.in(0), &indices = run.in(1);
  auto* offsets = reinterpret_cast<int64_t*>(run.scratch());
  KL_TRY(kernels::offsets_of_tuples(indices, data.shape(), p.batch_dims, offsets));
  int tuple = static_cast<int>(indices.shape().back());
  kernels::GatherRuns g{.bytes = element_bytes(data.dtype()),
                        .count = indices.shape().count(0, indices.rank() - 1),
                        .run = data.shape().count(p.batch_dims + tuple)};
  kernels::gather_runs(g, data.data(), offsets, run.out(0).data(), run.parallel());
  return {};
}

Status infer(InferContext& c) {
  const Shape &in = c.shape(0), &indices = c.shape(1);
  int64_t batch_dims = c.attributes().get_int("batch_dims");
  KL_REQUIRE(in.rank() >= 1 && indices.rank() >= 1, kInvalidShape, "data ", in, " and indices ", indices,
             " need at least one dimension");
  KL_REQUIRE(batch_dims >= 0 && batch_dims < std::min(in.rank(), indices.rank()), kInvalidShape,
             "batch_dims is ", batch_dims, " for data ", in, " and indices ", indices);
  int64_t tuple = indices.back();
  KL_REQUIRE(tuple >= 1 && tuple <= in.rank() - batch_dims, kInvalidShape, "the last extent of indices ",
             indices, " must be in 1..", in.rank() - batch_dims);
  int64_t rank = indices.rank() - 1 + in.rank() - batch_dims - tuple;
  KL_REQUIRE(rank <= kMaxRank, kLimitExceeded, "rank ", rank, " is above ", kMaxRank);
  Shape out = indices;
  out.erase(indices.rank() - 1);
  for (size_t i = 0; i < static_cast<size_t>(batch_dims); ++i)
    KL_REQUIRE(in[i] == indices[i], kInvalidShape, "data ", in, " and indices ", indices,
               " differ on batch axis ", i);
  for (auto i = static_cast<size_t>(batch_dims + tuple); i < in.size(); ++i) out.push_back(in[i]);
  c.output(0, c.dtype(0), out);
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(size_t bytes,
            checked_narrow<size_t>(c.shape(1).count() / std::max<int64_t>(c.shape(1).back(), 1) * 8));
  c.scratch(bytes);
  add_move_step<run>(c, "gather/tuples", c.dtype(0),
                     Params{static_cast<int>(c.attributes().get_int("batch_dims"))});
  return {};
}

}  // namespace

extern const OpDef gather_nd{.domain = kOnnx,
                             .name = "GatherND",
                             .signature = "data:T indices:int64 -> output:T | T=all | batch_dims:i=0",
                             .infer = infer,
                             .lower = lower};

}  // namespace kinglet::ops
