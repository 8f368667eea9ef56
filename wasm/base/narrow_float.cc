#include "base/narrow_float.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace kinglet {

float half_to_float(uint16_t bits) {
  uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16, exponent = bits >> 10 & 31,
           mantissa = bits & 0x3ff;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000 | mantissa << 13);
  if (exponent == 0) {
    float value = static_cast<float>(mantissa) * 0x1p-24f;
    return sign ? -value : value;
  }
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
}

uint16_t float_to_half(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value), sign = bits >> 16 & 0x8000;
  bits &= 0x7fffffff;
  if (bits > 0x7f800000) return static_cast<uint16_t>(sign | 0x7e00 | (bits >> 13 & 0x3ff));
  if (bits >= 0x477ff000) return static_cast<uint16_t>(sign | 0x7c00);
  if (bits < 0x38800000) {
    // Adding 0.5 leaves the rounded subnormal mantissa in the low bits of the sum.
    float shifted = std::bit_cast<float>(bits) + 0.5f;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) - 0x3f000000));
  }
  bits += 0xfff + (bits >> 13 & 1);
  return static_cast<uint16_t>(sign | ((bits - 0x38000000) >> 13));
}

float bfloat16_to_float(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

uint16_t float_to_bfloat16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

namespace {
struct Format {
  int exponent_bits, mantissa_bits, bias;
  bool has_infinity;   // E5M2
  bool unsigned_zero;  // FNUZ: no -0, NaN is 0x80
  bool all_finite;     // E2M1
};
Format format_of(DType dtype) {
  switch (dtype) {
    case DType::kFloat8E4M3FN:
      return {4, 3, 7, false, false, false};
    case DType::kFloat8E4M3FNUZ:
      return {4, 3, 8, false, true, false};
    case DType::kFloat8E5M2:
      return {5, 2, 15, true, false, false};
    case DType::kFloat8E5M2FNUZ:
      return {5, 2, 16, false, true, false};
    default:
      return {2, 1, 1, false, false, true};
  }
}
}  // namespace

float small_float_to_float(DType dtype, uint8_t bits) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  if (dtype == DType::kFloat8E8M0) return bits == 255 ? kNan : std::ldexp(1.0f, bits - 127);
  Format f = format_of(dtype);
  int width = 1 + f.exponent_bits + f.mantissa_bits;
  uint32_t magnitude = bits & ((1u << (width - 1)) - 1), sign = bits >> (width - 1) & 1;
  uint32_t top = (1u << (width - 1)) - 1;
  if (f.unsigned_zero && sign && magnitude == 0) return kNan;
  if (f.has_infinity && magnitude >> f.mantissa_bits == (1u << f.exponent_bits) - 1) {
    float inf = std::numeric_limits<float>::infinity();
    return magnitude & ((1u << f.mantissa_bits) - 1) ? kNan : sign ? -inf : inf;
  }
  if (!f.unsigned_zero && !f.has_infinity && !f.all_finite && magnitude == top) return kNan;
  int exponent = static_cast<int>(magnitude >> f.mantissa_bits);
  float mantissa = static_cast<float>(magnitude & ((1u << f.mantissa_bits) - 1)) /
                   static_cast<float>(1 << f.mantissa_bits);
  float value =
      exponent == 0 ? std::ldexp(mantissa, 1 - f.bias) : std::ldexp(1 + mantissa, exponent - f.bias);
  return sign ? -value : value;
}

uint8_t float_to_small_float(DType dtype, float value, bool saturate) {
  if (dtype == DType::kFloat8E8M0) {
    if (std::isnan(value) || value < 0) return 255;
    int exponent = 0;
    float fraction = std::frexp(value, &exponent);  // value = fraction * 2^exponent, fraction in [0.5, 1)
    if (value == 0 || exponent < -126) return 0;
    if (std::isinf(value)) return saturate ? 254 : 255;
    exponent = fraction >= 0.75f ? exponent : exponent - 1;
    return exponent > 127 ? (saturate ? 254 : 255) : static_cast<uint8_t>(exponent + 127);
  }
  Format f = format_of(dtype);
  int width = 1 + f.exponent_bits + f.mantissa_bits;
  uint8_t sign_bit = static_cast<uint8_t>(1 << (width - 1));
  uint8_t top = static_cast<uint8_t>(sign_bit - 1);
  uint8_t nan = f.unsigned_zero ? sign_bit : f.all_finite ? 0 : top;
  uint8_t infinity = static_cast<uint8_t>(((1 << f.exponent_bits) - 1) << f.mantissa_bits);
  uint8_t largest = f.has_infinity                    ? static_cast<uint8_t>(infinity - 1)
                    : f.unsigned_zero || f.all_finite ? top
                                                      : static_cast<uint8_t>(top - 1);
  uint8_t sign = std::signbit(value) ? sign_bit : 0;
  if (std::isnan(value)) return f.all_finite ? top : f.unsigned_zero ? nan : static_cast<uint8_t>(sign | nan);
  float magnitude = std::fabs(value);
  // Round the mantissa to nearest even at the exponent that the value will have.
  int exponent = 0;
  if (magnitude > 0 && !std::isinf(magnitude)) std::frexp(magnitude, &exponent), --exponent;
  exponent = std::max(exponent, 1 - f.bias);
  float quantum = std::ldexp(1.0f, exponent - f.mantissa_bits);
  float rounded = std::isinf(magnitude) ? magnitude : std::nearbyint(magnitude / quantum) * quantum;
  if (rounded > small_float_to_float(dtype, largest)) {
    if (saturate || f.all_finite) return static_cast<uint8_t>(sign | largest);
    return f.has_infinity    ? static_cast<uint8_t>(sign | infinity)
           : f.unsigned_zero ? nan
                             : static_cast<uint8_t>(sign | nan);
  }
  if (rounded == 0) return f.unsigned_zero ? 0 : sign;
  std::frexp(rounded, &exponent), --exponent;
  uint32_t code;
  if (exponent < 1 - f.bias) {
    code = static_cast<uint32_t>(std::ldexp(rounded, f.bias - 1 + f.mantissa_bits));
  } else {
    uint32_t mantissa =
        static_cast<uint32_t>(std::ldexp(rounded, f.mantissa_bits - exponent)) - (1u << f.mantissa_bits);
    code = static_cast<uint32_t>(exponent + f.bias) << f.mantissa_bits | mantissa;
  }
  return static_cast<uint8_t>(sign | code);
}

}  // namespace kinglet
