#include "ops/boxes.h"

namespace kinglet::ops {

namespace {

Status infer(InferContext& c) {
  int64_t block = c.attributes().get_int("blocksize");
  const Shape& in = c.shape(0);
  KL_REQUIRE(in.rank() == 4, kInvalidShape, "input ", in, " must have four dimensions");
  KL_REQUIRE(block >= 1 && block < int64_t{1} << 24, kInvalidArgument, "blocksize is ", block);
  KL_REQUIRE(in[2] % block == 0 && in[3] % block == 0, kInvalidShape, "height and width of ", in,
             " are no multiples of blocksize ", block);
  KL_ASSIGN(int64_t channels, checked_mul(in[1], block * block));
  c.output(0, c.dtype(0), {in[0], channels, in[2] / block, in[3] / block});
  return {};
}

Status lower(LowerContext& c) {
  int64_t block = c.attributes().get_int("blocksize");
  const Shape &in = c.shape(0), &out = c.out_shape(0);
  Shape s = strides_of(in), t = strides_of(out);
  kernels::Box box;
  box.add(in[0], s[0], t[0]);
  box.add(block, s[2], block * in[1] * t[1]);
  box.add(block, 1, in[1] * t[1]);
  box.add(in[1], s[1], t[1]);
  box.add(out[2], s[2] * block, t[2]);
  box.add(out[3], block, 1);
  add_box_step(c, "copy/space_to_depth", std::move(box));
  return {};
}

}  // namespace

extern const OpDef space_to_depth{.domain = kOnnx,
                                  .name = "SpaceToDepth",
                                  .signature = "input:T -> output:T | T=all | blocksize:i!",
                                  .infer = infer,
                                  .lower = lower};

}  // namespace kinglet::ops
