#pragma once
// Convolution and transposed convolution of 1 to 3 spatial dimensions, channels first, dense.
// Elements: float and double.
#include <cstddef>
#include <cstdint>
#include <limits>

#include "base/parallel.h"
#include "base/result.h"
#include "kernels/matmul/activation.h"

namespace kinglet {

// Spatial arrays are depth, height, width; dimensions that the tensors lack have extent, kernel, stride and
// dilation 1 and no padding, from the front.
struct ConvShape {
  size_t images = 1, groups = 1;
  size_t in_channels = 1, out_channels = 1;  // of one group
  size_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1};
  size_t kernel[3] = {1, 1, 1}, stride[3] = {1, 1, 1}, dilation[3] = {1, 1, 1};
  size_t pad[3] = {0, 0, 0};  // before the first element; what lies behind the last follows from `out`

  size_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
  size_t in_size() const { return in[0] * in[1] * in[2]; }
  size_t out_size() const { return out[0] * out[1] * out[2]; }
  bool unit_stride() const { return stride[0] == 1 && stride[1] == 1 && stride[2] == 1; }
  // Elements of dimension i that a convolution reads, padding included.
  size_t reach(int i) const {
    return out[i] == 0 ? 0 : (out[i] - 1) * stride[i] + (kernel[i] - 1) * dilation[i] + 1;
  }
  bool padded(int i) const { return pad[i] > 0 || reach(i) > in[i]; }
  bool padded() const { return padded(0) || padded(1) || padded(2); }
  bool empty() const { return images == 0 || groups == 0 || out_channels == 0 || out_size() == 0; }
};

// What a convolution sees of its input: max(scale * x + shift, floor), for each channel.
struct ConvInput {
  const float* scale = nullptr;
  const float* shift = nullptr;  // null: zeros
  size_t image = 0;              // from one image's scales to the next one's: 0, or the number of channels
  float floor = -std::numeric_limits<float>::infinity();
};

// y = activation(conv(x, w) + bias + residual)
//   x [images, groups * in_channels, in...]; pointwise_scaled, and it alone, sees it through `input`
//   w [groups * out_channels, in_channels, kernel...], packed by conv_pack
//   bias null or [groups * out_channels]; residual null or as y, may be y itself
//   y [images, groups * out_channels, out...]
template <class T>
struct Conv {
  ConvShape shape{};
  const T* x = nullptr;
  const T* w = nullptr;
  const T* bias = nullptr;
  const T* residual = nullptr;
  T* y = nullptr;
  Activation activation{};  // float only
  ConvInput input{};
};

enum class ConvKernel : uint8_t {
#define CONV(name, accepts, pays) k_##name,
#include "kernels/conv/conv.inc"
#undef CONV
  kCount
};
const char* conv_kernel_name(ConvKernel kernel);
// Whether this kernel can do it.
template <class T>
bool conv_accepts(const ConvShape& shape, ConvKernel kernel);
// The kernel expected to be the fastest.
template <class T>
ConvKernel select_conv(const ConvShape& shape);

// The packed form of the weights belongs to the kernel.
template <class T>
Result<size_t> conv_packed_bytes(const ConvShape& shape, ConvKernel kernel);
template <class T>
void conv_pack(const ConvShape& shape, ConvKernel kernel, const T* w, T* packed);
template <class T>
Result<size_t> conv_scratch_bytes(const ConvShape& shape, ConvKernel kernel, int threads);
// Leaves y unfinished when `pool` is cancelled.
template <class T>
void conv(const Conv<T>& call, ConvKernel kernel, void* scratch, Parallel& pool);

// The judge; `w` is not packed.
template <class T>
void conv_reference(const Conv<T>& call);

// Transposed convolution: `in` and `out` of the shape are those of x and y, so that
// y[o * stride + tap * dilation - pad] += x[o] w[tap]; outputs that nothing reaches are the bias.
//   w [groups * in_channels, out_channels, kernel...]
// `residual` is not used.
template <class T>
Result<size_t> conv_transpose_packed_bytes(const ConvShape& shape);
template <class T>
void conv_transpose_pack(const ConvShape& shape, const T* w, T* packed);
template <class T>
Result<size_t> conv_transpose_scratch_bytes(const ConvShape& shape, int threads);
template <class T>
void conv_transpose(const Conv<T>& call, void* scratch, Parallel& pool);
template <class T>
void conv_transpose_reference(const Conv<T>& call);

}  // namespace kinglet
