#include <cstring>

#include "kernels/reduce/scan.h"
#include "ops/context.h"

namespace kinglet::ops {

namespace {

Scan scan_along(DType dtype, const Shape& shape, int axis) {
  if (shape.empty()) return {dtype, 1, 1, 1};
  return {dtype, shape.count(0, axis), shape.at(axis), shape.count(axis + 1)};
}
// A scalar has the axis 0 too.
Result<int> axis_of(const OpContext& c, int64_t axis) { return normalize_axis(axis, std::max(1, c.rank(0))); }

// ArgMax, ArgMin

Status infer_arg(InferContext& c) {
  KL_ASSIGN(int axis, axis_of(c, c.attributes().get_int("axis")));
  Shape out = c.shape(0);
  if (!out.empty()) {
    KL_REQUIRE(out.at(axis) > 0 || out.count(0, axis) * out.count(axis + 1) == 0, kInvalidShape, "axis ",
               axis, " of ", out, " is empty");
    if (c.attributes().get_int("keepdims", 1) != 0)
      out[static_cast<size_t>(axis)] = 1;
    else
      out.erase(axis);
  }
  c.output(0, DType::kInt64, out);
  return {};
}

struct ArgStep {
  Scan scan;
  bool largest, last;
};
Status run_arg_step(const ArgStep& s, Run& run) {
  run_arg(s.scan, s.largest, s.last, run.in(0).data(), run.out(0).data<int64_t>(), run.parallel());
  return {};
}
Status lower_arg(LowerContext& c) {
  KL_ASSIGN(int axis, axis_of(c, c.attributes().get_int("axis")));
  bool largest = c.node().def->name == "ArgMax";
  c.step<run_arg_step>(largest ? "reduce/ArgMax" : "reduce/ArgMin",
                       ArgStep{scan_along(c.dtype(0), c.shape(0), axis), largest,
                               c.attributes().get_int("select_last_index") != 0});
  return {};
}

// Hardmax: 1 at the first largest element, 0 elsewhere.

Status infer_hardmax(InferContext& c) {
  KL_ASSIGN([[maybe_unused]] int axis, axis_of(c, c.attributes().get_int("axis", -1)));
  c.output(0, c.dtype(0), c.shape(0));
  return {};
}
Status run_hardmax(const Scan& s, Run& run) {
  auto* index = reinterpret_cast<int64_t*>(run.scratch());
  run_arg(s, true, false, run.in(0).data(), index, run.parallel());
  const Tensor& out = run.out(0);
  std::memset(out.data(), 0, out.bytes());
  const float one = 1;
  for (int64_t i = 0; i < s.outer * s.inner; ++i) {
    int64_t at = (i / s.inner * s.length + index[i]) * s.inner + i % s.inner;
    store_run(Compute::kF32, &one, s.dtype, out.data(), at, 1);
  }
  return {};
}
Status lower_hardmax(LowerContext& c) {
  KL_ASSIGN(int axis, axis_of(c, c.attributes().get_int("axis", -1)));
  Scan s = scan_along(c.dtype(0), c.shape(0), axis);
  c.scratch(static_cast<size_t>(s.outer * s.inner) * 8);
  c.step<run_hardmax>("reduce/Hardmax", s);
  return {};
}

// CumSum: the axis is an input.

Status infer_cumsum(InferContext& c) {
  KL_REQUIRE(c.shape(1).count() == 1, kInvalidShape, "axis has shape ", c.shape(1), ", not one element");
  c.output(0, c.dtype(0), c.shape(0));
  return {};
}
struct CumSumStep {
  bool exclusive, reverse;
};
Status run_cumsum_step(const CumSumStep& s, Run& run) {
  const Tensor& in = run.in(0);
  KL_ASSIGN(Shape given, run.in(1).to_ints());
  KL_ASSIGN(int axis, normalize_axis(given[0], std::max(1, in.rank())));
  run_cumsum(scan_along(in.dtype(), in.shape(), axis), s.exclusive, s.reverse, in.data(), run.out(0).data(),
             run.parallel());
  return {};
}
Status lower_cumsum(LowerContext& c) {
  c.step<run_cumsum_step>("reduce/CumSum", CumSumStep{c.attributes().get_int("exclusive") != 0,
                                                      c.attributes().get_int("reverse") != 0});
  c.in_place(0, 0);
  return {};
}

// TopK

Status infer_topk(InferContext& c) {
  const Tensor* count = c.constant(1);
  if (count == nullptr) return c.later();
  KL_REQUIRE(count->count() == 1, kInvalidShape, "K has shape ", count->shape(), ", not one element");
  KL_ASSIGN(int axis, axis_of(c, c.attributes().get_int("axis", -1)));
  KL_REQUIRE(c.rank(0) > 0, kInvalidShape, "input is a scalar");
  KL_ASSIGN(Shape counts, count->to_ints());
  int64_t k = counts[0];
  Shape out = c.shape(0);
  KL_REQUIRE(k >= 0 && k <= out.at(axis), kInvalidArgument, "K is ", k, ", axis ", axis, " of ", out,
             " has fewer");
  out[static_cast<size_t>(axis)] = k;
  c.output(0, c.dtype(0), out);
  c.output(1, DType::kInt64, out);
  return {};
}
struct TopKStep {
  Scan scan;
  int64_t k;
  bool largest;
  size_t spare;  // where in scratch an output goes that nobody wants
};
Status run_topk_step(const TopKStep& s, Run& run) {
  std::byte* spare = run.scratch() + s.spare;
  run_topk(s.scan, s.k, s.largest, run.in(0).data(), run.has_out(0) ? run.out(0).data() : spare,
           run.has_out(1) ? run.out(1).data<int64_t>() : reinterpret_cast<int64_t*>(spare), run.scratch(),
           run.parallel());
  return {};
}
Status lower_topk(LowerContext& c) {
  KL_ASSIGN(int axis, axis_of(c, c.attributes().get_int("axis", -1)));
  const Shape& shape = c.shape(0);
  // Either output may be unwanted.
  int64_t k = c.out_shape(c.has_output(0) ? 0 : 1).at(axis);
  TopKStep s{scan_along(c.dtype(0), shape, axis), k, c.attributes().get_int("largest", 1) != 0,
             align_up(topk_scratch(k, c.threads()), 16)};
  auto elements = static_cast<size_t>(s.scan.outer * k * s.scan.inner);
  bool all = c.has_output(0) && c.has_output(1);
  c.scratch(s.spare + (all ? 0 : elements * 8) + 16);
  c.step<run_topk_step>("reduce/TopK", s);
  return {};
}

#define KL_ARG(op)                                                                                 \
  {kOnnx, op, "data:T -> reduced:int64 | T=numeric | axis:i=0 keepdims:i=1 select_last_index:i=0", \
   infer_arg, lower_arg}
constexpr OpDef kScans[] = {
    KL_ARG("ArgMax"),
    KL_ARG("ArgMin"),
    {kOnnx, "Hardmax", "input:T -> output:T | T=floats | axis:i=-1", infer_hardmax, lower_hardmax},
    {kOnnx, "CumSum",
     "x:T axis:int32,int64 -> y:T | T=floats,int32,int64,uint32,uint64 | exclusive:i=0 reverse:i=0",
     infer_cumsum, lower_cumsum},
    {kOnnx, "TopK", "X:T K:int64 -> Values:T Indices:int64 | T=numeric | axis:i=-1 largest:i=1 sorted:i=1",
     infer_topk, lower_topk},
};
#undef KL_ARG

}  // namespace

std::span<const OpDef> scans() { return kScans; }

}  // namespace kinglet::ops
