#include "kernels/cast/convert.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/narrow_float.h"
#include "simd/vec.h"

namespace kinglet {

namespace {

// Branch-free, so that the compiler can vectorise the loops around them.
inline float from_half(uint16_t h) {
  uint32_t magnitude = static_cast<uint32_t>(h & 0x7fff) << 13;
  uint32_t special = magnitude >= 0x0f800000 ? 0x7f800000 : 0;
  uint32_t bits = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) * 0x1p112f);
  return std::bit_cast<float>(bits | special | static_cast<uint32_t>(h & 0x8000) << 16);
}

inline uint16_t to_half(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value), sign = bits >> 16 & 0x8000;
  bits &= 0x7fffffff;
  uint32_t normal = (bits + 0xfff + (bits >> 13 & 1) - 0x38000000) >> 13;
  // Adding 0.5 leaves the rounded subnormal mantissa in the low bits of the sum.
  uint32_t subnormal = std::bit_cast<uint32_t>(std::bit_cast<float>(bits) + 0.5f) - 0x3f000000;
  uint32_t finite = bits < 0x38800000 ? subnormal : normal;
  uint32_t special = bits > 0x7f800000 ? 0x7e00 : 0x7c00;
  return static_cast<uint16_t>(sign | (bits >= 0x477ff000 ? special : finite));
}

inline uint16_t to_bfloat16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  return static_cast<uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? (bits >> 16 | 0x40) : rounded);
}

// Rounds to odd, so that rounding once more to a much narrower format is right.
inline float to_float_odd(double value) {
  float f = static_cast<float>(value);
  if (std::isnan(value) || static_cast<double>(f) == value) return f;
  uint32_t bits = std::bit_cast<uint32_t>(f);
  if (std::fabs(static_cast<double>(f)) > std::fabs(value)) --bits;
  return std::bit_cast<float>(bits | 1);
}

template <class Int, class Float>
inline Int saturating(Float x) {
  // The bounds are powers of two and so exact as floats.
  constexpr Float kLimit = static_cast<Float>(uint64_t{1} << (sizeof(Int) * 8 - 1));
  if (!(x > -kLimit)) return x == x ? std::numeric_limits<Int>::min() : 0;
  return x < kLimit ? static_cast<Int>(x) : std::numeric_limits<Int>::max();
}

template <class From, class To>
void widen(const void* in, int64_t at, void* out, size_t n) {
  const From* x = static_cast<const From*>(in) + at;
  To* y = static_cast<To*>(out);
  for (size_t i = 0; i < n; ++i) y[i] = static_cast<To>(x[i]);
}

// float64 to float32
void narrow(const double* x, float* y, size_t n) {
  using V = vec<double, 4>;
  size_t i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) to_float(V::load(x + i)).store(y + i);
  for (; i < n; ++i) y[i] = static_cast<float>(x[i]);
}

// int64 to integers of any width; wraps.
template <class To>
void wrap(const int64_t* x, std::byte* base, int64_t at, size_t n) {
  To* y = reinterpret_cast<To*>(base) + at;
  for (size_t i = 0; i < n; ++i) y[i] = static_cast<To>(static_cast<uint64_t>(x[i]));
}

uint32_t sub_byte(const std::byte* base, int64_t i, int bits) {
  int64_t bit = i * bits;
  return static_cast<uint32_t>(base[bit / 8]) >> (bit % 8) & ((1u << bits) - 1);
}
void set_sub_byte(std::byte* base, int64_t i, int bits, uint32_t value) {
  int64_t bit = i * bits;
  uint32_t mask = ((1u << bits) - 1) << (bit % 8);
  uint32_t byte = static_cast<uint32_t>(base[bit / 8]);
  base[bit / 8] = static_cast<std::byte>((byte & ~mask) | (value << (bit % 8) & mask));
}

void load_f32(DType dtype, const std::byte* base, int64_t at, float* y, size_t n) {
  const auto* half = reinterpret_cast<const uint16_t*>(base) + at;
  switch (dtype) {
    case DType::kFloat32:
      std::memcpy(y, reinterpret_cast<const float*>(base) + at, n * 4);
      break;
    case DType::kFloat16:
      for (size_t i = 0; i < n; ++i) y[i] = from_half(half[i]);
      break;
    case DType::kBFloat16:
      for (size_t i = 0; i < n; ++i) y[i] = std::bit_cast<float>(static_cast<uint32_t>(half[i]) << 16);
      break;
    case DType::kFloat4E2M1:
      for (size_t i = 0; i < n; ++i)
        y[i] = small_float_to_float(dtype,
                                    static_cast<uint8_t>(sub_byte(base, at + static_cast<int64_t>(i), 4)));
      break;
    default:
      for (size_t i = 0; i < n; ++i)
        y[i] = small_float_to_float(dtype, static_cast<uint8_t>(base[at + static_cast<int64_t>(i)]));
  }
}

