#include <doctest/doctest.h>

#include "kernels/agree.h"
#include "kernels/quant/conv.h"
#include "kernels/quant/linear.h"

namespace kinglet {
namespace {

using test::difference;
using test::PretendParallel;
using test::random_values;

struct Geometry {
  size_t images, groups, in_channels, out_channels;
  size_t in[3], kernel[3], stride[3], dilation[3], pad[3], pad_end[3];
};

ConvShape shape_of(const Geometry& g) {
  ConvShape s;
  s.images = g.images, s.groups = g.groups;
  s.in_channels = g.in_channels, s.out_channels = g.out_channels;
  for (int i = 0; i < 3; ++i) {
    s.in[i] = g.in[i], s.kernel[i] = g.kernel[i], s.stride[i] = g.stride[i], s.dilation[i] = g.dilation[i];
    s.pad[i] = g.pad[i];
    s.out[i] = (g.in[i] + g.pad[i] + g.pad_end[i] - (g.kernel[i] - 1) * g.dilation[i] - 1) / g.stride[i] + 1;
  }
  return s;
}

constexpr Geometry kGeometries[] = {
    // pointwise, also with a stride
    {2, 1, 5, 6, {1, 4, 7}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {}, {}},
    {1, 1, 3, 9, {1, 5, 9}, {1, 1, 1}, {1, 2, 2}, {1, 1, 1}, {}, {}},
    // 3x3 with and without padding, stride, dilation
    {1, 1, 3, 5, {1, 6, 20}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}},
    {1, 1, 2, 5, {1, 9, 40}, {1, 3, 3}, {1, 2, 2}, {1, 1, 1}, {}, {}},
    {2, 1, 2, 7, {1, 9, 33}, {1, 3, 5}, {1, 2, 2}, {1, 2, 1}, {0, 2, 1}, {0, 0, 3}},
    // one and three dimensions
    {1, 1, 4, 3, {1, 1, 17}, {1, 1, 4}, {1, 1, 3}, {1, 1, 2}, {0, 0, 3}, {0, 0, 2}},
    {1, 1, 2, 3, {4, 5, 6}, {2, 3, 2}, {1, 2, 1}, {2, 1, 1}, {1, 0, 1}, {0, 1, 1}},
    // 3x3 in tiles of 4x4: whole ones and parts, odd channels, groups, more than one block, unequal padding
    {1, 1, 8, 4, {1, 8, 8}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}},
    {2, 1, 5, 8, {1, 7, 14}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}},
    {1, 2, 3, 4, {1, 11, 21}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 2, 0}, {0, 0, 1}},
    {1, 1, 130, 4, {1, 25, 43}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {}, {}},
    // groups, depthwise with multiplier, too many taps for it
    {1, 3, 2, 4, {1, 5, 5}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}},
    {2, 5, 1, 1, {1, 7, 11}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}},
    {1, 4, 1, 2, {1, 9, 9}, {1, 5, 5}, {1, 2, 2}, {1, 1, 1}, {0, 2, 2}, {0, 2, 2}},
    {2, 70, 1, 1, {1, 23, 24}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}},
    {1, 2, 1, 1, {1, 12, 12}, {1, 9, 8}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}},
    // with strides of their own, dilation, uneven padding, one dimension, narrow, and in several bands
    {1, 3, 1, 1, {1, 13, 37}, {1, 3, 3}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}},
    {1, 3, 1, 2, {1, 12, 21}, {1, 5, 4}, {1, 2, 1}, {1, 1, 3}, {0, 0, 5}, {0, 3, 4}},
    {2, 2, 1, 1, {1, 15, 30}, {1, 4, 3}, {1, 1, 2}, {1, 3, 2}, {0, 4, 2}, {0, 5, 0}},
    {1, 4, 1, 1, {1, 1, 40}, {1, 1, 7}, {1, 1, 2}, {1, 1, 1}, {0, 0, 3}, {0, 0, 3}},
    {3, 2, 1, 1, {1, 9, 3}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}},
    {1, 2, 1, 1, {1, 150, 65}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}},
    {1, 2, 1, 1, {1, 90, 130}, {1, 3, 3}, {1, 2, 2}, {1, 1, 1}, {0, 0, 0}, {0, 1, 1}},
    {1, 2, 1, 1, {1, 5, 2}, {1, 2, 2}, {1, 2, 2}, {1, 1, 1}, {0, 3, 9}, {0, 0, 0}},
};

