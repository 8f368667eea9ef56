// Crop and ImageScaler: experimental operators of the first opsets of ai.onnx, which converters still write.
#include <limits>

#include "ops/expand.h"

namespace kinglet::ops {

namespace {

// border: left, top, right, bottom; scale: height and width of what is kept instead of right and bottom.
Status expand_crop(ExpandContext& c) {
  auto border = c.attributes().get_ints("border"), scale = c.attributes().get_ints("scale");
  KL_REQUIRE(border.size() == 4, kInvalidGraph, "border has ", border.size(), " values, expected 4");
  KL_REQUIRE(scale.empty() || scale.size() == 2, kInvalidGraph, "scale has ", scale.size(),
             " values, expected 2");
  for (int64_t b : border)
    KL_REQUIRE(b >= 0 && b < (int64_t{1} << 32), kInvalidGraph, "border has the value ", b);
  for (int64_t s : scale)
    KL_REQUIRE(s > 0 && s < (int64_t{1} << 32), kInvalidGraph, "scale has the value ", s);
  auto end = [&](size_t start, size_t opposite, size_t kept) {
    if (!scale.empty()) return border[start] + scale[kept];
    return border[opposite] == 0 ? std::numeric_limits<int64_t>::max() : -border[opposite];
  };
  ValueId starts = c.ints({border[1], border[0]}), ends = c.ints({end(1, 3, 0), end(0, 2, 1)});
  c.output(0, c.op("Slice", {c.input(0), starts, ends, c.ints({2, 3})}));
  return {};
}

// scale x + bias[channel]
Status expand_scaler(ExpandContext& c) {
  auto bias = c.attributes().get_floats("bias");
  ValueId scale = c.scalar(0, static_cast<double>(c.attributes().get_float("scale", 1)));
  KL_ASSIGN(Tensor list, Tensor::of<float>({static_cast<int64_t>(bias.size()), 1, 1}, bias));
  ValueId added = c.op("CastLike", {c.constant(std::move(list)), c.input(0)});
  c.output(0, c.op("Add", {c.op("Mul", {c.input(0), scale}), added}));
  return {};
}

constexpr OpDef kImage[] = {
    {.domain = kOnnx,
     .name = "Crop",
     .signature = "input:T -> output:T | T=all | border:is! scale:is",
     .expand = expand_crop},
    {.domain = kOnnx,
     .name = "ImageScaler",
     .signature = "input:T -> output:T | T=floats | bias:fs! scale:f=1",
     .expand = expand_scaler},
};

}  // namespace

std::span<const OpDef> image_ops() { return kImage; }

}  // namespace kinglet::ops