void store_f32(const float* x, DType dtype, std::byte* base, int64_t at, size_t n, bool saturate) {
  auto* half = reinterpret_cast<uint16_t*>(base) + at;
  switch (dtype) {
    case DType::kFloat32:
      std::memcpy(reinterpret_cast<float*>(base) + at, x, n * 4);
      break;
    case DType::kFloat16:
      for (size_t i = 0; i < n; ++i) half[i] = to_half(x[i]);
      break;
    case DType::kBFloat16:
      for (size_t i = 0; i < n; ++i) half[i] = to_bfloat16(x[i]);
      break;
    case DType::kFloat4E2M1:
      for (size_t i = 0; i < n; ++i)
        set_sub_byte(base, at + static_cast<int64_t>(i), 4, float_to_small_float(dtype, x[i], saturate));
      break;
    default:
      for (size_t i = 0; i < n; ++i)
        base[at + static_cast<int64_t>(i)] =
            static_cast<std::byte>(float_to_small_float(dtype, x[i], saturate));
  }
}

void load_i64(DType dtype, const std::byte* base, int64_t at, int64_t* y, size_t n) {
  switch (dtype) {
    case DType::kInt64:
    case DType::kUInt64:
      std::memcpy(y, reinterpret_cast<const int64_t*>(base) + at, n * 8);
      break;
    case DType::kInt32:
      widen<int32_t, int64_t>(base, at, y, n);
      break;
    case DType::kUInt32:
      widen<uint32_t, int64_t>(base, at, y, n);
      break;
    case DType::kInt16:
      widen<int16_t, int64_t>(base, at, y, n);
      break;
    case DType::kUInt16:
      widen<uint16_t, int64_t>(base, at, y, n);
      break;
    case DType::kInt8:
      widen<int8_t, int64_t>(base, at, y, n);
      break;
    case DType::kUInt8:
      widen<uint8_t, int64_t>(base, at, y, n);
      break;
    case DType::kBool:
      for (size_t i = 0; i < n; ++i) y[i] = base[at + static_cast<int64_t>(i)] != std::byte{0};
      break;
    default: {
      int bits = dtype_bits(dtype);
      int64_t sign = dtype_kind(dtype) == 'i' ? int64_t{1} << (bits - 1) : 0;
      for (size_t i = 0; i < n; ++i)
        y[i] = (static_cast<int64_t>(sub_byte(base, at + static_cast<int64_t>(i), bits)) ^ sign) - sign;
    }
  }
}

void store_i64(const int64_t* x, DType dtype, std::byte* base, int64_t at, size_t n) {
  switch (dtype) {
    case DType::kInt64:
    case DType::kUInt64:
      return wrap<uint64_t>(x, base, at, n);
    case DType::kInt32:
    case DType::kUInt32:
      return wrap<uint32_t>(x, base, at, n);
    case DType::kInt16:
    case DType::kUInt16:
      return wrap<uint16_t>(x, base, at, n);
    case DType::kInt8:
    case DType::kUInt8:
      return wrap<uint8_t>(x, base, at, n);
    case DType::kBool:
      for (size_t i = 0; i < n; ++i) base[at + static_cast<int64_t>(i)] = std::byte{x[i] != 0};
      return;
    default:
      for (size_t i = 0; i < n; ++i)
        set_sub_byte(base, at + static_cast<int64_t>(i), dtype_bits(dtype), static_cast<uint32_t>(x[i]));
  }
}

// float32 or float64 to any integer type.
template <class Float>
void store_float_as_integer(const Float* x, DType dtype, std::byte* base, int64_t at, size_t n) {
  if (dtype == DType::kInt32) {
    auto* y = reinterpret_cast<int32_t*>(base) + at;
    for (size_t i = 0; i < n; ++i) y[i] = saturating<int32_t>(x[i]);
    return;
  }
  if (dtype == DType::kUInt64) {
    auto* y = reinterpret_cast<uint64_t*>(base) + at;
    constexpr Float kHalf = static_cast<Float>(uint64_t{1} << 63);
    for (size_t i = 0; i < n; ++i) {
      y[i] = x[i] >= kHalf ? static_cast<uint64_t>(saturating<int64_t>(x[i] - kHalf)) + (uint64_t{1} << 63)
                           : static_cast<uint64_t>(saturating<int64_t>(x[i]));
    }
    return;
  }
  int64_t whole[kRun];
  if (dtype == DType::kBool) {
    for (size_t i = 0; i < n; ++i) whole[i] = x[i] != 0;
  } else if (is_sub_byte(dtype)) {
    int bits = dtype_bits(dtype);
    bool is_signed = dtype_kind(dtype) == 'i';
    Float low = is_signed ? static_cast<Float>(-(1 << (bits - 1))) : Float{0};
    Float high = static_cast<Float>((1 << (is_signed ? bits - 1 : bits)) - 1);
    for (size_t i = 0; i < n; ++i)
      whole[i] = saturating<int64_t>(std::clamp(std::nearbyint(x[i]), low, high));
  } else {
    for (size_t i = 0; i < n; ++i) whole[i] = saturating<int64_t>(x[i]);
  }
  store_i64(whole, dtype, base, at, n);
}

}  // namespace

