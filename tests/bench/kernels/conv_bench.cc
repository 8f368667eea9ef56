// Every conv kernel that accepts a shape, and transposed convolution, for shapes of real networks. GFLOP/s
// are those of the definition, so that a kernel with fewer multiplications may pass the limit.
#include <cstring>
#include <string>
#include <vector>

#include "bench/kernels/benches.h"
#include "bench/kernels/timing.h"
#include "kernels/conv/conv.h"

namespace kinglet::bench {

namespace {

struct Case {
  const char* network;
  size_t groups, in_channels, out_channels, height, width, kernel, stride, dilation = 1;
};

// Padding is half the kernel.
constexpr Case kCases[] = {
    {"ResNet-50 stem 7x7/2", 1, 3, 64, 224, 224, 7, 2},
    {"MobileNet stem 3x3/2", 1, 3, 32, 224, 224, 3, 2},
    {"OCR det stem 3x3/2", 1, 3, 16, 320, 640, 3, 2},
    {"SqueezeNet stem 3x3/2", 1, 3, 64, 224, 224, 3, 2},
    {"ResNet-50 res2 3x3", 1, 64, 64, 56, 56, 3, 1},
    {"ResNet-50 res3 3x3", 1, 128, 128, 28, 28, 3, 1},
    {"ResNet-50 res4 3x3", 1, 256, 256, 14, 14, 3, 1},
    {"ResNet-50 res5 3x3", 1, 512, 512, 7, 7, 3, 1},
    {"ResNet-50 res3 3x3/2", 1, 128, 128, 56, 56, 3, 2},
    {"ResNet-18 res3 3x3/2", 1, 64, 128, 56, 56, 3, 2},
    {"YOLO 3x3/2", 1, 32, 64, 160, 160, 3, 2},
    {"ResNet-50 res3 1x1/2", 1, 256, 512, 56, 56, 1, 2},
    {"ResNet-50 res4 3x3/2", 1, 256, 256, 28, 28, 3, 2},
    {"ResNet-50 res5 3x3/2", 1, 512, 512, 14, 14, 3, 2},
    {"ResNet-50 res4 1x1/2", 1, 512, 1024, 28, 28, 1, 2},
    {"ResNet-50 res5 1x1/2", 1, 1024, 2048, 14, 14, 1, 2},
    {"ResNet-50 res4 1x1", 1, 1024, 256, 14, 14, 1, 1},
    {"ResNet-50 res4 1x1 up", 1, 256, 1024, 14, 14, 1, 1},
    {"ResNet-50 res5 1x1", 1, 2048, 512, 7, 7, 1, 1},
    {"ResNet-50 res5 1x1 up", 1, 512, 2048, 7, 7, 1, 1},
    {"VGG 3x3", 1, 64, 64, 112, 112, 3, 1},
    {"SqueezeNet 3x3", 1, 16, 64, 55, 55, 3, 1},
    {"SqueezeNet 3x3 late", 1, 64, 256, 13, 13, 3, 1},
    {"SqueezeNet 3x3 mid", 1, 32, 128, 27, 27, 3, 1},
    {"ZFNet 3x3", 1, 512, 512, 12, 12, 3, 1},
    {"AlexNet 3x3", 2, 192, 192, 12, 12, 3, 1},
    {"AlexNet 5x5", 2, 48, 128, 26, 26, 5, 1},
    {"ZFNet 5x5", 1, 96, 256, 26, 26, 5, 1},
    {"Inception 5x5", 1, 16, 32, 28, 28, 5, 1},
    {"Inception 5x5 late", 1, 48, 128, 7, 7, 5, 1},
    {"DenseNet 3x3", 1, 128, 32, 28, 28, 3, 1},
    {"OCR det 3x3", 1, 96, 24, 160, 160, 3, 1},
    {"OCR det 3x3 dilated", 1, 64, 64, 40, 40, 3, 1, 2},
    {"ResNeXt 3x3", 32, 4, 4, 56, 56, 3, 1},
    {"ResNeXt 3x3 late", 32, 16, 16, 14, 14, 3, 1},
    {"ShuffleNet 1x1 grouped", 3, 80, 80, 28, 28, 1, 1},
    {"MobileNet dw 3x3 large", 32, 1, 1, 112, 112, 3, 1},
    {"MobileNet dw 3x3", 144, 1, 1, 56, 56, 3, 1},
    {"MobileNet dw 3x3/2", 96, 1, 1, 112, 112, 3, 2},
    {"MobileNet dw 3x3 mid", 384, 1, 1, 14, 14, 3, 1},
    {"MobileNet dw 3x3 late", 960, 1, 1, 7, 7, 3, 1},
    {"MobileNetV3 dw 5x5", 120, 1, 1, 28, 28, 5, 1},
    {"MobileNetV3 dw 5x5/2", 72, 1, 1, 56, 56, 5, 2},
    {"EfficientNet dw 5x5/2", 144, 1, 1, 56, 56, 5, 2},
    {"EfficientNet dw 5x5 mid", 672, 1, 1, 14, 14, 5, 1},
    {"EfficientNet dw 5x5/2 mid", 672, 1, 1, 14, 14, 5, 2},
    {"EfficientNet dw 5x5 late", 1152, 1, 1, 7, 7, 5, 1},
    {"OCR rec dw 5x5", 240, 1, 1, 12, 80, 5, 1},
    {"OCR rec dw 5x5 late", 480, 1, 1, 6, 80, 5, 1},
    {"OCR det dw 5x5", 192, 1, 1, 40, 40, 5, 1},
    {"OCR rec dw 3x3", 64, 1, 1, 24, 160, 3, 1},
    {"ConvNeXt dw 7x7", 96, 1, 1, 56, 56, 7, 1},
    {"DeepLab dw 3x3 dilated", 256, 1, 1, 33, 33, 3, 1, 2},
    {"dw 3x3 multiplier 2", 64, 1, 2, 28, 28, 3, 1},
};

// Without padding but for the kernel of three.
constexpr Case kTransposed[] = {
    {"OCR det head 2x2/2", 1, 24, 24, 160, 160, 2, 2},
    {"OCR det last 2x2/2", 1, 24, 1, 160, 320, 2, 2},
    {"U-Net up 2x2/2", 1, 128, 64, 28, 28, 2, 2},
    {"DCGAN 4x4/2", 1, 128, 64, 16, 16, 4, 2},
    {"up 3x3/2", 1, 64, 32, 32, 32, 3, 2},
    {"3x3/1", 1, 32, 32, 32, 32, 3, 1},
};

ConvShape shape_of(const Case& c, bool transposed) {
  ConvShape s;
  s.groups = c.groups, s.in_channels = c.in_channels, s.out_channels = c.out_channels;
  s.in[1] = c.height, s.in[2] = c.width;
  for (int i = 1; i < 3; ++i) {
    s.kernel[i] = c.kernel, s.stride[i] = c.stride, s.dilation[i] = c.dilation;
    s.pad[i] = transposed ? (c.kernel - 1) / 2 : c.kernel / 2 * c.dilation;
    s.out[i] = transposed ? (s.in[i] - 1) * c.stride + c.kernel - 2 * s.pad[i]
                          : (s.in[i] + 2 * s.pad[i] - (c.kernel - 1) * c.dilation - 1) / c.stride + 1;
  }
  return s;
}

struct Buffers {
  std::vector<float> x, w, bias, y;
  Conv<float> call;
  explicit Buffers(const ConvShape& s)
      : x(s.groups * s.in_channels * s.in_size() + 8, 0.5f),
        w(s.groups * s.in_channels * s.out_channels * s.taps(), 0.25f),
        bias(s.groups * s.out_channels, 1.0f),
        y(s.groups * s.out_channels * s.out_size()) {
    call.shape = s;
    call.x = x.data();
    call.bias = bias.data();
    call.y = y.data();
    call.activation = {Activation::kRelu, 0, 0};
  }
};

double operations(const ConvShape& s, bool transposed) {
  return 2.0 * static_cast<double>(s.groups * s.in_channels * s.out_channels * s.taps()) *
         static_cast<double>(transposed ? s.in_size() : s.out_size());
}

// Input, weights and output, each once.
double bytes(const ConvShape& s) {
  size_t channels =
      s.in_channels * s.in_size() + s.in_channels * s.out_channels * s.taps() + s.out_channels * s.out_size();
  return 4.0 * static_cast<double>(s.groups * channels);
}

std::string text_of(const Case& c) {
  std::string text = c.network;
  for (size_t n : {c.groups, c.in_channels, c.out_channels}) text += " " + std::to_string(n);
  return text + " " + std::to_string(c.height) + "x" + std::to_string(c.width);
}

}  // namespace

void conv(const char* filter, bool selected) {
  Parallel pool;
  for (const Case& c : kCases) {
    std::string text = text_of(c);
    if (std::strstr(text.c_str(), filter) == nullptr) continue;
    ConvShape s = shape_of(c, false);
    Buffers b(s);
    for (size_t i = 0; i < static_cast<size_t>(ConvKernel::kCount); ++i) {
      auto kernel = static_cast<ConvKernel>(i);
      if (!conv_accepts<float>(s, kernel) || (selected && kernel != select_conv<float>(s))) continue;
      std::vector<float> packed(*conv_packed_bytes<float>(s, kernel) / 4);
      conv_pack(s, kernel, b.w.data(), packed.data());
      b.call.w = packed.data();
      std::vector<float> scratch(*conv_scratch_bytes<float>(s, kernel, 1) / 4);
      if (kernel == ConvKernel::k_pointwise_scaled)
        b.call.input.scale = b.call.input.shift = b.x.data(), b.call.input.floor = 0;
      std::string name = conv_kernel_name(kernel);
      if (kernel == select_conv<float>(s)) name += " *";
      print(name.c_str(), text.c_str(), measure(operations(s, false), bytes(s), [&] {
              kinglet::conv(b.call, kernel, scratch.data(), pool);
            }));
      if (packed.size() < kLargeWeights) continue;
      // As in a network: each run finds other weights, which come from memory.
      std::vector<std::vector<float>> copies(kColdWeights / packed.size() + 1, packed);
      size_t turn = 0;
      print(name.c_str(), ("cold " + text).c_str(), measure(operations(s, false), bytes(s), [&] {
              b.call.w = copies[turn++ % copies.size()].data();
              kinglet::conv(b.call, kernel, scratch.data(), pool);
            }));
    }
  }
}

void conv_transpose(const char* filter) {
  Parallel pool;
  for (const Case& c : kTransposed) {
    std::string text = text_of(c);
    if (std::strstr(text.c_str(), filter) == nullptr) continue;
    ConvShape s = shape_of(c, true);
    Buffers b(s);
    std::vector<float> packed(*conv_transpose_packed_bytes<float>(s) / 4);
    conv_transpose_pack(s, b.w.data(), packed.data());
    b.call.w = packed.data();
    std::vector<float> scratch(*conv_transpose_scratch_bytes<float>(s, 1) / 4);
    print("conv_transpose", text.c_str(), measure(operations(s, true), bytes(s), [&] {
            kinglet::conv_transpose(b.call, scratch.data(), pool);
          }));
  }
}

}  // namespace kinglet::bench
