#pragma once
// What Conv, FusedConv and ConvTranspose share: extents from shapes and attributes, every number checked.
#include "kernels/conv/conv.h"
#include "ops/context.h"

namespace kinglet {

// From X, W (and B, if given) and kernel_shape, strides, dilations, pads, auto_pad, group. One to three
// spatial dimensions. W and B are the inputs `weights` and `bias`.
Result<ConvShape> conv_shape(const OpContext& c, int weights = 1, int bias = 2);
// The same for ConvTranspose, with output_padding and output_shape.
Result<ConvShape> conv_transpose_shape(const OpContext& c);
// [N, channels, out...] with as many spatial dimensions as X has.
Shape conv_output(const OpContext& c, const ConvShape& shape);

}  // namespace kinglet
