#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/elementwise/function.h"

namespace kinglet {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

int64_t ulps(float a, float b) {
  auto order = [](float x) {
    int32_t i = std::bit_cast<int32_t>(x);
    return i < 0 ? int64_t{std::numeric_limits<int32_t>::min()} - i : int64_t{i};
  };
  return std::abs(order(a) - order(b));
}

std::vector<float> inputs(size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> wide(-20, 20), narrow(-1.2f, 1.2f);
  std::vector<float> x(n);
  for (size_t i = 0; i < n; ++i) x[i] = i % 2 ? wide(random) : narrow(random);
  const float special[] = {0.0f, -0.0f, kInf, -kInf, kNan, 1.0f, -1.0f, 0.5f, -3.0f, 1e-40f, 3e38f, -3e38f};
  for (size_t i = 0; i < std::size(special) && n > 40; ++i) x[i * 3] = special[i];
  return x;
}

constexpr float kParams[] = {0.7f, 0.4f};

// The float32 kernel against the float64 one.
void check_unary(const char* op, int error) {
  const Function& f = *find_unary(op);
  REQUIRE((f.f32 != nullptr));
  double wide_params[] = {kParams[0], kParams[1]};
  for (size_t n : {1, 7, 8, 9, 16, 300}) {
    std::vector<float> x = inputs(n, static_cast<unsigned>(n)), y(n + 1, 77.0f), in_place = x;
    std::vector<double> wide(x.begin(), x.end()), want(n);
    f.f32({{x.data()}, {}, y.data(), n, kParams});
    f.f32({{in_place.data()}, {}, in_place.data(), n, kParams});
    f.f64({{wide.data()}, {}, want.data(), n, wide_params});
    CHECK(y[n] == 77.0f);
    for (size_t i = 0; i < n; ++i) {
      float expected = static_cast<float>(want[i]);
      CAPTURE(op);
      CAPTURE(x[i]);
      CAPTURE(y[i]);
      CAPTURE(expected);
      CHECK(std::memcmp(&y[i], &in_place[i], 4) == 0);
      if (std::isnan(expected)) {
        CHECK(std::isnan(y[i]));
      } else if (std::isinf(expected)) {
        CHECK(y[i] == expected);
      } else if (error >= 0) {
        // Subnormal results may be off by a step of the smallest normal number's.
        bool tiny = std::fabs(expected) < 1.2e-38f && std::fabs(y[i]) < 1.2e-38f;
        CHECK((tiny || ulps(y[i], expected) <= error));
      } else {
        CHECK(std::fabs(static_cast<double>(y[i]) - want[i]) <=
              -error * 0x1p-23 * std::fmax(1, std::fabs(static_cast<double>(x[i]))));
      }
    }
  }
}

#define UNARY(op, domain, types, attributes, error, vector, exact) UNARY_KERNEL(op, error, vector, exact)
#define UNARY_KERNEL(op, error, vector, exact)                                                 \
  TEST_CASE("unary " #op ": vectors against float64, lane counts, in place, special values") { \
    check_unary(#op, error);                                                                   \
  }
#include "kernels/elementwise/unary.inc"

// All combinations of whole and splat operands.
void check_binary(const char* op) {
  const Function& f = *find_binary(op);
  for (size_t n : {1, 7, 8, 9, 300}) {
    for (int splat = 0; splat < 4; ++splat) {
      std::vector<float> a = inputs(n, 1), b = inputs(n, 2), y(n + 1, 77.0f);
      std::vector<double> wide_a(a.begin(), a.end()), wide_b(b.begin(), b.end()), want(n);
      Row row{{a.data(), b.data()}, {(splat & 1) != 0, (splat & 2) != 0}, y.data(), n, nullptr};
      f.f32(row);
      row.in[0] = wide_a.data(), row.in[1] = wide_b.data(), row.out = want.data();
      f.f64(row);
      CHECK(y[n] == 77.0f);
      for (size_t i = 0; i < n; ++i) {
        float expected = static_cast<float>(want[i]);
        CAPTURE(op);
        CAPTURE(a[i]);
        CAPTURE(b[i]);
        CAPTURE(y[i]);
        CHECK((std::isnan(expected) ? std::isnan(y[i]) : y[i] == expected));
      }
    }
  }
}

#define BINARY(op, vector, scalar) \
  TEST_CASE("binary " #op ": vectors against float64, lane counts, splat operands") { check_binary(#op); }
#include "kernels/elementwise/binary.inc"

}  // namespace
}  // namespace kinglet
