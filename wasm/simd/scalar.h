#pragma once
// vec<T, 1>: one element. Every operation of vec.h ends here when no instruction set offers it.
#ifndef KINGLET_SIMD
#error \
    "simd/ is for kernels and their tests; the other layers are compiled once for all forms (CMakeLists.txt)"
#endif
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace kinglet {

// The signed integer as wide as T: the element of a comparison's result, all bits set for true.
template <class T>
using MaskOf = std::conditional_t<
    sizeof(T) == 1, int8_t,
    std::conditional_t<sizeof(T) == 2, int16_t, std::conditional_t<sizeof(T) == 4, int32_t, int64_t>>>;

namespace scalar {
// Integers wrap, so they are computed as unsigned; floats are computed as they are.
template <class T, bool = std::is_integral_v<T>>
struct Wrapping {
  using type = T;
};
template <class T>
struct Wrapping<T, true> {
  using type = std::conditional_t<(sizeof(T) < 4), uint32_t, std::make_unsigned_t<T>>;
};
template <class T>
using W = typename Wrapping<T>::type;
}  // namespace scalar

template <class T, int N>
struct vec;

template <class T>
struct vec<T, 1> {
  using Element = T;
  static constexpr int kLanes = 1;
  T v;

  static vec load(const T* p) {
    T x;
    std::memcpy(&x, p, sizeof x);
    return {x};
  }
  static vec splat(T x) { return {x}; }
  static vec load_splat(const T* p) { return load(p); }
  void store(T* p) const { std::memcpy(p, &v, sizeof v); }
};

#define KL_ARITHMETIC(op)                                                                      \
  template <class T>                                                                           \
  inline vec<T, 1> operator op(vec<T, 1> a, vec<T, 1> b) {                                     \
    return {static_cast<T>(static_cast<scalar::W<T>>(a.v) op static_cast<scalar::W<T>>(b.v))}; \
  }
KL_ARITHMETIC(+)
KL_ARITHMETIC(-)
KL_ARITHMETIC(*)
KL_ARITHMETIC(&)
KL_ARITHMETIC(|)
KL_ARITHMETIC(^)
#undef KL_ARITHMETIC

template <class T>
inline vec<T, 1> operator/(vec<T, 1> a, vec<T, 1> b) {
  return {a.v / b.v};
}

#define KL_COMPARISON(op)                                                       \
  template <class T>                                                            \
  inline vec<MaskOf<T>, 1> operator op(vec<T, 1> a, vec<T, 1> b) {              \
    return {static_cast<MaskOf<T>>(a.v op b.v ? MaskOf<T>{-1} : MaskOf<T>{0})}; \
  }
KL_COMPARISON(<)
KL_COMPARISON(<=)
KL_COMPARISON(>)
KL_COMPARISON(>=)
KL_COMPARISON(==)
#undef KL_COMPARISON

template <class T>
inline vec<T, 1> operator<<(vec<T, 1> a, int bits) {
  return {static_cast<T>(static_cast<scalar::W<T>>(a.v) << bits)};
}
// Arithmetic for signed elements.
template <class T>
inline vec<T, 1> operator>>(vec<T, 1> a, int bits) {
  return {static_cast<T>(a.v >> bits)};
}
template <class T>
inline vec<T, 1> madd(vec<T, 1> a, vec<T, 1> b, vec<T, 1> c) {
  return a * b + c;
}
template <class T>
inline vec<T, 1> min(vec<T, 1> a, vec<T, 1> b) {
  return {b.v < a.v ? b.v : a.v};
}
template <class T>
inline vec<T, 1> max(vec<T, 1> a, vec<T, 1> b) {
  return {a.v < b.v ? b.v : a.v};
}
template <class T>
inline vec<T, 1> minimum(vec<T, 1> a, vec<T, 1> b) {
  if (a.v == b.v) return {std::signbit(a.v) ? a.v : b.v};
  return {a.v != a.v || a.v < b.v ? a.v : b.v};
}
template <class T>
inline vec<T, 1> maximum(vec<T, 1> a, vec<T, 1> b) {
  if (a.v == b.v) return {std::signbit(a.v) ? b.v : a.v};
  return {a.v != a.v || a.v > b.v ? a.v : b.v};
}
template <class T>
inline vec<T, 1> select(vec<MaskOf<T>, 1> mask, vec<T, 1> a, vec<T, 1> b) {
  return mask.v != 0 ? a : b;
}
template <class To, class From>
inline vec<To, 1> bit_cast(vec<From, 1> a) {
  return {std::bit_cast<To>(a.v)};
}
template <class T>
inline vec<T, 1> sqrt(vec<T, 1> a) {
  return {std::sqrt(a.v)};
}
template <class T>
inline vec<T, 1> floor(vec<T, 1> a) {
  return {std::floor(a.v)};
}
template <class T>
inline vec<T, 1> ceil(vec<T, 1> a) {
  return {std::ceil(a.v)};
}
template <class T>
inline vec<T, 1> nearest(vec<T, 1> a) {
  return {std::nearbyint(a.v)};
}
// One lane each: the halves of a pair.
template <class T>
inline vec<T, 1> even(vec<T, 1> a, vec<T, 1>) {
  return a;
}
template <class T>
inline vec<T, 1> odd(vec<T, 1>, vec<T, 1> b) {
  return b;
}
inline vec<float, 1> to_float(vec<int32_t, 1> a) { return {static_cast<float>(a.v)}; }
inline vec<float, 1> to_float(vec<double, 1> a) { return {static_cast<float>(a.v)}; }
template <class T>
inline T sum(vec<T, 1> a) {
  return a.v;
}

}  // namespace kinglet
