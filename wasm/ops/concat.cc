#include "ops/boxes.h"

namespace kinglet::ops {

namespace {

struct Params {
  int axis;
};

Status run(const Params& p, Run& run) {
  const Tensor& out = run.out(0);
  int bytes = element_bytes(out.dtype());
  int64_t outer = out.shape().count(0, p.axis), row = out.shape().count(p.axis), at = 0;
  for (int i = 0; i < run.in_count(); ++i) {
    int64_t part = run.in(i).shape().count(p.axis);
    if (run.in(i).data() == out.data() + at * bytes) {
      at += part;
      continue;
    }
    kernels::Box box;
    box.add(outer, part, row);
    box.add(part, 1, 1);
    box.target_offset = at;
    at += part;
    collapse(&box);
    kernels::copy_box(box, bytes, run.in(i).data(), out.data(), run.parallel());
  }
  return {};
}

Status infer(InferContext& c) {
  Shape out = c.shape(0);
  KL_ASSIGN(int axis, normalize_axis(c.attributes().get_int("axis"), out.rank()));
  auto at = static_cast<size_t>(axis);
  for (int i = 1; i < c.input_count(); ++i) {
    Shape shape = c.shape(i);
    KL_REQUIRE(c.dtype(i) == c.dtype(0), kInvalidGraph, "input ", i, " is ", c.dtype(i), ", input 0 is ",
               c.dtype(0));
    KL_REQUIRE(shape.rank() == out.rank(), kInvalidShape, "input ", i, " has shape ", shape, ", input 0 has ",
               c.shape(0));
    KL_ASSIGN(int64_t sum, checked_add(out[at], shape[at]));
    shape[at] = out[at];
    KL_REQUIRE(shape == out, kInvalidShape, "input ", i, " has shape ", c.shape(i), ", input 0 has ",
               c.shape(0), "; only axis ", axis, " may differ");
    out[at] = sum;
  }
  c.output(0, c.dtype(0), out);
  return {};
}

Status lower(LowerContext& c) {
  if (c.input_count() == 1) {
    c.alias(0, 0);
    return {};
  }
  KL_ASSIGN(int axis, normalize_axis(c.attributes().get_int("axis"), c.rank(0)));
  add_move_step<run>(c, "copy/concat", c.dtype(0), Params{axis});
  if (is_sub_byte(c.dtype(0)) || c.out_shape(0).count(0, axis) != 1) return {};
  int64_t at = 0;
  for (int i = 0; i < c.input_count(); ++i) {
    c.piece({0, i, static_cast<size_t>(at * element_bytes(c.dtype(0))), true});
    at += c.shape(i).count();
  }
  return {};
}

}  // namespace

extern const OpDef concat{.domain = kOnnx,
                          .name = "Concat",
                          .signature = "inputs:T* -> concat_result:T | T=all | axis:i!",
                          .infer = infer,
                          .lower = lower};

}  // namespace kinglet::ops
