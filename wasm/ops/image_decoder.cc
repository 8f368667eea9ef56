#include <algorithm>

#include "base/host.h"
#include "ops/context.h"

#ifndef __EMSCRIPTEN__
int32_t kl_picture_find(const void*, size_t, int32_t*) { return 0; }
void kl_picture_read(int32_t, void*) {}
#endif

namespace kinglet::ops {

namespace {

constexpr std::string_view kFormats[] = {"RGB", "BGR", "Grayscale"};

struct Params {
  int32_t format;  // place in kFormats
};

Status run(const Params& p, Run& run) {
  const Tensor& in = run.in(0);
  int32_t extents[2];
  KL_REQUIRE(kl_picture_find(in.data(), in.bytes(), extents), kUnsupportedFeature,
             "the host has not decoded the picture");
  KL_ASSIGN(Tensor out, run.alloc_out(0, DType::kUInt8, {extents[0], extents[1], p.format == 2 ? 1 : 3}));
  kl_picture_read(p.format, out.data());
  return {};
}

Status infer(InferContext& c) {
  KL_REQUIRE(c.rank(0) == 1, kInvalidShape, "encoded_stream has shape ", c.shape(0));
  c.output_unknown(0, DType::kUInt8);
  return {};
}

Status lower(LowerContext& c) {
  std::string_view format = c.attributes().get_string("pixel_format", "RGB");
  auto at = std::ranges::find(kFormats, format);
  KL_REQUIRE(at != std::end(kFormats), kInvalidGraph, "pixel_format is ", format);
  c.step<run>("host/picture", Params{static_cast<int32_t>(at - kFormats)});
  return {};
}

}  // namespace

// Not folded: no host is asked while a model is opened.
extern const OpDef image_decoder{.domain = kOnnx,
                                 .name = "ImageDecoder",
                                 .signature = "encoded_stream:uint8 -> image:uint8 | | pixel_format:s='RGB'",
                                 .infer = infer,
                                 .lower = lower,
                                 .deterministic = false};

}  // namespace kinglet::ops
