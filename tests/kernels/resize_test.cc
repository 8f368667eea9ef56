#include "kernels/resize/resize.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "kernels/copy/element.h"

namespace kinglet::kernels {
namespace {

std::vector<Resize> cases(ResizeMode mode) {
  std::vector<Resize> out;
  auto axis = [](int64_t in, int64_t to) {
    return ResizeAxis{in, to, static_cast<float>(to) / static_cast<float>(in), 0.2f, 1.3f, false};
  };
  for (Coordinate coordinate : {Coordinate::kHalfPixel, Coordinate::kAsymmetric, Coordinate::kAlignCorners,
                                Coordinate::kTfCropAndResize}) {
    for (int64_t width : {1, 3, 4, 5, 8, 9, 17}) {
      ResizeRule rule{.mode = mode, .coordinate = coordinate, .nearest = Nearest::kFloor};
      rule.antialias = width % 2 == 0;
      out.push_back({rule, 3, 1, {axis(width, 2 * width)}});
      out.push_back({rule, 2, 1, {axis(4, 8), axis(width, 2 * width)}});
      out.push_back({rule, 2, 3, {axis(5, 2), axis(width, width + 3)}});
      out.push_back(
          {rule, 1, 1, {axis(3, 7), {4, 4, 1, 0, 1, false}, axis(width, std::max<int64_t>(width / 2, 1))}});
    }
  }
  return out;
}

int64_t size_of(const Resize& r, int64_t ResizeAxis::* extent) {
  int64_t n = r.planes * r.inner;
  for (const ResizeAxis& a : r.axes) n *= a.*extent;
  return n;
}

template <class T>
void check_linear(ResizeMode mode, double tolerance) {
  Parallel alone;
  std::mt19937 random(7);
  for (const Resize& r : cases(mode)) {
    std::vector<T> in(static_cast<size_t>(size_of(r, &ResizeAxis::in)));
    for (T& x : in) x = static_cast<T>(static_cast<int>(random() % 2001) - 1000) / 256;
    std::vector<T> want(static_cast<size_t>(size_of(r, &ResizeAxis::out)), T{-77}), got(want);
    REQUIRE(resize_linear_reference(r, kDTypeOf<T>, 9.5, in.data(), want.data()).ok());
    REQUIRE(resize_linear(r, kDTypeOf<T>, 9.5, in.data(), got.data(), alone).ok());
    for (size_t i = 0; i < want.size(); ++i)
      REQUIRE(std::abs(want[i] - got[i]) <= tolerance * (1 + std::abs(want[i])));
  }
}

template <class T>
T element(size_t i) {
  if constexpr (std::is_same_v<T, std::string>)
    return "text " + std::to_string(i);
  else if constexpr (std::is_same_v<T, Bytes16>)
    return {i, ~i};
  else
    return static_cast<T>(i * 7 + 1);
}
template <class T>
bool same(const T& a, const T& b) {
  if constexpr (std::is_same_v<T, Bytes16>)
    return a.low == b.low && a.high == b.high;
  else
    return a == b;
}

template <class T>
void check_nearest(int bytes) {
  Parallel alone;
  T outside = element<T>(1000);
  for (const Resize& r : cases(ResizeMode::kNearest)) {
    std::vector<T> in(static_cast<size_t>(size_of(r, &ResizeAxis::in)));
    for (size_t i = 0; i < in.size(); ++i) in[i] = element<T>(i);
    std::vector<T> want(static_cast<size_t>(size_of(r, &ResizeAxis::out))), got(want);
    REQUIRE(resize_nearest_reference(r, bytes, &outside, in.data(), want.data()).ok());
    REQUIRE(resize_nearest(r, bytes, &outside, in.data(), got.data(), alone).ok());
    REQUIRE(std::equal(want.begin(), want.end(), got.begin(), same<T>));
  }
}

}  // namespace

TEST_CASE("linear and cubic resampling agree with their judge") {
  check_linear<float>(ResizeMode::kLinear, 1e-5);
  check_linear<double>(ResizeMode::kLinear, 1e-12);
  check_linear<float>(ResizeMode::kCubic, 1e-5);
  check_linear<double>(ResizeMode::kCubic, 1e-12);
}

TEST_CASE("nearest resampling agrees with its judge for every element size") {
#define COPY(bytes, type) check_nearest<type>(bytes);
#include "kernels/copy/copy.inc"
#undef COPY
}

TEST_CASE("taps: coordinates that are no numbers, or far away, stay inside or are marked") {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  ResizeAxis a{4, 3, 0.75f, kNan, kNan, false};
  auto cut = resize_taps({.coordinate = Coordinate::kTfCropAndResize}, a);
  REQUIRE(cut.ok());
  CHECK(cut->any_outside);
  a.scale = 1e-30f;
  auto far = resize_taps({.coordinate = Coordinate::kAsymmetric}, a);
  REQUIRE(far.ok());
  CHECK(far->index[2] == 3);
  CHECK_FALSE(resize_taps({.mode = ResizeMode::kLinear, .antialias = true}, a).ok());
}

TEST_CASE("linear weights of a doubled axis are quarters") {
  auto taps = resize_taps({.mode = ResizeMode::kLinear}, {2, 4, 2, 0, 1, false});
  REQUIRE(taps.ok());
  const std::vector<float> want{0.25f, 0.75f, 0.75f, 0.25f, 0.25f, 0.75f, 0.75f, 0.25f};
  CHECK(std::vector<float>(taps->weight, taps->weight + 8) == want);
  CHECK(std::vector<int32_t>(taps->index, taps->index + 8) == std::vector<int32_t>{0, 0, 0, 1, 0, 1, 1, 1});
}

}  // namespace kinglet::kernels
