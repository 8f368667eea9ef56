#pragma once
// Convolution of 8-bit tensors with exact 32-bit sums; see product.h for what follows the sums.
#include "kernels/conv/conv.h"
#include "kernels/quant/product.h"

namespace kinglet {

//   x [images, groups * in_channels, in...]
//   w [groups * out_channels, in_channels, kernel...], packed by quant_conv_pack
//   y [images, groups * out_channels, out...]
// Padding is x_zero.
struct QuantConv {
  ConvShape shape{};
  const uint8_t* x = nullptr;
  bool x_signed = false;
  int32_t x_zero = 0;
  const uint8_t* w = nullptr;
  bool w_signed = false;
  // One value, or one for each output channel of all groups; null: 0.
  const int32_t* w_zero = nullptr;
  bool w_zero_channels = false;
  // One for each output channel, or null. Without channel_scale `scale` counts.
  const int32_t* bias = nullptr;
  const float* channel_scale = nullptr;
  float scale = 1;
  int32_t y_zero = 0;
  QuantResult result = QuantResult::kInt32;  // not kFloat32
  void* y = nullptr;
};

enum class QuantConvKernel : uint8_t { kProduct, kDepthwise, kWinograd, kCount };
// Of a call whose weights are not packed; null where they and their zero points are not known yet.
bool quant_conv_accepts(const QuantConv& call, QuantConvKernel kernel);
// The kernel expected to be the fastest.
QuantConvKernel select_quant_conv(const QuantConv& call);
const char* quant_conv_name(const ConvShape& shape, QuantConvKernel kernel);

Result<size_t> quant_conv_packed_bytes(const ConvShape& shape, QuantConvKernel kernel);
// Winograd's form holds the zero point of the weights, which is one for all channels.
void quant_conv_pack(const QuantConv& call, QuantConvKernel kernel, uint8_t* packed);
Result<size_t> quant_conv_scratch_bytes(const ConvShape& shape, QuantConvKernel kernel, int threads);
// Leaves y unfinished when `pool` is cancelled.
void quant_conv(const QuantConv& call, QuantConvKernel kernel, void* scratch, Parallel& pool);

// The judge; `w` is not packed.
void quant_conv_reference(const QuantConv& call);

}  // namespace kinglet
