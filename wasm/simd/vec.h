#pragma once
// vec<T, N>: N elements of T, N a power of two. Without a specialisation it is two halves, down to scalar.h;
// wasm128.h gives the 128-bit forms. An operation enters here at its second use.
#include "simd/scalar.h"

namespace kinglet {

// Contract of the operations, for every T and N:
//   load, store       no alignment needed
//   load_splat        *p in every lane
//   + - * & | ^ <<    integers wrap
//   >>                arithmetic for signed elements
//   < <= > >= ==      lanes of vec<MaskOf<T>, N>: all bits set, or zero
//   madd(a, b, c)     a * b + c; rounded once or twice, as the build has it
//   min(a, b)         b < a ? b : a    (a NaN in a stays, a NaN in b does not)
//   max(a, b)         a < b ? b : a
//   minimum, maximum  IEEE 754-2019: NaN if either is, -0 below +0; floats only
//   floor, ceil, nearest (ties to even)   floats only
//   select(m, a, b)   a where m is set
//   bit_cast<To>(a)   same bits, element type of the same width
//   to_float(a)       int32 or float64 to float32
//   even(a, b)        lanes 0, 2, 4, ... of a followed by b; odd(a, b): lanes 1, 3, 5, ... (N > 1)
//   ahead(a)          lanes 1, 2, ... and zero; behind(a): zero and lanes 0, 1, ...
//   sum(a)            of all lanes, halves first
template <class T, int N>
struct vec {
  static_assert(N > 1 && (N & (N - 1)) == 0);
  using Element = T;
  static constexpr int kLanes = N;
  using Half = vec<T, N / 2>;
  Half lo, hi;

  static vec load(const T* p) { return {Half::load(p), Half::load(p + N / 2)}; }
  static vec splat(T x) { return {Half::splat(x), Half::splat(x)}; }
  static vec load_splat(const T* p) { return {Half::load_splat(p), Half::load_splat(p)}; }
  void store(T* p) const {
    lo.store(p);
    hi.store(p + N / 2);
  }
};

#define KL_HALVES_2(R, name)                        \
  template <class T, int N>                         \
  inline vec<R, N> name(vec<T, N> a, vec<T, N> b) { \
    return {name(a.lo, b.lo), name(a.hi, b.hi)};    \
  }
#define KL_HALVES_1(name)              \
  template <class T, int N>            \
  inline vec<T, N> name(vec<T, N> a) { \
    return {name(a.lo), name(a.hi)};   \
  }
#define KL_HALVES_OPERATOR(R, op)                          \
  template <class T, int N>                                \
  inline vec<R, N> operator op(vec<T, N> a, vec<T, N> b) { \
    return {a.lo op b.lo, a.hi op b.hi};                   \
  }
#define KL_HALVES_SHIFT(op)                             \
  template <class T, int N>                             \
  inline vec<T, N> operator op(vec<T, N> a, int bits) { \
    return {a.lo op bits, a.hi op bits};                \
  }
KL_HALVES_OPERATOR(T, +)
KL_HALVES_OPERATOR(T, -)
KL_HALVES_OPERATOR(T, *)
KL_HALVES_OPERATOR(T, /)
KL_HALVES_OPERATOR(T, &)
KL_HALVES_OPERATOR(T, |)
KL_HALVES_OPERATOR(T, ^)
KL_HALVES_OPERATOR(MaskOf<T>, <)
KL_HALVES_OPERATOR(MaskOf<T>, <=)
KL_HALVES_OPERATOR(MaskOf<T>, >)
KL_HALVES_OPERATOR(MaskOf<T>, >=)
KL_HALVES_OPERATOR(MaskOf<T>, ==)
KL_HALVES_SHIFT(<<)
KL_HALVES_SHIFT(>>)
KL_HALVES_2(T, min)
KL_HALVES_2(T, max)
KL_HALVES_2(T, minimum)
KL_HALVES_2(T, maximum)
KL_HALVES_1(sqrt)
KL_HALVES_1(floor)
KL_HALVES_1(ceil)
KL_HALVES_1(nearest)
#undef KL_HALVES_1
#undef KL_HALVES_2
#undef KL_HALVES_OPERATOR
#undef KL_HALVES_SHIFT

template <class T, int N>
inline vec<T, N> madd(vec<T, N> a, vec<T, N> b, vec<T, N> c) {
  return {madd(a.lo, b.lo, c.lo), madd(a.hi, b.hi, c.hi)};
}
template <class T, int N>
inline vec<T, N> select(vec<MaskOf<T>, N> mask, vec<T, N> a, vec<T, N> b) {
  return {select(mask.lo, a.lo, b.lo), select(mask.hi, a.hi, b.hi)};
}
template <class To, class From, int N>
inline vec<To, N> bit_cast(vec<From, N> a) {
  return {bit_cast<To>(a.lo), bit_cast<To>(a.hi)};
}
template <class T, int N>
inline vec<T, N> even(vec<T, N> a, vec<T, N> b) {
  return {even(a.lo, a.hi), even(b.lo, b.hi)};
}
template <class T, int N>
inline vec<T, N> odd(vec<T, N> a, vec<T, N> b) {
  return {odd(a.lo, a.hi), odd(b.lo, b.hi)};
}
template <class T, int N>
inline vec<T, N> ahead(vec<T, N> a) {
  T lanes[N + 1] = {};
  a.store(lanes);
  return vec<T, N>::load(lanes + 1);
}
template <class T, int N>
inline vec<T, N> behind(vec<T, N> a) {
  T lanes[N + 1] = {};
  a.store(lanes + 1);
  return vec<T, N>::load(lanes);
}
template <int N>
inline vec<float, N> to_float(vec<int32_t, N> a) {
  return {to_float(a.lo), to_float(a.hi)};
}
template <int N>
inline vec<float, N> to_float(vec<double, N> a) {
  return {to_float(a.lo), to_float(a.hi)};
}
template <class T, int N>
inline T sum(vec<T, N> a) {
  return sum(a.lo + a.hi);
}

}  // namespace kinglet

