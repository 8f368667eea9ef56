#include "ops/axes.h"
#include "ops/boxes.h"

namespace kinglet::ops {

namespace {

Result<Shape> permutation(const OpContext& c) {
  int rank = c.rank(0);
  if (!c.attributes().has("perm")) {
    Shape reversed;
    for (int i = rank; i-- > 0;) reversed.push_back(i);
    return reversed;
  }
  std::span<const int64_t> perm = c.attributes().get_ints("perm");
  KL_REQUIRE(perm.size() == static_cast<size_t>(rank), kInvalidShape, "perm ", perm, " does not fit rank ",
             rank);
  return normalize_axes(perm, rank);
}

Status infer(InferContext& c) {
  KL_ASSIGN(Shape perm, permutation(c));
  Shape out;
  for (int64_t p : perm) out.push_back(c.shape(0).at(static_cast<int>(p)));
  c.output(0, c.dtype(0), out);
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(Shape perm, permutation(c));
  Shape in_strides = strides_of(c.shape(0)), out_strides = strides_of(c.out_shape(0)), source;
  for (int64_t p : perm) source.push_back(in_strides.at(static_cast<int>(p)));
  add_box_step(c, "copy/transpose", kernels::make_box(c.out_shape(0), source, out_strides));
  return {};
}

}  // namespace

extern const OpDef transpose{.domain = kOnnx,
                             .name = "Transpose",
                             .signature = "data:T -> transposed:T | T=all | perm:is",
                             .infer = infer,
                             .lower = lower};

}  // namespace kinglet::ops
