#include "kernels/softmax/softmax.h"
#include "ops/context.h"

namespace kinglet::ops {

namespace {

Status infer(InferContext& c) {
  if (c.rank(0) != 0) {
    KL_ASSIGN([[maybe_unused]] int axis, normalize_axis(c.attributes().get_int("axis", -1), c.rank(0)));
  }
  c.output(0, c.dtype(0), c.shape(0));
  return {};
}

Status run(const Softmax& s, Run& run) {
  run_softmax(s, run.in(0).data(), run.out(0).data(), run.parallel());
  return {};
}

template <bool kLog>
Status lower(LowerContext& c) {
  const Shape& shape = c.shape(0);
  Softmax s{c.dtype(0), 1, 1, 1, kLog};
  if (!shape.empty()) {
    KL_ASSIGN(int axis, normalize_axis(c.attributes().get_int("axis", -1), shape.rank()));
    s.outer = shape.count(0, axis);
    s.length = shape.at(axis);
    s.inner = shape.count(axis + 1);
  }
  c.step<run>(s.inner == 1 ? "softmax/rows" : "softmax/columns", s);
  c.in_place(0, 0);
  return {};
}

constexpr OpDef kSoftmax[] = {
    {kOnnx, "Softmax", "input:T -> output:T | T=floats | axis:i=-1", infer, lower<false>},
    {kOnnx, "LogSoftmax", "input:T -> output:T | T=floats | axis:i=-1", infer, lower<true>},
};

}  // namespace

std::span<const OpDef> softmax() { return kSoftmax; }

}  // namespace kinglet::ops
