
#include "kernels/reduce/reduce.h"
#include "ops/axes.h"
#include "ops/context.h"

namespace kinglet::ops {

namespace {

// The axes to reduce; `later` when the input that holds them is not known yet, `noop` when nothing is to be
// done.
Result<Shape> reduced_axes(const OpContext& c, bool* later, bool* noop) {
  Shape axes;
  if (c.has_input(1)) {
    const Tensor* given = c.constant(1);
    if (given == nullptr) {
      *later = true;
      return axes;
    }
    KL_REQUIRE(given->rank() <= 1, kInvalidShape, "axes must have one dimension, it has ", given->rank());
    KL_ASSIGN(axes, given->to_ints());
    KL_ASSIGN(axes, normalize_axes(axes, c.rank(0)));
  }
  if (!axes.empty()) return axes;
  *noop = c.attributes().get_int("noop_with_empty_axes") != 0;
  for (int d = 0; d < c.rank(0) && !*noop; ++d) axes.push_back(d);
  return axes;
}

Status infer(InferContext& c) {
  bool later = false, noop = false;
  KL_ASSIGN(Shape axes, reduced_axes(c, &later, &noop));
  if (later) return c.later();
  bool keep = c.attributes().get_int("keepdims", 1) != 0;
  Shape out;
  for (int d = 0; d < c.rank(0); ++d) {
    bool reduced = std::ranges::find(axes, d) != axes.end();
    if (!reduced) out.push_back(c.shape(0).at(d));
    if (reduced && keep) out.push_back(1);
  }
  c.output(0, c.dtype(0), out);
  return {};
}

struct ReduceRow {
  std::string_view op;
  const char* kernel;
  FoldKind fold;
  Finish finish;
};
constexpr ReduceRow kRows[] = {
#define REDUCE(op, types, fold, finish) {#op, "reduce/" #op, FoldKind::k##fold, Finish::k##finish},
#include "kernels/reduce/reduce.inc"
};

Status run(const Reduction& r, Run& run) {
  run_reduction(r, run.in(0).data(), run.out(0).data(), run.parallel());
  return {};
}

Status lower(LowerContext& c) {
  bool later = false, noop = false;
  KL_ASSIGN(Shape axes, reduced_axes(c, &later, &noop));
  if (noop) {
    c.alias(0, 0);
    return {};
  }
  const ReduceRow& row = *std::ranges::find(kRows, c.node().def->name, &ReduceRow::op);
  Reduction r = plan_reduction(c.shape(0), axes);
  r.dtype = c.dtype(0);
  r.fold = row.fold;
  r.finish = row.finish;
  c.step<run>(row.kernel, r);
  return {};
}

#define KL_SUMMABLE "floats,int32,int64,uint32,uint64"
constexpr OpDef kReduce[] = {
#define REDUCE(op, types, fold, finish)                                                                 \
  {kOnnx, #op, "data:T axes:int64? -> reduced:T | T=" types " | keepdims:i=1 noop_with_empty_axes:i=0", \
   infer, lower},
#include "kernels/reduce/reduce.inc"
};
#undef KL_SUMMABLE

}  // namespace

// The rows of reduce.inc.
std::span<const OpDef> reduce() { return kReduce; }

}  // namespace kinglet::ops
