#include "ops/axes.h"
#include "ops/boxes.h"

namespace kinglet::ops {

namespace {

struct Params {
  kernels::Box box;
  Tensor zero;
};

Status run(const Params& p, Run& run) {
  const Tensor& out = run.out(0);
  int bytes = element_bytes(out.dtype());
  kernels::fill(bytes, p.zero.data(), out.data(), out.count(), run.parallel());
  kernels::copy_box(p.box, bytes, run.in(0).data(), out.data(), run.parallel());
  return {};
}

Status infer(InferContext& c) {
  const Tensor* wanted = c.constant(1);
  if (wanted == nullptr) return c.later();
  Shape out = c.shape(0), axes;
  KL_ASSIGN(Shape extents, wanted->to_ints());
  if (c.attributes().has("axes")) {
    KL_ASSIGN(axes, normalize_axes(c.attributes().get_ints("axes"), out.rank()));
  } else {
    for (int i = 0; i < out.rank(); ++i) axes.push_back(i);
  }
  KL_REQUIRE(extents.rank() == axes.rank(), kInvalidShape, "shape has ", extents.rank(), " entries for ",
             axes.rank(), " axes");
  for (size_t i = 0; i < axes.size(); ++i) out[static_cast<size_t>(axes[i])] = extents[i];
  c.output(0, c.dtype(0), out);
  return {};
}

Status lower(LowerContext& c) {
  const Shape &in = c.shape(0), &out = c.out_shape(0);
  Shape source = strides_of(in), target = strides_of(out);
  Params p;
  for (size_t i = 0; i < in.size(); ++i) {
    p.box.add(std::min(in[i], out[i]), source[i], target[i]);
    if (in[i] > out[i]) p.box.source_offset += (in[i] - out[i]) / 2 * source[i];
    if (in[i] < out[i]) p.box.target_offset += (out[i] - in[i]) / 2 * target[i];
  }
  collapse(&p.box);
  KL_ASSIGN(p.zero, element_of(c.dtype(0), 0));
  add_move_step<run>(c, "copy/center_crop_pad", c.dtype(0), std::move(p));
  return {};
}

}  // namespace

extern const OpDef center_crop_pad{
    .domain = kOnnx,
    .name = "CenterCropPad",
    .signature = "input_data:T shape:I -> output_data:T | T=all I=int32,int64 | axes:is",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
