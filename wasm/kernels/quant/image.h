#pragma once
// The image that the columns of a convolution are read from: the input, or its copy with a border of zero
// points.
#include <algorithm>

#include "base/checked.h"
#include "kernels/quant/conv.h"

namespace kinglet::quant_internal {

struct Image {
  size_t size[3];
  size_t plane;
  explicit Image(const ConvShape& s) {
    for (int i = 0; i < 3; ++i) size[i] = s.padded() ? std::max(s.reach(i), s.pad[i] + s.in[i]) : s.in[i];
    plane = size[0] * size[1] * size[2];
  }
};

// Bytes of all channels of such an image.
Result<size_t> image_bytes(const ConvShape& s);
// Copies all channels of one image into `out`.
void pad_image(const QuantConv& call, const Image& image, const uint8_t* x, uint8_t* out, Parallel& pool);

// The sum, each part rounded up to whole cache lines.
Result<size_t> checked_sum(std::initializer_list<Result<size_t>> parts);

}  // namespace kinglet::quant_internal
