#pragma once
// The 128-bit forms of vec.h for WebAssembly SIMD. The one place that knows relaxed instructions.
#include <wasm_simd128.h>

#include "simd/vec.h"

namespace kinglet {

#define KL_WASM_VEC(T, N, prefix, load_lane_splat)                                                         \
  template <>                                                                                              \
  struct vec<T, N> {                                                                                       \
    using Element = T;                                                                                     \
    static constexpr int kLanes = N;                                                                       \
    v128_t v;                                                                                              \
    static vec load(const T* p) { return {wasm_v128_load(p)}; }                                            \
    static vec splat(T x) {                                                                                \
      return {                                                                                             \
          wasm_##prefix##_splat(static_cast<std::conditional_t<std::is_unsigned_v<T>, MaskOf<T>, T>>(x))}; \
    }                                                                                                      \
    static vec load_splat(const T* p) { return {load_lane_splat(p)}; }                                     \
    void store(T* p) const { wasm_v128_store(p, v); }                                                      \
  };                                                                                                       \
  inline vec<T, N> operator+(vec<T, N> a, vec<T, N> b) { return {wasm_##prefix##_add(a.v, b.v)}; }         \
  inline vec<T, N> operator-(vec<T, N> a, vec<T, N> b) { return {wasm_##prefix##_sub(a.v, b.v)}; }         \
  inline vec<T, N> operator*(vec<T, N> a, vec<T, N> b) { return {wasm_##prefix##_mul(a.v, b.v)}; }         \
  inline vec<T, N> operator&(vec<T, N> a, vec<T, N> b) { return {wasm_v128_and(a.v, b.v)}; }               \
  inline vec<T, N> operator|(vec<T, N> a, vec<T, N> b) { return {wasm_v128_or(a.v, b.v)}; }                \
  inline vec<T, N> operator^(vec<T, N> a, vec<T, N> b) { return {wasm_v128_xor(a.v, b.v)}; }

#define KL_WASM_COMPARE(T, N, prefix, op, name)                    \
  inline vec<MaskOf<T>, N> operator op(vec<T, N> a, vec<T, N> b) { \
    return {wasm_##prefix##_##name(a.v, b.v)};                     \
  }

#define KL_WASM_FLOAT(T, N, prefix)                                                                \
  inline vec<T, N> operator/(vec<T, N> a, vec<T, N> b) { return {wasm_##prefix##_div(a.v, b.v)}; } \
  inline vec<T, N> min(vec<T, N> a, vec<T, N> b) { return {wasm_##prefix##_pmin(a.v, b.v)}; }      \
  inline vec<T, N> max(vec<T, N> a, vec<T, N> b) { return {wasm_##prefix##_pmax(a.v, b.v)}; }      \
  inline vec<T, N> minimum(vec<T, N> a, vec<T, N> b) { return {wasm_##prefix##_min(a.v, b.v)}; }   \
  inline vec<T, N> maximum(vec<T, N> a, vec<T, N> b) { return {wasm_##prefix##_max(a.v, b.v)}; }   \
  inline vec<T, N> floor(vec<T, N> a) { return {wasm_##prefix##_floor(a.v)}; }                     \
  inline vec<T, N> ceil(vec<T, N> a) { return {wasm_##prefix##_ceil(a.v)}; }                       \
  inline vec<T, N> nearest(vec<T, N> a) { return {wasm_##prefix##_nearest(a.v)}; }                 \
  inline vec<T, N> sqrt(vec<T, N> a) { return {wasm_##prefix##_sqrt(a.v)}; }

// Lanes of a mask are all ones or zero: the relaxed form is then the same.
#if defined(__wasm_relaxed_simd__)
#define KL_LANESELECT(prefix, a, b, mask) wasm_##prefix##_relaxed_laneselect(a, b, mask)
#else
#define KL_LANESELECT(prefix, a, b, mask) wasm_v128_bitselect(a, b, mask)
#endif
#define KL_WASM_SELECT(T, N, prefix)                                          \
  inline vec<T, N> select(vec<MaskOf<T>, N> mask, vec<T, N> a, vec<T, N> b) { \
    return {KL_LANESELECT(prefix, a.v, b.v, mask.v)};                         \
  }

KL_WASM_VEC(float, 4, f32x4, wasm_v128_load32_splat)
KL_WASM_VEC(double, 2, f64x2, wasm_v128_load64_splat)
KL_WASM_VEC(int32_t, 4, i32x4, wasm_v128_load32_splat)
KL_WASM_VEC(uint32_t, 4, i32x4, wasm_v128_load32_splat)
KL_WASM_VEC(int64_t, 2, i64x2, wasm_v128_load64_splat)
KL_WASM_VEC(uint64_t, 2, i64x2, wasm_v128_load64_splat)
KL_WASM_COMPARE(float, 4, f32x4, <, lt)
KL_WASM_COMPARE(float, 4, f32x4, <=, le)
KL_WASM_COMPARE(float, 4, f32x4, >, gt)
KL_WASM_COMPARE(float, 4, f32x4, >=, ge)
KL_WASM_COMPARE(float, 4, f32x4, ==, eq)
KL_WASM_COMPARE(double, 2, f64x2, <, lt)
KL_WASM_COMPARE(double, 2, f64x2, <=, le)
KL_WASM_COMPARE(double, 2, f64x2, >, gt)
KL_WASM_COMPARE(double, 2, f64x2, >=, ge)
KL_WASM_COMPARE(double, 2, f64x2, ==, eq)
KL_WASM_COMPARE(int32_t, 4, i32x4, <, lt)
KL_WASM_COMPARE(int32_t, 4, i32x4, <=, le)
KL_WASM_COMPARE(int32_t, 4, i32x4, >, gt)
KL_WASM_COMPARE(int32_t, 4, i32x4, >=, ge)
KL_WASM_COMPARE(int32_t, 4, i32x4, ==, eq)
KL_WASM_FLOAT(float, 4, f32x4)
KL_WASM_FLOAT(double, 2, f64x2)
KL_WASM_SELECT(float, 4, i32x4)
KL_WASM_SELECT(double, 2, i64x2)
KL_WASM_SELECT(int32_t, 4, i32x4)

#define KL_WASM_BYTES(T, prefix)                                                                      \
  template <>                                                                                         \
  struct vec<T, 16> {                                                                                 \
    using Element = T;                                                                                \
    static constexpr int kLanes = 16;                                                                 \
    v128_t v;                                                                                         \
    static vec load(const T* p) { return {wasm_v128_load(p)}; }                                       \
    static vec splat(T x) { return {wasm_i8x16_splat(static_cast<int8_t>(x))}; }                      \
    void store(T* p) const { wasm_v128_store(p, v); }                                                 \
  };                                                                                                  \
  inline vec<T, 16> max(vec<T, 16> a, vec<T, 16> b) { return {wasm_##prefix##_max(a.v, b.v)}; }       \
  inline vec<T, 16> even(vec<T, 16> a, vec<T, 16> b) {                                                \
    return {wasm_i8x16_shuffle(a.v, b.v, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)}; \
  }
KL_WASM_BYTES(int8_t, i8x16)
KL_WASM_BYTES(uint8_t, u8x16)
#undef KL_WASM_BYTES
#undef KL_WASM_VEC
#undef KL_WASM_COMPARE
#undef KL_WASM_FLOAT
#undef KL_WASM_SELECT
#undef KL_LANESELECT

inline vec<int32_t, 4> operator<<(vec<int32_t, 4> a, int bits) { return {wasm_i32x4_shl(a.v, bits)}; }
inline vec<int32_t, 4> operator>>(vec<int32_t, 4> a, int bits) { return {wasm_i32x4_shr(a.v, bits)}; }
inline vec<uint32_t, 4> operator<<(vec<uint32_t, 4> a, int bits) { return {wasm_i32x4_shl(a.v, bits)}; }
inline vec<uint32_t, 4> operator>>(vec<uint32_t, 4> a, int bits) { return {wasm_u32x4_shr(a.v, bits)}; }
inline vec<int64_t, 2> operator<<(vec<int64_t, 2> a, int bits) { return {wasm_i64x2_shl(a.v, bits)}; }
inline vec<int64_t, 2> operator>>(vec<int64_t, 2> a, int bits) { return {wasm_i64x2_shr(a.v, bits)}; }

#if defined(__wasm_relaxed_simd__)
inline vec<float, 4> madd(vec<float, 4> a, vec<float, 4> b, vec<float, 4> c) {
  return {wasm_f32x4_relaxed_madd(a.v, b.v, c.v)};
}
inline vec<double, 2> madd(vec<double, 2> a, vec<double, 2> b, vec<double, 2> c) {
  return {wasm_f64x2_relaxed_madd(a.v, b.v, c.v)};
}
#else
inline vec<float, 4> madd(vec<float, 4> a, vec<float, 4> b, vec<float, 4> c) { return a * b + c; }
inline vec<double, 2> madd(vec<double, 2> a, vec<double, 2> b, vec<double, 2> c) { return a * b + c; }
#endif
inline vec<int32_t, 4> madd(vec<int32_t, 4> a, vec<int32_t, 4> b, vec<int32_t, 4> c) { return a * b + c; }
inline vec<uint32_t, 4> madd(vec<uint32_t, 4> a, vec<uint32_t, 4> b, vec<uint32_t, 4> c) { return a * b + c; }
inline vec<int64_t, 2> madd(vec<int64_t, 2> a, vec<int64_t, 2> b, vec<int64_t, 2> c) { return a * b + c; }
inline vec<uint64_t, 2> madd(vec<uint64_t, 2> a, vec<uint64_t, 2> b, vec<uint64_t, 2> c) { return a * b + c; }

template <class To>
inline vec<To, 4> bit_cast(vec<float, 4> a) {
  return {a.v};
}
template <class To>
inline vec<To, 4> bit_cast(vec<int32_t, 4> a) {
  return {a.v};
}
inline vec<float, 4> to_float(vec<int32_t, 4> a) { return {wasm_f32x4_convert_i32x4(a.v)}; }
inline vec<float, 4> to_float(vec<double, 4> a) {
  v128_t low = wasm_f32x4_demote_f64x2_zero(a.lo.v), high = wasm_f32x4_demote_f64x2_zero(a.hi.v);
  return {wasm_i64x2_shuffle(low, high, 0, 2)};
}

inline vec<float, 4> even(vec<float, 4> a, vec<float, 4> b) {
  return {wasm_i32x4_shuffle(a.v, b.v, 0, 2, 4, 6)};
}
inline vec<float, 4> odd(vec<float, 4> a, vec<float, 4> b) {
  return {wasm_i32x4_shuffle(a.v, b.v, 1, 3, 5, 7)};
}
inline vec<float, 4> ahead(vec<float, 4> a) {
  return {wasm_i32x4_shuffle(a.v, wasm_i32x4_const_splat(0), 1, 2, 3, 4)};
}
inline vec<float, 4> behind(vec<float, 4> a) {
  return {wasm_i32x4_shuffle(wasm_i32x4_const_splat(0), a.v, 3, 4, 5, 6)};
}
inline vec<double, 2> even(vec<double, 2> a, vec<double, 2> b) {
  return {wasm_i64x2_shuffle(a.v, b.v, 0, 2)};
}
inline vec<double, 2> odd(vec<double, 2> a, vec<double, 2> b) { return {wasm_i64x2_shuffle(a.v, b.v, 1, 3)}; }

inline float sum(vec<float, 4> a) {
  v128_t half = wasm_f32x4_add(a.v, wasm_i32x4_shuffle(a.v, a.v, 2, 3, 0, 1));
  return wasm_f32x4_extract_lane(half, 0) + wasm_f32x4_extract_lane(half, 1);
}
inline double sum(vec<double, 2> a) {
  return wasm_f64x2_extract_lane(a.v, 0) + wasm_f64x2_extract_lane(a.v, 1);
}
inline int32_t sum(vec<int32_t, 4> a) {
  v128_t half = wasm_i32x4_add(a.v, wasm_i32x4_shuffle(a.v, a.v, 2, 3, 0, 1));
  return wasm_i32x4_extract_lane(wasm_i32x4_add(half, wasm_i32x4_shuffle(half, half, 1, 0, 3, 2)), 0);
}
inline uint32_t sum(vec<uint32_t, 4> a) { return static_cast<uint32_t>(sum(vec<int32_t, 4>{a.v})); }
inline int64_t sum(vec<int64_t, 2> a) {
  return wasm_i64x2_extract_lane(wasm_i64x2_add(a.v, wasm_i64x2_shuffle(a.v, a.v, 1, 0)), 0);
}
inline uint64_t sum(vec<uint64_t, 2> a) { return static_cast<uint64_t>(sum(vec<int64_t, 2>{a.v})); }

}  // namespace kinglet
