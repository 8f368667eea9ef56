#pragma once
// Integer arithmetic that is defined for all values: it wraps, and dividing by zero gives 0.
#include <cmath>
#include <concepts>
#include <limits>
#include <type_traits>

namespace kinglet {

template <std::integral T>
T wrapping_add(T a, T b) {
  using U = std::make_unsigned_t<T>;
  return static_cast<T>(static_cast<U>(a) + static_cast<U>(b));
}
template <std::integral T>
T wrapping_sub(T a, T b) {
  using U = std::make_unsigned_t<T>;
  return static_cast<T>(static_cast<U>(a) - static_cast<U>(b));
}
template <std::integral T>
T wrapping_mul(T a, T b) {
  using U = std::make_unsigned_t<T>;
  return static_cast<T>(static_cast<U>(a) * static_cast<U>(b));
}
// Towards zero.
template <std::integral T>
T divide(T a, T b) {
  if (b == 0) return 0;
  if (std::is_signed_v<T> && b == static_cast<T>(-1)) return wrapping_sub<T>(0, a);
  return a / b;
}
// Sign of a.
template <std::integral T>
T remainder_trunc(T a, T b) {
  if (b == 0 || (std::is_signed_v<T> && b == static_cast<T>(-1))) return 0;
  return a % b;
}
// Sign of b.
template <std::integral T>
T remainder_floor(T a, T b) {
  T r = remainder_trunc(a, b);
  return r != 0 && (r < 0) != (b < 0) ? static_cast<T>(r + b) : r;
}
// Negative exponents: 0, but for bases 1 and -1.
template <std::integral T>
T integer_power(T base, T exponent) {
  if (exponent < 0) {
    if (base == 1) return 1;
    if (base != static_cast<T>(-1)) return 0;
    exponent = exponent % 2 != 0;
  }
  T out = 1;
  for (; exponent != 0; exponent /= 2, base = wrapping_mul(base, base)) {
    if (exponent % 2 != 0) out = wrapping_mul(out, base);
  }
  return out;
}
template <std::integral T>
T minimum(T a, T b) {
  return b < a ? b : a;
}
template <std::integral T>
T maximum(T a, T b) {
  return a < b ? b : a;
}

inline double wrapping_add(double a, double b) { return a + b; }
inline double wrapping_sub(double a, double b) { return a - b; }
inline double wrapping_mul(double a, double b) { return a * b; }
inline double divide(double a, double b) { return a / b; }
inline double remainder_trunc(double a, double b) { return std::fmod(a, b); }
inline double remainder_floor(double a, double b) {
  double r = std::fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
// NaN if either is.
inline double minimum(double a, double b) { return a != a || a < b ? a : b; }
inline double maximum(double a, double b) { return a != a || a > b ? a : b; }

}  // namespace kinglet
