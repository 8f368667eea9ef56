#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "simd/math.h"

namespace kinglet {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Distance in representable numbers.
int64_t ulps(float a, float b) {
  auto order = [](float x) {
    int32_t i = std::bit_cast<int32_t>(x);
    return i < 0 ? int64_t{std::numeric_limits<int32_t>::min()} - i : int64_t{i};
  };
  return std::abs(order(a) - order(b));
}

// Largest error of `f` against `exact` over a sweep of bit patterns of both signs with |x| in [low, high].
template <class F, class G>
int64_t worst(F f, G exact, float low, float high, bool negative = true) {
  using V = vec<float, 8>;
  int64_t most = 0;
  int32_t end = std::bit_cast<int32_t>(high);
  for (int32_t i = std::bit_cast<int32_t>(low); i < end; i += 8 * 977) {
    for (int sign = 0; sign <= (negative ? 1 : 0); ++sign) {
      float x[8], y[8];
      for (int k = 0; k < 8; ++k) x[k] = std::bit_cast<float>(i + 977 * k) * (sign ? -1.0f : 1.0f);
      f(V::load(x)).store(y);
      for (int k = 0; k < 8; ++k)
        most = std::max(most, ulps(y[k], static_cast<float>(exact(static_cast<double>(x[k])))));
    }
  }
  return most;
}

template <class F, class G>
void same_at_special_values(F f, G exact) {
  for (float x : {0.0f, -0.0f, kInf, -kInf}) {
    float got[4];
    f(vec<float, 4>::splat(x)).store(got);
    float want = static_cast<float>(exact(static_cast<double>(x)));
    CAPTURE(x);
    if (std::isnan(want)) {
      CHECK(std::isnan(got[3]));
    } else {
      CHECK(std::bit_cast<uint32_t>(got[3]) == std::bit_cast<uint32_t>(want));
    }
  }
  float got[4];
  f(vec<float, 4>::splat(kNan)).store(got);
  CHECK(std::isnan(got[0]));
}

double logistic(double x) { return 1.0 / (1.0 + std::exp(-x)); }

TEST_CASE("elementary functions stay within their stated error") {
  auto d = [](double (*f)(double)) { return f; };
  CHECK(worst([](auto x) { return simd::exp(x); }, d(std::exp), 1e-30f, 103.0f) <= 2);
  CHECK(worst([](auto x) { return simd::expm1(x); }, d(std::expm1), 1e-30f, 88.0f) <= 3);
  CHECK(worst([](auto x) { return simd::log(x); }, d(std::log), 1e-44f, 3e38f, false) <= 3);
  CHECK(worst([](auto x) { return simd::log1p(x); }, d(std::log1p), 1e-37f, 3e38f, false) <= 5);
  CHECK(worst([](auto x) { return simd::log1p(x); }, d(std::log1p), 1e-37f, 0.99f) <= 5);
  CHECK(worst([](auto x) { return simd::tanh(x); }, d(std::tanh), 1e-37f, 1e30f) <= 4);
  CHECK(worst([](auto x) { return simd::exp_negative(decltype(x)::splat(0.0f) - abs(x)); },
              [](double x) { return std::exp(-std::fabs(x)); }, 1e-30f, 87.3f) <= 2);
  CHECK(worst([](auto x) { return simd::sigmoid(x); }, logistic, 1e-37f, 87.3f) <= 4);
  CHECK(worst([](auto x) { return simd::sigmoid(x); }, logistic, 87.3f, 1e30f, false) <= 4);
  for (float x = -87.3f; x > -1e30f; x = x < -110 ? 4 * x : x - 0.01f) {
    float y[4];
    simd::sigmoid(vec<float, 4>::splat(x)).store(y);
    CHECK(std::fabs(y[0] - logistic(x)) <= std::numeric_limits<float>::min());
  }
  CHECK(worst([](auto x) { return simd::erf(x); }, d(std::erf), 1e-37f, 1e30f) <= 6);
  for (float x = -2e30f; x < 1e30f; x = x < -20 ? x / 3 : x > 20 ? x * 3 : x + 0.001f) {
    float y[4];
    simd::silu(vec<float, 4>::splat(x)).store(y);
    float bound = x < -16 ? 0x1p-19f : 3 * std::max(1.0f, std::fabs(x)) * 0x1p-23f;
    CHECK(std::fabs(y[0] - x * logistic(x)) <= bound);
  }
}

TEST_CASE("elementary functions are exact at special values") {
  auto d = [](double (*f)(double)) { return f; };
  same_at_special_values([](auto x) { return simd::exp(x); }, d(std::exp));
  same_at_special_values([](auto x) { return simd::expm1(x); }, d(std::expm1));
  same_at_special_values([](auto x) { return simd::log(x); }, d(std::log));
  same_at_special_values([](auto x) { return simd::log1p(x); }, d(std::log1p));
  same_at_special_values([](auto x) { return simd::tanh(x); }, d(std::tanh));
  same_at_special_values([](auto x) { return simd::sigmoid(x); }, logistic);
  same_at_special_values([](auto x) { return simd::erf(x); }, d(std::erf));
  // Of -inf it is near zero, where the product of -inf and 0 is NaN.
  same_at_special_values(
      [](auto x) { return select(x < decltype(x)::splat(-1), decltype(x)::splat(0), simd::silu(x)); },
      [](double x) { return x < 0 ? 0.0 : x; });
}

// Every operation of vec<T, N> against the same on single elements.
template <class T, int N>
void lanes_agree(const T (&a)[8], const T (&b)[8]) {
  using V = vec<T, N>;
  using M = MaskOf<T>;
  V x = V::load(a), y = V::load(b);
  T out[8];
  M mask[8];
  auto same = [](T p, T q) { return std::memcmp(&p, &q, sizeof p) == 0 || (p != p && q != q); };
  auto check = [&](V got, auto one) {
    got.store(out);
    for (int i = 0; i < N; ++i) CHECK(same(out[i], one(vec<T, 1>{a[i]}, vec<T, 1>{b[i]}).v));
  };
  auto check_mask = [&](vec<M, N> got, auto one) {
    got.store(mask);
    for (int i = 0; i < N; ++i) CHECK(mask[i] == one(vec<T, 1>{a[i]}, vec<T, 1>{b[i]}).v);
  };
  check(x + y, [](auto p, auto q) { return p + q; });
  check(x - y, [](auto p, auto q) { return p - q; });
  check(x * y, [](auto p, auto q) { return p * q; });
  if constexpr (std::is_floating_point_v<T>) {
    check(x / y, [](auto p, auto q) { return p / q; });
    check(min(x, y), [](auto p, auto q) { return min(p, q); });
    check(max(x, y), [](auto p, auto q) { return max(p, q); });
    check(sqrt(x), [](auto p, auto) { return sqrt(p); });
    check(select(x < y, x, y), [](auto p, auto q) { return select(p < q, p, q); });
    check_mask(x <= y, [](auto p, auto q) { return p <= q; });
    check_mask(x > y, [](auto p, auto q) { return p > q; });
    check_mask(x >= y, [](auto p, auto q) { return p >= q; });
    check_mask(x == y, [](auto p, auto q) { return p == q; });
  } else {
    check(x & y, [](auto p, auto q) { return p & q; });
    check(x | y, [](auto p, auto q) { return p | q; });
    check(x ^ y, [](auto p, auto q) { return p ^ q; });
    if constexpr (std::is_signed_v<T>) {
      check(x << 3, [](auto p, auto) { return p << 3; });
      check(x >> 3, [](auto p, auto) { return p >> 3; });
    }
  }
  check(V::load_splat(a + 1), [&](auto, auto) { return vec<T, 1>{a[1]}; });
  for (size_t n = 1; n < static_cast<size_t>(N); ++n) {
    std::vector<T> tail(a, a + n);
    std::vector<T> copy(n);
    store_partial(load_partial<V>(tail.data(), n), copy.data(), n);
    CHECK(std::memcmp(tail.data(), copy.data(), n * sizeof(T)) == 0);
  }
}

TEST_CASE("every width of vec agrees with single elements") {
  const float f[8] = {1.5f, -0.0f, kInf, -3.25f, kNan, 0.0f, -kInf, 7e-42f};
  const float g[8] = {-2.0f, 0.0f, 1.0f, -3.25f, 1.0f, kNan, -kInf, 3e38f};
  lanes_agree<float, 1>(f, g);
  lanes_agree<float, 4>(f, g);
  lanes_agree<float, 8>(f, g);
  const double p[8] = {1.5, -0.0, HUGE_VAL, -3.25, NAN, 0.0, -HUGE_VAL, 1e-310};
  const double q[8] = {-2.0, 0.0, 1.0, -3.25, 1.0, NAN, -HUGE_VAL, 1e308};
  lanes_agree<double, 2>(p, q);
  lanes_agree<double, 8>(p, q);
  const int32_t i[8] = {1, -1, INT32_MIN, INT32_MAX, 0, 77, -12345, 99};
  const int32_t j[8] = {-1, -1, -1, 2, 5, -7, 1 << 30, 99};
  lanes_agree<int32_t, 4>(i, j);
  lanes_agree<int32_t, 8>(i, j);
  const int64_t k[8] = {1, -1, INT64_MIN, INT64_MAX, 0, 77, -12345, 99};
  const int64_t l[8] = {-1, -1, -1, 2, 5, -7, int64_t{1} << 62, 99};
  lanes_agree<int64_t, 2>(k, l);
  const uint8_t c[8] = {0, 1, 128, 255, 7, 200, 3, 99};
  const uint8_t d[8] = {255, 1, 2, 255, 9, 100, 0, 99};
  lanes_agree<uint8_t, 8>(c, d);
}

TEST_CASE("sum, madd, copysign and conversions") {
  const float f[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  CHECK(sum(vec<float, 4>::load(f)) == 10.0f);
  CHECK(sum(vec<float, 8>::load(f)) == 36.0f);
  const int32_t i[4] = {INT32_MAX, 1, -5, 7};
  CHECK(sum(vec<int32_t, 4>::load(i)) == INT32_MIN + 2);
  const int64_t l[2] = {INT64_MAX, 1};
  CHECK(sum(vec<int64_t, 2>::load(l)) == INT64_MIN);
  float out[8];
  even(vec<float, 4>::load(f), vec<float, 4>::load(f + 4)).store(out);
  odd(vec<float, 4>::load(f), vec<float, 4>::load(f + 4)).store(out + 4);
  for (int k = 0; k < 4; ++k) {
    CHECK(out[k] == f[2 * k]);
    CHECK(out[4 + k] == f[2 * k + 1]);
  }
  ahead(vec<float, 4>::load(f)).store(out);
  behind(vec<float, 4>::load(f)).store(out + 4);
  for (int k = 0; k < 4; ++k) {
    CHECK(out[k] == (k < 3 ? f[k + 1] : 0.0f));
    CHECK(out[4 + k] == (k > 0 ? f[k - 1] : 0.0f));
  }
  madd(vec<float, 4>::load(f), vec<float, 4>::splat(10.0f), vec<float, 4>::splat(0.5f)).store(out);
  CHECK(out[3] == 40.5f);
  copysign(vec<float, 4>::load(f), vec<float, 4>::splat(-0.0f)).store(out);
  CHECK(out[2] == -3.0f);
  to_float(vec<int32_t, 4>::load(i)).store(out);
  CHECK(out[2] == -5.0f);
}

}  // namespace
}  // namespace kinglet
