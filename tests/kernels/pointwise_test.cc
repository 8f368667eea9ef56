// Convolutions of one tap: many images and groups, and those that scale, shift and clamp what they read.
#include <doctest/doctest.h>

#include <limits>

#include "kernels/agree.h"
#include "kernels/conv/conv.h"

namespace kinglet {
namespace {

using test::difference;
using test::PretendParallel;
using test::random_values;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

ConvShape shape_of(size_t images, size_t groups, size_t in_channels, size_t out_channels, size_t columns) {
  ConvShape s;
  s.images = images, s.groups = groups, s.in_channels = in_channels, s.out_channels = out_channels;
  s.in[2] = s.out[2] = columns;
  return s;
}

struct Data {
  std::vector<float> x, w, bias, y, want, scale, shift;
  Conv<float> call;
  explicit Data(const ConvShape& s) {
    size_t channels = s.groups * s.in_channels, outputs = s.groups * s.out_channels;
    x = random_values<float>(s.images * channels * s.in_size(), 1);
    w = random_values<float>(outputs * s.in_channels, 2);
    bias = random_values<float>(outputs, 3);
    y = random_values<float>(s.images * outputs * s.out_size(), 4);
    scale = random_values<float>(s.images * channels, 5);
    shift = random_values<float>(channels, 6);
    call.shape = s;
    call.x = x.data();
    call.bias = bias.data();
    call.input.scale = scale.data();
  }

  void agree(int threads, ConvKernel kernel = ConvKernel::k_pointwise_scaled) {
    if (kernel == ConvKernel::k_pointwise) call.input = {};
    want = y;
    call.w = w.data();
    call.residual = call.y = want.data();
    conv_reference(call);
    REQUIRE(conv_accepts<float>(call.shape, kernel));
    std::vector<float> packed(*conv_packed_bytes<float>(call.shape, kernel) / sizeof(float));
    conv_pack(call.shape, kernel, w.data(), packed.data());
    std::vector<std::byte> scratch(*conv_scratch_bytes<float>(call.shape, kernel, threads), std::byte{0xff});
    PretendParallel pool(threads);
    std::vector<float> got = y;
    call.w = packed.data();
    call.residual = call.y = got.data();
    conv(call, kernel, scratch.data(), pool);
    CHECK(difference(want, got, 2e-5) == "");
  }
};

const ConvShape kShapes[] = {
    // few rows, which leave the input where it lies; many, which pack it; one column, and less than a panel
    shape_of(2, 1, 5, 7, 30),     shape_of(1, 1, 30, 48, 203), shape_of(2, 1, 70, 90, 49),
    shape_of(1, 1, 300, 49, 515), shape_of(3, 1, 33, 50, 1),   shape_of(1, 1, 9, 70, 3),
    shape_of(2, 3, 4, 6, 27),     shape_of(2, 2, 20, 60, 65),  shape_of(1, 1, 2400, 30, 9),
};

TEST_CASE("conv, pointwise with scaled inputs: scales of each image or of all, shifts and a bound") {
  for (size_t i = 0; i < std::size(kShapes); ++i) {
    const ConvShape& s = kShapes[i];
    for (int turn = 0; turn < 16; ++turn) {
      CAPTURE(i);
      CAPTURE(turn);
      Data d(s);
      d.call.input.image = turn & 1 ? s.groups * s.in_channels : 0;
      d.call.input.shift = turn & 2 ? d.shift.data() : nullptr;
      if (turn & 4) d.call.input.floor = 0;
      if (turn & 4) d.call.activation = {Activation::kClip, -1, 2};
      d.agree(turn & 8 ? 3 : 1);
    }
  }
}

TEST_CASE("conv, pointwise with scaled inputs: NaN and infinities reach the outputs that see them") {
  for (float special : {std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity}) {
    for (const ConvShape& s : kShapes) {
      for (int turn = 0; turn < 4; ++turn) {
        Data d(s);
        (turn & 1 ? d.scale[1] : d.x[s.in_size()]) = special;
        if (turn & 2) d.call.input.shift = d.shift.data(), d.call.input.floor = 0;
        d.agree(1);
      }
    }
  }
}

TEST_CASE("conv, pointwise: more images and groups than products are handed out together") {
  for (ConvKernel kernel : {ConvKernel::k_pointwise, ConvKernel::k_pointwise_scaled}) {
    for (const ConvShape& s :
         {shape_of(3, 7, 5, 6, 30), shape_of(1, 40, 3, 20, 9), shape_of(35, 1, 9, 30, 65),
          shape_of(16, 1, 33, 50, 1), shape_of(1, 17, 130, 70, 300)}) {
      for (int threads : {1, 2, 7, 40}) {
        CAPTURE(threads);
        Data(s).agree(threads, kernel);
      }
    }
  }
}

}  // namespace
}  // namespace kinglet