Compute compute_of(DType dtype) {
  if (dtype == DType::kFloat64) return Compute::kF64;
  if (dtype == DType::kUInt64) return Compute::kU64;
  return dtype_kind(dtype) == 'f' ? Compute::kF32 : Compute::kI64;
}

bool is_stored_as(DType dtype, Compute compute) {
  switch (compute) {
    case Compute::kF32:
      return dtype == DType::kFloat32;
    case Compute::kF64:
      return dtype == DType::kFloat64;
    default:
      return dtype == DType::kInt64 || dtype == DType::kUInt64;
  }
}

void load_run(DType dtype, const std::byte* base, int64_t at, Compute to, void* out, size_t n) {
  Compute natural = compute_of(dtype);
  bool integer = natural == Compute::kI64 || natural == Compute::kU64;
  if (integer && (to == Compute::kI64 || to == Compute::kU64)) {
    return load_i64(dtype, base, at, static_cast<int64_t*>(out), n);
  }
  if (natural == Compute::kF32 && to == Compute::kF32)
    return load_f32(dtype, base, at, static_cast<float*>(out), n);
  if (natural == Compute::kF32) {
    float run[kRun];
    load_f32(dtype, base, at, run, n);
    if (to == Compute::kF64) return widen<float, double>(run, 0, out, n);
    return store_float_as_integer(run, to == Compute::kI64 ? DType::kInt64 : DType::kUInt64,
                                  static_cast<std::byte*>(out), 0, n);
  }
  if (natural == Compute::kF64) {
    if (to == Compute::kF32)
      return narrow(reinterpret_cast<const double*>(base) + at, static_cast<float*>(out), n);
    if (to == Compute::kF64) return widen<double, double>(base, at, out, n);
    double run[kRun];
    std::memcpy(run, reinterpret_cast<const double*>(base) + at, n * 8);
    return store_float_as_integer(run, to == Compute::kI64 ? DType::kInt64 : DType::kUInt64,
                                  static_cast<std::byte*>(out), 0, n);
  }
  int64_t run[kRun];
  load_i64(dtype, base, at, run, n);
  if (natural == Compute::kU64)
    return to == Compute::kF32 ? widen<uint64_t, float>(run, 0, out, n)
                               : widen<uint64_t, double>(run, 0, out, n);
  return to == Compute::kF32 ? widen<int64_t, float>(run, 0, out, n) : widen<int64_t, double>(run, 0, out, n);
}

void store_run(Compute from, const void* in, DType dtype, std::byte* base, int64_t at, size_t n,
               bool saturate) {
  bool to_integer = dtype_kind(dtype) != 'f';
  if (from == Compute::kF32) {
    const float* x = static_cast<const float*>(in);
    if (to_integer) return store_float_as_integer(x, dtype, base, at, n);
    if (dtype == DType::kFloat64) return widen<float, double>(x, 0, reinterpret_cast<double*>(base) + at, n);
    return store_f32(x, dtype, base, at, n, saturate);
  }
  if (from == Compute::kF64) {
    const double* x = static_cast<const double*>(in);
    if (to_integer) return store_float_as_integer(x, dtype, base, at, n);
    if (dtype == DType::kFloat64) {
      std::memcpy(reinterpret_cast<double*>(base) + at, x, n * 8);
      return;
    }
    float run[kRun];
    if (dtype == DType::kFloat32) return narrow(x, reinterpret_cast<float*>(base) + at, n);
    for (size_t i = 0; i < n; ++i) run[i] = to_float_odd(x[i]);
    return store_f32(run, dtype, base, at, n, saturate);
  }
  if (to_integer) return store_i64(static_cast<const int64_t*>(in), dtype, base, at, n);
  if (dtype == DType::kFloat64) {
    auto* y = reinterpret_cast<double*>(base) + at;
    return from == Compute::kU64 ? widen<uint64_t, double>(in, 0, y, n) : widen<int64_t, double>(in, 0, y, n);
  }
  float run[kRun];
  from == Compute::kU64 ? widen<uint64_t, float>(in, 0, run, n) : widen<int64_t, float>(in, 0, run, n);
  store_f32(run, dtype, base, at, n, saturate);
}

}  // namespace kinglet