TEST_CASE("8-bit convolutions equal the judge") {
  uint32_t seed = 0;
  for (const Geometry& g : kGeometries) {
    ConvShape s = shape_of(g);
    size_t channels = s.groups * s.out_channels, taps = s.in_channels * s.taps();
    for (unsigned variant = 0; variant < 12; ++variant, ++seed) {
      auto x = random_values<uint8_t>(s.images * s.groups * s.in_channels * s.in_size(), seed);
      auto w = random_values<uint8_t>(channels * taps, seed + 1);
      for (size_t i = 0; i < x.size(); i += 3) x[i] = 255;  // extremes
      x.resize(x.size() + 16);                              // kernels may read so far
      for (size_t i = 0; i < w.size(); i += 2) w[i] = i % 4 ? 127 : 128;
      QuantConv call;
      call.shape = s;
      call.x = x.data();
      call.x_signed = variant & 1;
      call.w_signed = variant & 2;
      call.x_zero = call.x_signed ? -5 : 131;
      std::vector<int32_t> zeros, bias;
      std::vector<float> scales;
      for (size_t i = 0; i < channels; ++i) {
        zeros.push_back(call.w_signed ? static_cast<int32_t>(i) - 3 : static_cast<int32_t>(120 + i));
        bias.push_back(static_cast<int32_t>(i * 1000) - 900);
        scales.push_back(1e-3f + 1e-4f * static_cast<float>(i));
      }
      if (variant % 3 != 0) call.w_zero = zeros.data();
      call.w_zero_channels = variant % 3 == 2;
      if (variant % 4 != 0) call.bias = bias.data();
      if (variant % 5 < 3) call.channel_scale = scales.data();
      call.scale = variant == 4 || variant == 8 ? 4e4f : 2e-3f;  // far beyond bytes
      constexpr QuantResult kResults[] = {QuantResult::kInt32, QuantResult::kInt8, QuantResult::kUInt8};
      call.result = kResults[variant % 3];
      if (call.result != QuantResult::kInt32) call.y_zero = call.result == QuantResult::kInt8 ? 9 : 77;
      std::vector<uint8_t> y(channels * s.images * s.out_size() * 4, 0x5a), want = y;
      QuantConv judge = call;
      judge.w = w.data();
      judge.y = want.data();
      quant_conv_reference(judge);
      int threads = 1 + static_cast<int>(variant % 3);
      PretendParallel pool(threads);
      for (uint8_t k = 0; k < static_cast<uint8_t>(QuantConvKernel::kCount); ++k) {
        auto kernel = static_cast<QuantConvKernel>(k);
        call.w = w.data();
        if (!quant_conv_accepts(call, kernel)) continue;
        std::vector<uint8_t> packed(*quant_conv_packed_bytes(s, kernel));
        quant_conv_pack(call, kernel, packed.data());
        call.w = packed.data();
        std::fill(y.begin(), y.end(), uint8_t{0x5a});
        call.y = y.data();
        std::vector<uint8_t> scratch(*quant_conv_scratch_bytes(s, kernel, threads));
        quant_conv(call, kernel, scratch.data(), pool);
        CAPTURE(quant_conv_name(s, kernel));
        CAPTURE(&g - kGeometries);
        CAPTURE(variant);
        CHECK(difference(want, y, 0) == "");
      }
    }
  }
}

