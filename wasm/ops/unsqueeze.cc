#include "ops/axes.h"
#include "ops/context.h"

namespace kinglet::ops {

namespace {

Status infer(InferContext& c) {
  const Tensor* list = c.constant(1);
  if (list == nullptr) return c.later();
  KL_ASSIGN(Shape values, list->to_ints());
  int rank = c.rank(0) + values.rank();
  KL_REQUIRE(rank <= kMaxRank, kLimitExceeded, "rank ", rank, " is above ", kMaxRank);
  KL_ASSIGN(Shape axes, normalize_axes(values, rank));
  Shape out = Shape::filled(rank, -1);
  for (int64_t a : axes) out[static_cast<size_t>(a)] = 1;
  size_t next = 0;
  for (int64_t& d : out) {
    if (d < 0) d = c.shape(0)[next++];
  }
  c.output(0, c.dtype(0), out);
  return {};
}

Status lower(LowerContext& c) {
  c.alias(0, 0);
  return {};
}

}  // namespace

extern const OpDef unsqueeze{.domain = kOnnx,
                             .name = "Unsqueeze",
                             .signature = "data:T axes:int64 -> expanded:T | T=all",
                             .infer = infer,
                             .lower = lower};

}  // namespace kinglet::ops
