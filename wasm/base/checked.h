#pragma once
// Arithmetic for every number that came from a file or from JavaScript: a wrong one is a failure, never a
// wrap.
#include <concepts>
#include <limits>
#include <type_traits>

#include "base/result.h"

namespace kinglet {

template <std::integral T>
[[nodiscard]] bool mul_overflows(T a, T b, T* product) {
  return __builtin_mul_overflow(a, b, product);
}
template <std::integral T>
[[nodiscard]] bool add_overflows(T a, T b, T* sum) {
  return __builtin_add_overflow(a, b, sum);
}

template <std::integral T>
Result<T> checked_mul(T a, T b) {
  T product;
  if (mul_overflows(a, b, &product)) return fail(Code::kLimitExceeded, a, " * ", b, " overflows");
  return product;
}

template <std::integral T>
Result<T> checked_add(T a, T b) {
  T sum;
  if (add_overflows(a, b, &sum)) return fail(Code::kLimitExceeded, a, " + ", b, " overflows");
  return sum;
}

template <std::integral To, std::integral From>
bool fits(From value) {
  if constexpr (std::is_signed_v<From>) {
    if (value < 0)
      return std::is_signed_v<To> &&
             static_cast<int64_t>(value) >= static_cast<int64_t>(std::numeric_limits<To>::min());
  }
  return static_cast<uint64_t>(value) <= static_cast<uint64_t>(std::numeric_limits<To>::max());
}

template <std::integral To, std::integral From>
Result<To> checked_narrow(From value) {
  if (!fits<To>(value))
    return fail(Code::kLimitExceeded, value, " does not fit into ", sizeof(To) * 8, " bits");
  return static_cast<To>(value);
}

// `value` rounded up to a multiple of `alignment`, a power of two. The caller knows that it does not wrap.
constexpr size_t align_up(size_t value, size_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

template <std::integral T>
constexpr T ceil_div(T a, T b) {
  return (a + b - 1) / b;
}

}  // namespace kinglet