TEST_CASE("8-bit convolutions: a kernel for shapes of nothing, and of more than memory") {
  for (size_t channels :
       {size_t{0}, size_t{3}, (size_t{1} << 29) - 4, std::numeric_limits<size_t>::max() / 2}) {
    for (size_t out : {0, 8}) {
      QuantConv call;
      call.shape.in_channels = channels, call.shape.out_channels = 4;
      for (int i = 1; i < 3; ++i)
        call.shape.in[i] = call.shape.out[i] = out, call.shape.kernel[i] = 3, call.shape.pad[i] = 1;
      call.result = QuantResult::kInt8;
      CHECK(select_quant_conv(call) == QuantConvKernel::kProduct);
    }
  }
}

// Sums near the bound up to which Winograd's are right, of both signs; beyond it the kernel is refused.
TEST_CASE("8-bit convolutions by Winograd: large sums") {
  ConvShape s;
  s.in_channels = 255, s.out_channels = 4;
  for (int i = 1; i < 3; ++i) s.in[i] = s.out[i] = 6, s.kernel[i] = 3, s.pad[i] = 1;
  std::vector<uint8_t> x(s.in_channels * s.in_size()), w(s.out_channels * s.in_channels * s.taps());
  for (int byte : {0, 255, -1}) {
    auto random = random_values<uint8_t>(x.size(), 3);
    for (size_t i = 0; i < x.size(); ++i) x[i] = byte < 0 ? 255 * (random[i] & 1) : byte;
    for (size_t i = 0; i < w.size(); ++i)
      w[i] = static_cast<uint8_t>(i < w.size() / 2 ? 114 : i % 2 ? 114 : -114);
    QuantConv call;
    call.shape = s;
    call.x = x.data(), call.w = w.data(), call.w_signed = true;
    call.x_zero = 255 - std::max(byte, 0);
    call.scale = 1e-6f;
    call.result = QuantResult::kInt8;
    call.y_zero = 3;
    std::vector<uint8_t> y(s.out_channels * s.out_size()), want = y;
    call.y = want.data();
    quant_conv_reference(call);
    constexpr auto kernel = QuantConvKernel::kWinograd;
    REQUIRE(quant_conv_accepts(call, kernel));
    std::vector<uint8_t> packed(*quant_conv_packed_bytes(s, kernel));
    quant_conv_pack(call, kernel, packed.data());
    std::vector<uint8_t> scratch(*quant_conv_scratch_bytes(s, kernel, 1));
    QuantConv fast = call;
    fast.w = packed.data(), fast.y = y.data();
    PretendParallel pool(1);
    quant_conv(fast, kernel, scratch.data(), pool);
    CHECK(difference(want, y, 0) == "");
    w[0] = 127;
    for (size_t i = 0; i < 100; ++i) w[i] = 128;
    CHECK_FALSE(quant_conv_accepts(call, kernel));
  }
}

TEST_CASE("8-bit linear quantisation: whole vectors and tails") {
  for (size_t n : {0, 1, 7, 8, 9, 31}) {
    for (bool is_signed : {false, true}) {
      auto x = random_values<float>(n, static_cast<uint32_t>(n));
      for (size_t i = 0; i < n; ++i) x[i] *= i % 5 == 0 ? 1e20f : 100.0f;
      if (n > 8) x[3] = std::numeric_limits<float>::quiet_NaN(), x[4] = 1.25f, x[5] = -1.75f;
      int zero = is_signed ? -3 : 120, low = is_signed ? -128 : 0;
      std::vector<uint8_t> y(n + 1, 0x77);
      quantize_bytes(x.data(), n, 0.5f, zero, is_signed, y.data());
      std::vector<float> back(n + 1, 7.0f);
      dequantize_bytes(y.data(), n, 0.5f, zero, is_signed, back.data());
      for (size_t i = 0; i < n; ++i) {
        double whole = std::nearbyint(static_cast<double>(x[i]) / 0.5) + zero;
        int want = !(whole > low) ? low : static_cast<int>(std::min(whole, low + 255.0));
        int got = is_signed ? int{static_cast<int8_t>(y[i])} : int{y[i]};
        CHECK(got == want);
        CHECK(back[i] == static_cast<float>(want - zero) * 0.5f);
      }
      CHECK(y[n] == 0x77);
      CHECK(back[n] == 7.0f);
    }
  }
}

}  // namespace
}  // namespace kinglet
