#include "kernels/conv/conv.h"

#include <doctest/doctest.h>

#include <limits>

#include "kernels/agree.h"

namespace kinglet {
namespace {

using test::difference;
using test::PretendParallel;
using test::random_values;

// One dimension: in, kernel, stride, dilation, padding before and after.
struct Axis {
  size_t in = 1, kernel = 1, stride = 1, dilation = 1, before = 0, after = 0;
};

ConvShape shape_of(size_t images, size_t groups, size_t in_channels, size_t out_channels,
                   std::vector<Axis> axes) {
  ConvShape s;
  s.images = images, s.groups = groups, s.in_channels = in_channels, s.out_channels = out_channels;
  axes.insert(axes.begin(), 3 - axes.size(), Axis{});
  for (size_t i = 0; i < 3; ++i) {
    const Axis& a = axes[i];
    s.in[i] = a.in, s.kernel[i] = a.kernel, s.stride[i] = a.stride, s.dilation[i] = a.dilation,
    s.pad[i] = a.before;
    s.out[i] = (a.in + a.before + a.after - (a.kernel - 1) * a.dilation - 1) / a.stride + 1;
  }
  return s;
}

// The same axes for a transposed convolution, with `after` taken off the end.
ConvShape transposed(size_t images, size_t groups, size_t in_channels, size_t out_channels,
                     std::vector<Axis> axes, size_t output_padding = 0) {
  ConvShape s = shape_of(images, groups, in_channels, out_channels, axes);
  axes.insert(axes.begin(), 3 - axes.size(), Axis{});
  for (size_t i = 0; i < 3; ++i) {
    const Axis& a = axes[i];
    s.out[i] = (a.in - 1) * a.stride + (a.kernel - 1) * a.dilation + 1 - a.before - a.after +
               (i == 2 ? output_padding : 0);
  }
  return s;
}

template <class T>
struct Data {
  std::vector<T> x, w, bias, residual, y, want;
  Conv<T> call;
  Data(const ConvShape& s, bool extras) {
    size_t channels = s.groups * s.out_channels;
    x = random_values<T>(s.images * s.groups * s.in_channels * s.in_size(), 1);
    w = random_values<T>(s.groups * s.in_channels * s.out_channels * s.taps(), 2);
    bias = random_values<T>(channels, 3);
    y = random_values<T>(s.images * channels * s.out_size(), 4);
    residual = want = y;
    call.shape = s;
    call.x = x.data();
    call.w = w.data();
    if (extras) call.bias = bias.data(), call.residual = residual.data();
  }
};

template <class T>
int agrees_with_judge(const ConvShape& s, bool extras, int threads, Activation activation = {}) {
  int tried = 0;
  for (size_t i = 0; i < static_cast<size_t>(ConvKernel::kCount); ++i) {
    auto kernel = static_cast<ConvKernel>(i);
    if (!conv_accepts<T>(s, kernel) || kernel == ConvKernel::k_pointwise_scaled) continue;
    ++tried;
    Data<T> d(s, extras);
    if constexpr (std::is_same_v<T, float>) d.call.activation = activation;
    d.call.y = d.want.data();
    conv_reference(d.call);
    std::vector<T> packed(*conv_packed_bytes<T>(s, kernel) / sizeof(T));
    conv_pack(s, kernel, d.w.data(), packed.data());
    std::vector<std::byte> scratch(*conv_scratch_bytes<T>(s, kernel, threads));
    PretendParallel pool(threads);
    d.call.w = packed.data();
    d.call.y = d.y.data();
    if (extras) d.call.residual = d.y.data();  // in place
    conv(d.call, kernel, scratch.data(), pool);
    CAPTURE(conv_kernel_name(kernel));
    CAPTURE(threads);
    // Winograd's errors are those of the tile's largest sums.
    bool winograd = kernel == ConvKernel::k_winograd || kernel == ConvKernel::k_winograd_stored;
    double single = winograd ? 1e-4 : 2e-5;
    CHECK(difference(d.want, d.y, sizeof(T) == 4 ? single : 1e-12) == "");
  }
  return tried;
}

const ConvShape kShapes[] = {
    // pointwise
    shape_of(2, 1, 5, 7, {{6}, {5}}),
    shape_of(1, 3, 4, 6, {{9}, {3}}),
    shape_of(1, 1, 9, 13, {{1}, {1}}),
    // general: kernels, strides, dilations, padding on each side, groups, one to three dimensions
    shape_of(1, 1, 3, 8, {{11, 3, 2, 1, 1, 1}, {19, 3, 2, 1, 1, 1}}),
    shape_of(2, 1, 3, 16, {{30, 7, 2, 1, 3, 3}, {34, 7, 2, 1, 3, 3}}),
    shape_of(1, 1, 7, 9, {{7, 3, 1, 1, 1, 1}, {7, 3, 1, 1, 1, 1}}),
    // stride 2 with outputs that end inside a panel, where its first and last column look two apart
    shape_of(2, 1, 3, 4, {{6, 3, 2}, {6, 3, 2}}),
    shape_of(1, 1, 3, 4, {{7, 3, 2}, {9, 3, 2}}),
    shape_of(1, 2, 3, 5, {{9, 3, 1, 2, 2, 1}, {13, 2, 3, 3, 0, 4}}),
    shape_of(1, 1, 4, 5, {{8, 1, 2}, {9, 1, 2}}),
    shape_of(1, 1, 4, 5, {{8, 1, 1}, {34, 1, 2}}),
    shape_of(1, 1, 6, 4, {{1, 1}, {17, 3, 1, 1, 1, 1}}),
    shape_of(3, 2, 2, 3, {{23, 5, 2, 2, 3, 4}}),
    shape_of(1, 1, 2, 3, {{5, 3, 1, 1, 1, 1}, {6, 2, 2, 1, 0, 1}, {7, 3, 1, 2, 2, 2}}),
    shape_of(1, 1, 2, 3, {{3, 3}, {3, 3}}),
    shape_of(1, 1, 2, 3, {{2, 3, 1, 1, 4, 5}, {2, 3, 4, 1, 4, 5}}),
    shape_of(1, 1, 40, 10, {{9, 3, 1, 1, 1, 1}, {70, 3, 1, 1, 1, 1}}),
    // depthwise: 3x3 and 5x5, both strides, more outputs than inputs, one dimension, several bands
    shape_of(2, 5, 1, 1, {{8, 3, 1, 1, 1, 1}, {9, 3, 1, 1, 1, 1}}),
    shape_of(1, 4, 1, 1, {{15, 3, 2, 1, 1, 1}, {22, 3, 2, 1, 1, 1}}),
    shape_of(1, 3, 1, 2, {{14, 5, 1, 1, 2, 2}, {14, 5, 1, 1, 2, 2}}),
    shape_of(1, 3, 1, 1, {{13, 5, 2, 1, 2, 2}, {16, 5, 2, 1, 2, 2}}),
    shape_of(1, 2, 1, 3, {{12, 3, 2, 2, 0, 3}, {31, 4, 3, 2, 5, 0}}),
    shape_of(1, 3, 1, 1, {{50, 5, 1, 1, 2, 2}}),
    shape_of(1, 2, 1, 1, {{90, 3, 1, 1, 1, 1}, {161, 3, 1, 1, 1, 1}}),
    shape_of(1, 2, 1, 1, {{60, 3, 2, 1, 1, 1}, {333, 3, 2, 1, 1, 1}}),
    shape_of(1, 2, 1, 1, {{4, 2}, {5, 2}, {6, 2}}),
    shape_of(1, 1, 1, 4, {{6, 3, 1, 1, 1, 1}, {6, 3, 1, 1, 1, 1}}),
    // depthwise: dilated, strides that differ, one row, rows shorter than a vector, many small planes, no
    // padding
    shape_of(1, 3, 1, 1, {{17, 3, 1, 2, 2, 2}, {18, 3, 1, 3, 3, 3}}),
    shape_of(1, 2, 1, 1, {{17, 3, 1, 1, 1, 1}, {19, 3, 2, 1, 1, 1}}),
    shape_of(1, 2, 1, 2, {{17, 3, 2, 1, 0, 1}, {19, 3, 1, 1, 0, 0}}),
    shape_of(2, 3, 1, 1, {{37, 7, 1, 1, 3, 3}}),
    shape_of(1, 2, 1, 1, {{9, 3, 1, 1, 1, 1}, {2, 3, 1, 1, 1, 1}}),
    shape_of(2, 70, 1, 1, {{7, 3, 1, 1, 1, 1}, {7, 3, 1, 1, 1, 1}}),
    shape_of(1, 2, 1, 1, {{40, 3, 3, 1}, {200, 3, 4, 1}}),
    // winograd: tiles that reach over each edge, groups, several blocks of tiles, few rows
    shape_of(2, 1, 20, 14, {{13, 3, 1, 1, 1, 1}, {18, 3, 1, 1, 1, 1}}),
    shape_of(1, 2, 9, 7, {{12, 3}, {11, 3, 1, 1, 2, 0}}),
    shape_of(1, 1, 48, 8, {{50, 3, 1, 1, 1, 1}, {47, 3, 1, 1, 1, 1}}),
    shape_of(1, 1, 5, 13, {{3, 3, 1, 1, 0, 2}, {90, 3, 1, 1, 3, 1}}),
    shape_of(2, 1, 20, 14, {{13, 5, 1, 1, 2, 2}, {18, 5, 1, 1, 2, 2}}),
    shape_of(1, 2, 9, 7, {{12, 5}, {11, 5, 1, 1, 4, 0}}),
    shape_of(1, 1, 4, 70, {{8, 5, 1, 1, 2, 2}, {61, 5, 1, 1, 1, 2}}),
    shape_of(1, 1, 300, 19, {{7, 3, 1, 1, 1, 1}, {7, 3, 1, 1, 1, 1}}),
    // stride two, four columns: the last lies where the eighth of one row would
    shape_of(2, 1, 3, 4, {{6, 3, 2}, {6, 3, 2}}),
    // winograd with stride two: tiles that reach over each edge, groups, several blocks of tiles, few rows
    shape_of(2, 1, 20, 14, {{13, 3, 2, 1, 1, 1}, {18, 3, 2, 1, 1, 1}}),
    shape_of(1, 2, 9, 7, {{12, 3, 2}, {11, 3, 2, 1, 2, 0}}),
    shape_of(1, 1, 48, 8, {{100, 3, 2, 1, 1, 1}, {95, 3, 2, 1, 0, 1}}),
    shape_of(1, 1, 5, 13, {{3, 3, 2, 1, 0, 2}, {90, 3, 2, 1, 3, 1}}),
    shape_of(1, 1, 300, 19, {{14, 3, 2, 1, 1, 1}, {14, 3, 2, 1, 1, 1}}),
};

TEST_CASE("conv float32: every kernel agrees with the judge") {
  for (size_t i = 0; i < std::size(kShapes); ++i) {
    CAPTURE(i);
    CHECK(agrees_with_judge<float>(kShapes[i], i % 2 == 0, 1) > 0);
    CHECK(agrees_with_judge<float>(kShapes[i], i % 2 == 1, 3) > 0);
  }
}

TEST_CASE("conv float64: every kernel agrees with the judge") {
  for (size_t i = 0; i < std::size(kShapes); ++i) {
    CAPTURE(i);
    CHECK(agrees_with_judge<double>(kShapes[i], i % 2 == 0, 2) > 0);
  }
}

TEST_CASE("conv: around the lane count and the tile edges") {
  for (size_t width = 1; width <= 18; ++width) {
    CAPTURE(width);
    for (size_t kernel : {1, 2, 3, 5}) {
      Axis across{width, kernel, 1 + width % 2, 1, kernel / 2, kernel / 2};
      Axis down{5, kernel, 1, 1, kernel / 2, kernel / 2};
      agrees_with_judge<float>(shape_of(1, 1, 3, 1 + width % 6, {down, across}), true, 1);
      agrees_with_judge<float>(shape_of(1, 3, 1, 1, {down, across}), true, 2);
    }
  }
}

TEST_CASE("conv: depthwise borders of every side and stride, without a residual") {
  for (size_t kernel : {3, 5}) {
    for (size_t i = 0; i < 3 * 18 * 8; ++i) {
      size_t width = 4 + i % 18, height = 1 + i % 8, stride = i / 18 % 3, before = i % kernel,
             after = i / 3 % 5;
      Axis down{height, kernel, stride == 0 ? size_t{1} : 2, 1, i / 8 % kernel, 4};
      Axis across{width, kernel, stride == 2 ? size_t{2} : 1, 1, before, after};
      if (width + before + after < kernel) continue;
      CAPTURE(i);
      ConvShape s = shape_of(2, 2, 1, 1 + i % 2, {down, across});
      Data<float> d(s, false);
      d.call.bias = d.bias.data();
      d.call.activation = {Activation::kClip, -1.5f, 1.5f};
      d.call.y = d.want.data();
      conv_reference(d.call);
      PretendParallel pool(2);
      std::vector<std::byte> scratch(*conv_scratch_bytes<float>(s, ConvKernel::k_depthwise, 2));
      d.call.y = d.y.data();
      conv(d.call, ConvKernel::k_depthwise, scratch.data(), pool);
      CHECK(difference(d.want, d.y, 2e-5) == "");
    }
  }
}

TEST_CASE("conv: depthwise copies, bands and dilations of every kind") {
  // Images, groups, outputs of each, axes.
  const ConvShape shapes[] = {
      // planes copied some at a time, the last ones fewer; several outputs of each
      shape_of(1, 37, 1, 1, {{7, 3, 1, 1, 1, 1}, {7, 3, 1, 1, 1, 1}}),
      shape_of(2, 19, 1, 2, {{7, 5, 1, 1, 2, 2}, {7, 5, 1, 1, 2, 2}}),
      shape_of(1, 23, 1, 1, {{14, 5, 1, 1, 2, 2}, {14, 5, 1, 1, 2, 2}}),
      shape_of(3, 9, 1, 3, {{14, 5, 2, 1, 2, 2}, {14, 5, 2, 1, 2, 2}}),
      shape_of(1, 21, 1, 1, {{13, 5, 2, 1, 1, 2}, {11, 5, 2, 1, 1, 2}}),
      shape_of(1, 21, 1, 1, {{8, 3, 2, 1, 0, 1}, {9, 3, 2, 1, 0, 1}}),
      // wide enough to be read in place between its edges, one sided and without padding
      shape_of(1, 3, 1, 1, {{9, 5, 1, 1, 2, 2}, {28, 5, 1, 1, 2, 2}}),
      shape_of(1, 3, 1, 2, {{9, 5, 1, 1, 4, 0}, {43, 5, 1, 1, 4, 0}}),
      shape_of(1, 3, 1, 1, {{9, 5, 1, 1, 0, 4}, {44, 5, 1, 1, 0, 4}}),
      shape_of(1, 3, 1, 1, {{9, 5}, {45, 5}}),
      shape_of(2, 3, 1, 1, {{9, 3, 1, 1, 2, 2}, {45, 3, 1, 1, 2, 2}}),
      shape_of(1, 3, 1, 1, {{9, 3, 1, 1, 0, 1}, {22, 3, 1, 1, 0, 1}}),
      shape_of(1, 3, 1, 1, {{9, 3, 1, 1, 1, 0}, {23, 3, 1, 1, 1, 0}}),
      shape_of(1, 3, 1, 1, {{9, 3}, {12, 3}}),
      shape_of(1, 3, 1, 1, {{9, 3, 2, 1, 1, 1}, {45, 3, 1, 1, 1, 1}}),
      // strides in bands of rows, with rows and columns left over
      shape_of(1, 3, 1, 1, {{113, 3, 2, 1, 1, 1}, {112, 3, 2, 1, 1, 1}}),
      shape_of(1, 2, 1, 2, {{90, 5, 2, 1, 2, 2}, {121, 5, 2, 1, 2, 1}}),
      shape_of(1, 2, 1, 1, {{70, 5, 2, 1, 4, 0}, {700, 5, 2, 1, 3, 0}}),
      shape_of(1, 2, 1, 1, {{64, 3, 2, 1, 0, 1}, {300, 3, 2, 1, 0, 1}}),
      // dilations: rows and columns, more than there are rows to meet, with and without padding
      shape_of(1, 3, 1, 1, {{33, 3, 1, 2, 2, 2}, {33, 3, 1, 2, 2, 2}}),
      shape_of(2, 2, 1, 2, {{20, 3, 1, 3, 3, 2}, {21, 3, 1, 1, 1, 1}}),
      shape_of(1, 2, 1, 1, {{11, 3, 1, 6, 6, 6}, {19, 3, 1, 6, 6, 6}}),
      shape_of(1, 2, 1, 1, {{15, 5, 1, 3, 6, 6}, {60, 5, 1, 2, 4, 4}}),
      shape_of(1, 2, 1, 1, {{13, 5, 1, 2, 0, 8}, {17, 5, 1, 3, 12, 0}}),
      shape_of(1, 2, 1, 1, {{5, 3, 1, 4, 8, 8}, {25, 3, 1, 4}}),
      // more padding than an output can see
      shape_of(1, 2, 1, 1, {{6, 3, 1, 1, 5, 5}, {9, 3, 1, 1, 6, 7}}),
      shape_of(1, 2, 1, 1, {{1, 5, 1, 1, 4, 4}, {1, 5, 1, 1, 4, 4}}),
      shape_of(1, 2, 1, 1, {{70, 5, 2, 1, 90, 90}, {700, 5, 2, 1, 3, 0}}),
  };
  for (size_t i = 0; i < std::size(shapes); ++i) {
    CAPTURE(i);
    for (Activation f : {Activation{}, Activation{Activation::kClip, -0.5f, 0.5f},
                         default_activation(Activation::kHardSwish)}) {
      for (int threads : {1, 3}) {
        const ConvShape& s = shapes[i];
        Data<float> d(s, false);
        if (threads == 3) d.call.bias = d.bias.data();
        d.call.activation = f;
        d.call.y = d.want.data();
        conv_reference(d.call);
        PretendParallel pool(threads);
        std::vector<std::byte> scratch(*conv_scratch_bytes<float>(s, ConvKernel::k_depthwise, threads),
                                       std::byte{0xff});
        d.call.y = d.y.data();
        conv(d.call, ConvKernel::k_depthwise, scratch.data(), pool);
        CHECK(difference(d.want, d.y, 2e-5) == "");
        agrees_with_judge<float>(s, true, threads, f);
      }
    }
  }
}

TEST_CASE("conv: activations and the residual, on every kernel") {
  for (auto kind : {Activation::kRelu, Activation::kClip, Activation::kHardSwish, Activation::kSigmoid,
                    Activation::kLeakyRelu}) {
    Activation f = default_activation(kind);
    if (kind == Activation::kClip) f = {kind, -0.5f, 0.5f};
    for (size_t i : {0, 2, 5, 6, 15, 17, 21, 33, 34}) {
      agrees_with_judge<float>(kShapes[i], true, 2, f);
      Activation shifted = f;
      shifted.scale = 0.75f, shifted.shift = -2;
      agrees_with_judge<float>(kShapes[i], true, 2, shifted);
    }
  }
}

TEST_CASE("conv: no images, no channels to read, no outputs") {
  for (ConvShape s : {shape_of(0, 1, 2, 3, {{4, 3}, {4, 3}}), shape_of(1, 1, 0, 3, {{4, 3}, {4, 3}}),
                      shape_of(1, 1, 0, 3, {{4}, {4}}), shape_of(2, 1, 3, 0, {{4}, {4}})})
    CHECK(agrees_with_judge<float>(s, true, 1) > 0);
}

TEST_CASE("conv: NaN and infinity reach the outputs that see them, and no other") {
  for (float special :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -0.0f}) {
    for (size_t i : {size_t{0}, size_t{5}, size_t{15}, size_t{17}, size_t{30}}) {
      const ConvShape& s = kShapes[i];
      Data<float> d(s, false);
      d.x[s.in_size() + 3] = special;
      d.call.y = d.want.data();
      conv_reference(d.call);
      ConvKernel kernel = select_conv<float>(s);
      std::vector<float> packed(*conv_packed_bytes<float>(s, kernel) / 4);
      conv_pack(s, kernel, d.w.data(), packed.data());
      std::vector<std::byte> scratch(*conv_scratch_bytes<float>(s, kernel, 1));
      Parallel pool;
      d.call.w = packed.data();
      d.call.y = d.y.data();
      conv(d.call, kernel, scratch.data(), pool);
      CHECK(difference(d.want, d.y, 1e-5) == "");
    }
  }
}

TEST_CASE("conv: which kernel a shape gets") {
  auto name = [](const ConvShape& s) { return std::string(conv_kernel_name(select_conv<float>(s))); };
  auto square = [](size_t groups, size_t in, size_t out, Axis axis) {
    return shape_of(1, groups, in, out, {axis, axis});
  };
  CHECK(name(shape_of(1, 1, 480, 480, {{3}, {80}})) == "conv_pointwise");
  CHECK(name(square(1, 256, 512, {56, 1, 2})) == "conv_im2col");
  CHECK(name(square(1, 3, 16, {320, 3, 2, 1, 1, 1})) == "conv_direct");
  CHECK(name(square(192, 1, 1, {40, 5, 1, 1, 2, 2})) == "conv_depthwise");
  CHECK(name(square(32, 1, 1, {56, 3, 2, 1, 1, 1})) == "conv_depthwise");
  CHECK(name(square(8, 4, 4, {56, 3, 1, 1, 1, 1})) == "conv_direct");
  // Winograd needs channels enough for its transforms and outputs enough for those of its weights, which are
  // stored where they are small, or would be transformed for few tiles.
  CHECK(name(square(1, 64, 64, {56, 3, 1, 1, 1, 1})) == "conv_winograd");
  CHECK(name(square(1, 64, 256, {13, 3, 1, 1, 1, 1})) == "conv_winograd_stored");
  CHECK(name(square(1, 256, 256, {14, 3, 1, 1, 1, 1})) == "conv_winograd");
  CHECK(name(square(1, 256, 256, {12, 3, 1, 1, 1, 1})) == "conv_winograd_stored");
  CHECK(name(square(1, 256, 256, {7, 3, 1, 1, 1, 1})) == "conv_winograd");
  CHECK(name(square(1, 512, 512, {14, 3, 1, 1, 1, 1})) == "conv_winograd");
  CHECK(name(square(1, 512, 512, {7, 3, 1, 1, 1, 1})) == "conv_winograd");
  CHECK(name(square(1, 512, 512, {3, 3, 1, 1, 1, 1})) == "conv_im2col");
  CHECK(name(square(1, 8, 8, {56, 3, 1, 1, 1, 1})) == "conv_direct");
  CHECK(name(square(1, 64, 64, {56, 3, 2, 1, 1, 1})) == "conv_winograd_stored");
  CHECK(name(square(1, 512, 512, {14, 3, 2, 1, 1, 1})) == "conv_im2col");
  CHECK(name(square(1, 16, 32, {112, 3, 2, 1, 1, 1})) == "conv_direct");
  CHECK(name(square(1, 64, 64, {56, 3, 1, 2, 2, 2})) == "conv_direct");
  CHECK(std::string(conv_kernel_name(select_conv<double>(kShapes[15]))) == "conv_im2col");
}

template <class T>
void transpose_agrees(const ConvShape& s, int threads, Activation activation = {}) {
  Data<T> d(s, true);
  d.call.residual = nullptr;
  if constexpr (std::is_same_v<T, float>) d.call.activation = activation;
  d.call.y = d.want.data();
  conv_transpose_reference(d.call);
  std::vector<T> packed(*conv_transpose_packed_bytes<T>(s) / sizeof(T));
  conv_transpose_pack(s, d.w.data(), packed.data());
  std::vector<std::byte> scratch(*conv_transpose_scratch_bytes<T>(s, threads));
  PretendParallel pool(threads);
  d.call.w = packed.data();
  d.call.y = d.y.data();
  conv_transpose(d.call, scratch.data(), pool);
  CHECK(difference(d.want, d.y, sizeof(T) == 4 ? 2e-5 : 1e-12) == "");
}

TEST_CASE("conv_transpose agrees with the judge") {
  const ConvShape shapes[] = {
      transposed(1, 1, 24, 24, {{10, 2, 2}, {11, 2, 2}}),
      transposed(2, 1, 5, 3, {{90, 2, 2}, {80, 2, 2}}),  // several blocks of lines
      transposed(2, 1, 5, 3, {{6, 3, 2, 1, 1, 1}, {7, 3, 2, 1, 1, 1}}, 1),
      transposed(1, 2, 3, 4, {{5, 4, 3, 2, 2, 3}, {6, 2, 1, 3, 1, 0}}),
      transposed(1, 3, 2, 2, {{9, 5, 2, 1, 2, 1}}, 1),
      transposed(1, 1, 2, 3, {{3, 2, 2}, {4, 3, 1, 1, 1, 1}, {5, 2, 3}}),
      transposed(1, 1, 3, 2, {{40, 3, 1, 1, 1, 1}, {60, 3, 1, 1, 1, 1}}),
      transposed(1, 1, 4, 70, {{2, 1}, {3, 1}}),
      transposed(1, 1, 2, 2, {{3, 9, 2}, {3, 9, 2}}),
      transposed(1, 1, 2, 2, {{4, 1, 4}, {3, 1, 4}}),  // outputs that nothing reaches
      transposed(1, 1, 0, 2, {{3, 2}, {3, 2}}),
      transposed(0, 1, 1, 2, {{3, 2}, {3, 2}}),
      // stride two, where taps side by side are added together: each remainder of padding, kernels that end
      // with one tap
      transposed(2, 1, 5, 6, {{4, 2, 2}, {7, 2, 2}}),
      transposed(1, 2, 3, 3, {{1, 2, 2}, {30, 2, 2}}, 1),
      transposed(1, 1, 6, 4, {{5, 4, 2, 1, 1, 1}, {13, 4, 2, 1, 1, 1}}),
      transposed(1, 1, 3, 2, {{5, 5, 2, 1, 2, 2}, {9, 5, 2, 1, 3, 4}}),
      transposed(1, 1, 3, 2, {{5, 3, 2, 1, 1, 0}, {4, 6, 2, 1, 5, 5}}),
      transposed(1, 1, 3, 2, {{4, 2, 2}, {1, 2, 2}}),
      transposed(1, 1, 3, 2, {{3, 2, 2}, {1, 3, 2, 1, 1, 1}}),
  };
  for (size_t i = 0; i < std::size(shapes); ++i) {
    CAPTURE(i);
    transpose_agrees<float>(shapes[i], 1);
    transpose_agrees<float>(shapes[i], 3, {Activation::kRelu});
    transpose_agrees<double>(shapes[i], 2);
  }
}

TEST_CASE("conv: sizes that do not fit are refused") {
  ConvShape s = shape_of(1, 1, 8, 8, {{4, 3, 1, 1, 1, 1}, {4, 3, 1, 1, 1, 1}});
  s.in_channels = std::numeric_limits<size_t>::max() / 8;
  CHECK_FALSE(conv_packed_bytes<float>(s, ConvKernel::k_im2col).ok());
  CHECK_FALSE(conv_scratch_bytes<float>(s, ConvKernel::k_im2col, 1).ok());
  s = shape_of(1, 2, 1, 1, {{4, 3, 1, 1, 1, 1}, {4, 3, 1, 1, 1, 1}});
  s.dilation[1] = std::numeric_limits<size_t>::max() / 3;
  CHECK_FALSE(conv_scratch_bytes<float>(s, ConvKernel::k_depthwise, 1).ok());
}

}  // namespace
}  // namespace kinglet
