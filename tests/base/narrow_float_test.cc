#include "base/narrow_float.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

using namespace kinglet;

namespace {
// clang's own half type is the judge where the target has it.
#if defined(__FLT16_MAX__)
float judge_half_to_float(uint16_t bits) { return static_cast<float>(std::bit_cast<_Float16>(bits)); }
uint16_t judge_float_to_half(float value) { return std::bit_cast<uint16_t>(static_cast<_Float16>(value)); }

bool same(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) || std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
}
#endif
}  // namespace

#if defined(__FLT16_MAX__)
TEST_CASE("all 65,536 halves become the float that the compiler gives") {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    float ours = half_to_float(static_cast<uint16_t>(bits)),
          judge = judge_half_to_float(static_cast<uint16_t>(bits));
    REQUIRE(same(ours, judge));
  }
}

TEST_CASE(
    "floats round to the half that the compiler gives: all halves, the midpoints between them, and their "
    "neighbours") {
  for (uint32_t bits = 0; bits < 0x7c00; ++bits) {
    float low = half_to_float(static_cast<uint16_t>(bits)),
          high = half_to_float(static_cast<uint16_t>(bits + 1));
    if (std::isinf(high)) high = 65536;
    float middle = (low + high) / 2;
    for (float x : {low, middle, std::nextafter(middle, low), std::nextafter(middle, high)}) {
      REQUIRE(float_to_half(x) == judge_float_to_half(x));
      REQUIRE(float_to_half(-x) == judge_float_to_half(-x));
    }
  }
  CHECK(float_to_half(1e9f) == 0x7c00);
  CHECK(float_to_half(-std::numeric_limits<float>::infinity()) == 0xfc00);
  CHECK(std::isnan(half_to_float(float_to_half(std::numeric_limits<float>::quiet_NaN()))));
}
#endif

TEST_CASE("bfloat16 rounds to nearest even and keeps NaN") {
  CHECK(float_to_bfloat16(1.0f) == 0x3f80);
  CHECK(float_to_bfloat16(std::bit_cast<float>(0x3f808000u)) == 0x3f80);
  CHECK(float_to_bfloat16(std::bit_cast<float>(0x3f818000u)) == 0x3f82);
  CHECK(float_to_bfloat16(std::bit_cast<float>(0x3f808001u)) == 0x3f81);
  CHECK(std::isnan(bfloat16_to_float(float_to_bfloat16(std::bit_cast<float>(0x7f800001u)))));
}

TEST_CASE(
    "known values of the eight-bit formats (OCP 8-bit floating point specification, table 1; ONNX float8 "
    "page)") {
  CHECK(small_float_to_float(DType::kFloat8E4M3FN, 0x7e) == 448);
  CHECK(small_float_to_float(DType::kFloat8E4M3FN, 0x01) == 0x1p-9f);
  CHECK(std::isnan(small_float_to_float(DType::kFloat8E4M3FN, 0x7f)));
  CHECK(small_float_to_float(DType::kFloat8E4M3FNUZ, 0x7f) == 240);
  CHECK(std::isnan(small_float_to_float(DType::kFloat8E4M3FNUZ, 0x80)));
  CHECK(small_float_to_float(DType::kFloat8E5M2, 0x7b) == 57344);
  CHECK(std::isinf(small_float_to_float(DType::kFloat8E5M2, 0x7c)));
  CHECK(small_float_to_float(DType::kFloat8E5M2FNUZ, 0x7f) == 57344);
  CHECK(small_float_to_float(DType::kFloat4E2M1, 0x7) == 6);
  CHECK(small_float_to_float(DType::kFloat4E2M1, 0x1) == 0.5f);
  CHECK(small_float_to_float(DType::kFloat8E8M0, 127) == 1);
}

TEST_CASE(
    "every code of every small format comes back from its value, and midpoints go to the even neighbour") {
  for (DType d : {DType::kFloat8E4M3FN, DType::kFloat8E4M3FNUZ, DType::kFloat8E5M2, DType::kFloat8E5M2FNUZ,
                  DType::kFloat4E2M1}) {
    uint32_t codes = d == DType::kFloat4E2M1 ? 16 : 256;
    for (uint32_t code = 0; code < codes; ++code) {
      float value = small_float_to_float(d, static_cast<uint8_t>(code));
      if (std::isnan(value)) continue;
      CHECK(float_to_small_float(d, value, true) == (std::isinf(value) ? code - 1 : code));
      CHECK(float_to_small_float(d, value, false) == code);
    }
    for (uint32_t code = 0; code + 1 < codes / 2; ++code) {
      float low = small_float_to_float(d, static_cast<uint8_t>(code)),
            high = small_float_to_float(d, static_cast<uint8_t>(code + 1));
      if (std::isnan(high) || std::isinf(high)) continue;
      CHECK(float_to_small_float(d, (low + high) / 2, true) == (code % 2 == 0 ? code : code + 1));
    }
  }
}

TEST_CASE("values out of range saturate, or become NaN or infinity") {
  CHECK(float_to_small_float(DType::kFloat8E4M3FN, 1e6f, true) == 0x7e);
  CHECK(float_to_small_float(DType::kFloat8E4M3FN, 1e6f, false) == 0x7f);
  CHECK(float_to_small_float(DType::kFloat8E5M2, 1e6f, false) == 0x7c);
  CHECK(float_to_small_float(DType::kFloat8E4M3FNUZ, -1e6f, false) == 0x80);
  CHECK(float_to_small_float(DType::kFloat8E4M3FNUZ, -0.0f, true) == 0);
}
