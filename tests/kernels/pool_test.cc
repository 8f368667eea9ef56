#include "kernels/pool/pool.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

#include "base/tensor.h"

namespace kinglet::kernels {
namespace {

PoolAxis axis(int64_t in, int64_t kernel, int64_t stride, int64_t dilation, int64_t begin, int64_t end) {
  PoolAxis a{in, 0, kernel, stride, dilation, begin, end};
  a.out = (in + begin + end - a.reach()) / stride + 1;
  return a;
}

Tensor random_tensor(DType dtype, int64_t count, bool special, unsigned seed) {
  std::mt19937 random(seed);
  Tensor t = *Tensor::allocate(dtype, {count});
  auto fill = [&]<class T>() {
    for (T& v : t.values<T>()) {
      if constexpr (std::is_floating_point_v<T>)
        v = static_cast<T>(static_cast<int>(random() % 4001) - 2000) / 512;
      else
        v = static_cast<T>(random());
    }
    if constexpr (std::is_floating_point_v<T>) {
      constexpr T kInfinity = std::numeric_limits<T>::infinity();
      for (int64_t i = 0; special && i < count; i += 5) {
        const T values[] = {kInfinity, -kInfinity, std::numeric_limits<T>::quiet_NaN(), T{-0.0}};
        t.data<T>()[i] = values[random() % 4];
      }
    }
  };
  if (dtype == DType::kFloat32) fill.template operator()<float>();
  if (dtype == DType::kFloat64) fill.template operator()<double>();
  if (dtype == DType::kInt8) fill.template operator()<int8_t>();
  if (dtype == DType::kUInt8) fill.template operator()<uint8_t>();
  return t;
}

bool close(double want, double got, double tolerance) {
  if (std::isnan(want) || std::isnan(got)) return std::isnan(want) && std::isnan(got);
  if (std::isinf(want) || std::isinf(got)) return want == got;
  return std::abs(want - got) <= tolerance * (1 + std::abs(want));
}

void check(const PoolVariant& variant, Pool pool, bool special) {
  INFO(variant.name);
  Parallel alone;
  pool.kind = variant.kind;
  int64_t in = pool.planes, out = pool.planes;
  for (const PoolAxis& a : pool.axes) in *= a.in, out *= a.out;
  Tensor x = random_tensor(variant.dtype, in, special, static_cast<unsigned>(in));
  Tensor want = *Tensor::allocate(variant.dtype, {out}), got = *Tensor::allocate(variant.dtype, {out});
  std::vector<std::byte> scratch(pool_scratch_bytes(pool, variant.dtype, 1));
  variant.run(pool, x.data(), got.data(), scratch.data(), alone);
  find_pool_reference(variant.kind, variant.dtype)(pool, x.data(), want.data(), nullptr, alone);
  double tolerance = variant.kind == PoolKind::kMax ? 0 : variant.dtype == DType::kFloat32 ? 1e-5 : 1e-13;
  for (int64_t i = 0; i < out; ++i) REQUIRE(close(want.number(i), got.number(i), tolerance));
}

}  // namespace

TEST_CASE("every pooling kernel agrees with its judge") {
  for (const PoolVariant& variant : pool_variants()) {
    for (bool special : {false, true}) {
      for (int64_t width : {1, 3, 4, 7, 8, 9, 16, 37}) {
        for (int64_t stride : {1, 2, 3}) {
          int64_t kernel = std::min<int64_t>(width, 3);
          check(variant, {variant.kind, 3, {axis(width, kernel, stride, 1, 1, 1)}}, special);
          check(variant,
                {variant.kind, 2, {axis(5, 2, 2, 1, 0, 1), axis(width, kernel, stride, 1, 1, 0)}, true},
                special);
          check(variant,
                {variant.kind, 1, {axis(9, 3, 1, 2, 2, 2), axis(width + 4, 2, stride, 3, 0, 1)}, false, 3},
                special);
        }
      }
      check(variant,
            {variant.kind,
             2,
             {axis(4, 3, 1, 1, 1, 1), axis(5, 2, 1, 1, 0, 0), axis(6, 3, 2, 1, 1, 1)},
             true,
             1},
            special);
    }
  }
}

TEST_CASE("pooling kernels are chosen by kind and type") {
  CHECK(std::string_view(find_pool(PoolKind::kMax, DType::kFloat32)->name) == "pool/Max_float");
  CHECK(std::string_view(find_pool(PoolKind::kMax, DType::kUInt8)->name) == "pool/Max_uint8_t");
  CHECK(find_pool(PoolKind::kAverage, DType::kUInt8) == nullptr);
}

TEST_CASE("global pooling agrees with one window over everything") {
  Parallel alone;
  for (DType dtype : {DType::kFloat32, DType::kFloat64}) {
    for (PoolKind kind : {PoolKind::kMax, PoolKind::kAverage, PoolKind::kLp}) {
      for (int64_t count : {1, 3, 4, 15, 16, 17, 49, 1000}) {
        for (int64_t p : {1, 2, 3}) {
          Pool pool{kind, 3, {axis(count, count, 1, 1, 0, 0)}, false, p};
          Tensor x = random_tensor(dtype, 3 * count, false, static_cast<unsigned>(count));
          Tensor want = *Tensor::allocate(dtype, {3}), got = *Tensor::allocate(dtype, {3});
          find_pool_reference(kind, dtype)(pool, x.data(), want.data(), nullptr, alone);
          global_pool(kind, p, dtype, 3, count, x.data(), got.data(), alone);
          for (int64_t i = 0; i < 3; ++i) REQUIRE(close(want.number(i), got.number(i), 1e-4));
        }
      }
    }
  }
}

}  // namespace kinglet::kernels
