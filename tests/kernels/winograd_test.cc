// Winograd's kernels read their tiles in place: every border, and planes smaller than a tile. Inputs are
// allocated to the element, so that the sanitizers see what lies outside.
#include <doctest/doctest.h>

#include <limits>

#include "kernels/agree.h"
#include "kernels/conv/conv.h"

namespace kinglet {
namespace {

using test::difference;
using test::PretendParallel;
using test::random_values;

struct Axis {
  size_t in, before, after;
};

ConvShape shape_of(size_t kernel, size_t stride, Axis down, Axis across) {
  ConvShape s;
  s.images = 2, s.groups = 2, s.in_channels = 5, s.out_channels = 3;
  const Axis axes[] = {down, across};
  for (size_t i = 1; i < 3; ++i) {
    const Axis& a = axes[i - 1];
    s.in[i] = a.in, s.kernel[i] = kernel, s.stride[i] = stride, s.pad[i] = a.before;
    s.out[i] = a.in + a.before + a.after < kernel ? 0 : (a.in + a.before + a.after - kernel) / stride + 1;
  }
  return s;
}

void check(const ConvShape& s, int threads) {
  size_t outputs = s.groups * s.out_channels * s.out_size();
  auto x = random_values<float>(s.images * s.groups * s.in_channels * s.in_size(), 1);
  auto w = random_values<float>(s.groups * s.out_channels * s.in_channels * s.taps(), 2);
  std::vector<float> want(s.images * outputs), y(s.images * outputs);
  Conv<float> call;
  call.shape = s;
  call.x = x.data(), call.w = w.data(), call.y = want.data();
  conv_reference(call);
  // What lies beside an image is not a part of it.
  std::vector<float> other = x;
  std::fill(other.begin(), other.begin() + static_cast<ptrdiff_t>(x.size() / 2),
            std::numeric_limits<float>::quiet_NaN());
  for (ConvKernel kernel : {ConvKernel::k_winograd, ConvKernel::k_winograd_stored}) {
    if (!conv_accepts<float>(s, kernel)) continue;
    CAPTURE(conv_kernel_name(kernel));
    std::vector<float> packed(*conv_packed_bytes<float>(s, kernel) / sizeof(float));
    conv_pack(s, kernel, w.data(), packed.data());
    std::vector<std::byte> scratch(*conv_scratch_bytes<float>(s, kernel, threads));
    PretendParallel pool(threads);
    call.w = packed.data(), call.y = y.data();
    for (const std::vector<float>* input : {&x, &other}) {
      call.x = input->data();
      conv(call, kernel, scratch.data(), pool);
      std::span<const float> all = want, got = y;
      size_t first = input == &x ? 0 : outputs;
      CHECK(difference(all.subspan(first), got.subspan(first), 1e-4) == "");
    }
  }
}

TEST_CASE("conv by Winograd: paddings of 0 to 2 on each side of 1 to 20 elements") {
  constexpr size_t kCombinations = 20 * 3 * 3;
  auto axis = [](size_t i) { return Axis{1 + i % 20, i / 20 % 3, i / 60 % 3}; };
  size_t tried = 0;
  for (size_t i = 0; i < kCombinations; ++i) {
    // Some of the other direction, so that all pairs of paddings meet.
    for (size_t j = i % 23; j < kCombinations; j += 23) {
      for (auto [kernel, stride] : {std::pair{3, 1}, {5, 1}, {3, 2}}) {
        ConvShape s = shape_of(static_cast<size_t>(kernel), static_cast<size_t>(stride), axis(i), axis(j));
        if (s.empty()) continue;
        CAPTURE(i);
        CAPTURE(j);
        CAPTURE(kernel);
        CAPTURE(stride);
        check(s, 1 + static_cast<int>(++tried % 3));
      }
    }
  }
  CHECK(tried > 3000);
}

TEST_CASE("conv by Winograd: padding that hides whole tiles, and images without elements") {
  for (Axis across : {Axis{1, 9, 9}, {2, 13, 0}, {3, 0, 14}, {5, 6, 7}, {17, 10, 4}, {0, 3, 4}}) {
    for (Axis down : {Axis{4, 1, 1}, {1, 12, 0}, {2, 0, 11}, {9, 8, 8}, {0, 5, 2}}) {
      for (auto [kernel, stride] : {std::pair{3, 1}, {5, 1}, {3, 2}}) {
        CAPTURE(across.in);
        CAPTURE(down.in);
        check(shape_of(static_cast<size_t>(kernel), static_cast<size_t>(stride), down, across), 2);
        check(shape_of(static_cast<size_t>(kernel), static_cast<size_t>(stride), across, down), 1);
      }
    }
  }
}

}  // namespace
}  // namespace kinglet
