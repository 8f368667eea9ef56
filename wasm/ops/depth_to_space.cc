#include "ops/boxes.h"

namespace kinglet::ops {

namespace {

Result<int64_t> block_of(const OpContext& c) {
  int64_t block = c.attributes().get_int("blocksize");
  KL_REQUIRE(c.rank(0) == 4, kInvalidShape, "input ", c.shape(0), " must have four dimensions");
  KL_REQUIRE(block >= 1 && block < int64_t{1} << 24, kInvalidArgument, "blocksize is ", block);
  return block;
}

Status infer(InferContext& c) {
  KL_ASSIGN(int64_t block, block_of(c));
  std::string_view mode = c.attributes().get_string("mode", "DCR");
  KL_REQUIRE(mode == "DCR" || mode == "CRD", kInvalidGraph, "mode is ", mode);
  const Shape& in = c.shape(0);
  KL_REQUIRE(in[1] % (block * block) == 0, kInvalidShape, "the channels of ", in,
             " are no multiple of blocksize ", block, " squared");
  KL_ASSIGN(int64_t height, checked_mul(in[2], block));
  KL_ASSIGN(int64_t width, checked_mul(in[3], block));
  c.output(0, c.dtype(0), {in[0], in[1] / (block * block), height, width});
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(int64_t block, block_of(c));
  const Shape &in = c.shape(0), &out = c.out_shape(0);
  Shape s = strides_of(in), t = strides_of(out);
  // Input channels are (block row, block column, channel), or (channel, block row, block column).
  bool blocks_first = c.attributes().get_string("mode", "DCR") == "DCR";
  int64_t column = blocks_first ? out[1] * s[1] : s[1], row = column * block;
  int64_t channel = blocks_first ? s[1] : s[1] * block * block;
  kernels::Box box;
  box.add(out[0], s[0], t[0]);
  box.add(out[1], channel, t[1]);
  box.add(in[2], s[2], t[2] * block);
  box.add(block, row, t[2]);
  box.add(in[3], s[3], block);
  box.add(block, column, 1);
  add_box_step(c, "copy/depth_to_space", std::move(box));
  return {};
}

}  // namespace

extern const OpDef depth_to_space{.domain = kOnnx,
                                  .name = "DepthToSpace",
                                  .signature = "input:T -> output:T | T=all | blocksize:i! mode:s='DCR'",
                                  .infer = infer,
                                  .lower = lower};

}  // namespace kinglet::ops