#if defined(__wasm_simd128__)
#include "simd/wasm128.h"
#endif

namespace kinglet {

// Lanes of one 128-bit register.
template <class T>
inline constexpr int kNativeLanes = 16 / sizeof(T);
template <class T>
using Vec = vec<T, kNativeLanes<T>>;

// n in [1, N): the first n elements; the other lanes are zero, and memory behind them is not touched.
template <class V>
inline V load_partial(const typename V::Element* p, size_t n) {
  typename V::Element lanes[V::kLanes] = {};
  std::memcpy(lanes, p, n * sizeof lanes[0]);
  return V::load(lanes);
}
template <class V>
inline void store_partial(V a, typename V::Element* p, size_t n) {
  typename V::Element lanes[V::kLanes];
  a.store(lanes);
  std::memcpy(p, lanes, n * sizeof lanes[0]);
}

// A number in memory. Weak, so that the compiler does not look through it.
template <auto X>
[[gnu::weak]] const auto kNumber = X;
// X in every lane of a vector like the argument, for loops: engines make a constant that is part of the code
// anew at every turn, in several instructions.
template <auto X, class V>
inline V number(V) {
  static_assert(std::is_same_v<decltype(X), typename V::Element>);
  return V::load_splat(&kNumber<X>);
}

template <class V>
inline V abs(V a) {
  using M = MaskOf<typename V::Element>;
  auto bits = bit_cast<M>(a);
  return bit_cast<typename V::Element>(bits & number<std::numeric_limits<M>::max()>(bits));
}
// The magnitude of a, which is not negative, with the sign of b.
template <class V>
inline V with_sign(V a, V b) {
  using M = MaskOf<typename V::Element>;
  auto bits = bit_cast<M>(b);
  return bit_cast<typename V::Element>(bit_cast<M>(a) | (bits & number<std::numeric_limits<M>::min()>(bits)));
}
// The magnitude of a with the sign of b.
template <class V>
inline V copysign(V a, V b) {
  return with_sign(abs(a), b);
}

}  // namespace kinglet
