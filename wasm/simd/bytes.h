#pragma once
// Vectors of 8-bit and 16-bit integers as the integer kernels need them. Beside wasm128.h the only place that
// knows relaxed instructions.
#include "simd/vec.h"

namespace kinglet {

using Int4 = vec<int32_t, 4>;
using Float4 = vec<float, 4>;

// Contract (no load or store needs alignment):
//   load_bytes, store_bytes   16 bytes
//   load_halves(a, b)         8 bytes of a, then 8 of b
//   zip_halves(x)             x0 x8 x1 x9 x2 x10 ...
//   zip_halves_apart(x)       x0 x8 x2 x10 x4 x12 x6 x14, then x1 x9 ...
//   store_widened(x, p)       signed bytes as sixteen int16; store_widened(x, p, q): eight to p, eight to q
//   zip_pairs_low(a, b)       a0 a1 b0 b1 a2 a3 b2 b3 ... of the first halves; zip_pairs_high: of the second
//   zip_fours_low, _high      the same by fours
//   load_widened(p)           eight signed bytes as int16
//   splat_word(x), splat_pair(p)      one int16 eight times, two four times
//   dot_pairs(a, b)           lane i: a[2i] b[2i] + a[2i + 1] b[2i + 1]
//   widen_half(x, i)          signed bytes 8i to 8i + 7 as int16
//   to_floats(x, v)           eight int16 as floats in v[0], v[1]
//   load_ints<is_signed>      eight bytes as int32
//   load_nibbles(p, v)        the low halves of eight bytes in v[0], v[1], the high halves in v[2], v[3]
//   load_nibble_words(p, v)   nibble i of eight words of 16 bits in v[i]
//   load_nibble_bytes(p, v)   the low halves of sixteen bytes in v[0], the high halves in v[1]
//   dot_bytes(a, b)           lane i: a[2i] b[2i] + a[2i + 1] b[2i + 1], a signed, b in [0, 128)
//   load_words, store_words   eight int16
//   + - <<                    of int16; no result leaves its range
//   store_zipped(a, b, p)     a0 b0 a1 b1 ..., sixteen int16
//   store_low_bytes(lo, hi)   the low byte of each lane, of numbers in [-32768, 32767]
//   saturate(a, b, c, d)      sixteen numbers to [0, 255]
//   store_halves(x, p, q)     8 bytes to p, 8 to q
//   store_even_bytes(x)       bytes 0, 2, 4, ...
//   splat_four(p), dot_four(a, b, c, unsigned_b)
//       lane i: c + the products of four signed bytes of a and four bytes of b. In wasm it is the machine's
//       affair whether b is signed and whether the sum of two products saturates; `unsigned_b` is for the
//       scalar form, which never saturates.
#if defined(__wasm_simd128__)

struct Words8 {
  v128_t v;
};
struct Bytes16 {
  v128_t v;
};
inline Bytes16 load_bytes(const void* p) { return {wasm_v128_load(p)}; }
inline void store_bytes(Bytes16 x, void* p) { wasm_v128_store(p, x.v); }
inline Bytes16 load_halves(const void* a, const void* b) {
  return {wasm_v128_load64_lane(b, wasm_v128_load64_zero(a), 1)};
}
inline Bytes16 splat_byte(uint8_t x) { return {wasm_i8x16_splat(static_cast<int8_t>(x))}; }
inline Bytes16 operator^(Bytes16 a, Bytes16 b) { return {wasm_v128_xor(a.v, b.v)}; }
inline Bytes16 zip_halves(Bytes16 x) {
  return {wasm_i8x16_shuffle(x.v, x.v, 0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15)};
}
inline Bytes16 zip_halves_apart(Bytes16 x) {
  return {wasm_i8x16_shuffle(x.v, x.v, 0, 8, 2, 10, 4, 12, 6, 14, 1, 9, 3, 11, 5, 13, 7, 15)};
}
inline Bytes16 zip_pairs_low(Bytes16 a, Bytes16 b) {
  return {wasm_i16x8_shuffle(a.v, b.v, 0, 8, 1, 9, 2, 10, 3, 11)};
}
inline Bytes16 zip_pairs_high(Bytes16 a, Bytes16 b) {
  return {wasm_i16x8_shuffle(a.v, b.v, 4, 12, 5, 13, 6, 14, 7, 15)};
}
inline Bytes16 zip_fours_low(Bytes16 a, Bytes16 b) { return {wasm_i32x4_shuffle(a.v, b.v, 0, 4, 1, 5)}; }
inline Bytes16 zip_fours_high(Bytes16 a, Bytes16 b) { return {wasm_i32x4_shuffle(a.v, b.v, 2, 6, 3, 7)}; }
inline Words8 load_widened(const void* p) { return {wasm_i16x8_load8x8(p)}; }
inline void store_widened(Bytes16 x, int16_t* p, int16_t* q) {
  wasm_v128_store(p, wasm_i16x8_extend_low_i8x16(x.v));
  wasm_v128_store(q, wasm_i16x8_extend_high_i8x16(x.v));
}
inline void store_widened(Bytes16 x, int16_t* p) { store_widened(x, p, p + 8); }
inline Words8 widen_half(Bytes16 x, size_t half) {
  return {half == 0 ? wasm_i16x8_extend_low_i8x16(x.v) : wasm_i16x8_extend_high_i8x16(x.v)};
}
inline void to_floats(Words8 x, Float4 (&v)[2]) {
  v[0].v = wasm_f32x4_convert_i32x4(wasm_i32x4_extend_low_i16x8(x.v));
  v[1].v = wasm_f32x4_convert_i32x4(wasm_i32x4_extend_high_i16x8(x.v));
}
inline Words8 load_words(const int16_t* p) { return {wasm_v128_load(p)}; }
inline void store_words(Words8 x, int16_t* p) { wasm_v128_store(p, x.v); }
inline Words8 operator+(Words8 a, Words8 b) { return {wasm_i16x8_add(a.v, b.v)}; }
inline Words8 operator-(Words8 a, Words8 b) { return {wasm_i16x8_sub(a.v, b.v)}; }
inline Words8 operator<<(Words8 a, int bits) { return {wasm_i16x8_shl(a.v, bits)}; }
inline void store_zipped(Words8 a, Words8 b, int16_t* p) {
  wasm_v128_store(p, wasm_i16x8_shuffle(a.v, b.v, 0, 8, 1, 9, 2, 10, 3, 11));
  wasm_v128_store(p + 8, wasm_i16x8_shuffle(a.v, b.v, 4, 12, 5, 13, 6, 14, 7, 15));
}
inline Words8 splat_word(int16_t x) { return {wasm_i16x8_splat(x)}; }
inline Words8 splat_pair(const int16_t* p) { return {wasm_v128_load32_splat(p)}; }
inline Int4 dot_pairs(Words8 a, Words8 b) { return {wasm_i32x4_dot_i16x8(a.v, b.v)}; }
template <bool is_signed>
inline void load_ints(const void* p, Int4* lo, Int4* hi) {
  v128_t words = is_signed ? wasm_i16x8_load8x8(p) : wasm_u16x8_load8x8(p);
  lo->v = wasm_i32x4_extend_low_i16x8(words);
  hi->v = wasm_i32x4_extend_high_i16x8(words);
}
inline void load_nibbles(const void* p, Int4 (&v)[4]) {
  v128_t bytes = wasm_v128_load64_zero(p);
  v128_t low = wasm_u16x8_extend_low_u8x16(wasm_v128_and(bytes, wasm_i8x16_splat(15)));
  v128_t high = wasm_u16x8_extend_low_u8x16(wasm_u8x16_shr(bytes, 4));
  v[0].v = wasm_u32x4_extend_low_u16x8(low);
  v[1].v = wasm_u32x4_extend_high_u16x8(low);
  v[2].v = wasm_u32x4_extend_low_u16x8(high);
  v[3].v = wasm_u32x4_extend_high_u16x8(high);
}
inline void load_nibble_words(const void* p, Words8 (&v)[4]) {
  const v128_t words = wasm_v128_load(p), mask = wasm_v128_load16_splat(&kNumber<int16_t{15}>);
  v[0].v = wasm_v128_and(words, mask);
  v[1].v = wasm_v128_and(wasm_u16x8_shr(words, 4), mask);
  v[2].v = wasm_v128_and(wasm_u16x8_shr(words, 8), mask);
  v[3].v = wasm_u16x8_shr(words, 12);
}
inline void load_nibble_bytes(const void* p, Bytes16 (&v)[2]) {
  const v128_t bytes = wasm_v128_load(p), mask = wasm_v128_load8_splat(&kNumber<uint8_t{15}>);
  v[0].v = wasm_v128_and(bytes, mask);
  v[1].v = wasm_v128_and(wasm_u16x8_shr(bytes, 4), mask);
}
inline void store_low_bytes(Int4 lo, Int4 hi, void* p) {
  v128_t words = wasm_v128_and(wasm_i16x8_narrow_i32x4(lo.v, hi.v), wasm_i16x8_splat(255));
  wasm_v128_store64_lane(p, wasm_u8x16_narrow_i16x8(words, words), 0);
}
inline Bytes16 saturate(Int4 a, Int4 b, Int4 c, Int4 d) {
  return {wasm_u8x16_narrow_i16x8(wasm_i16x8_narrow_i32x4(a.v, b.v), wasm_i16x8_narrow_i32x4(c.v, d.v))};
}
inline void store_halves(Bytes16 x, void* p, void* q) {
  wasm_v128_store64_lane(p, x.v, 0);
  wasm_v128_store64_lane(q, x.v, 1);
}
inline void store_even_bytes(Bytes16 x, void* p) {
  wasm_v128_store64_lane(p, wasm_i8x16_shuffle(x.v, x.v, 0, 2, 4, 6, 8, 10, 12, 14, 0, 0, 0, 0, 0, 0, 0, 0),
                         0);
}
#if defined(__wasm_relaxed_simd__)
inline Bytes16 splat_four(const void* p) { return {wasm_v128_load32_splat(p)}; }
inline Words8 dot_bytes(Bytes16 a, Bytes16 b) { return {wasm_i16x8_relaxed_dot_i8x16_i7x16(a.v, b.v)}; }
inline Int4 dot_four(Bytes16 a, Bytes16 b, Int4 c, bool) {
  return {wasm_i32x4_relaxed_dot_i8x16_i7x16_add(a.v, b.v, c.v)};
}
#endif

#else

struct Words8 {
  int16_t v[8];
};
struct Bytes16 {
  uint8_t v[16];
};
namespace scalar {
template <class At>
Int4 lanes(At at) {
  const int32_t values[] = {at(0), at(1), at(2), at(3)};
  return Int4::load(values);
}
template <class At>
Bytes16 bytes(At at) {
  Bytes16 x;
  for (size_t i = 0; i < 16; ++i) x.v[i] = at(i);
  return x;
}
}  // namespace scalar
inline Bytes16 load_bytes(const void* p) {
  Bytes16 x;
  std::memcpy(x.v, p, 16);
  return x;
}
inline void store_bytes(Bytes16 x, void* p) { std::memcpy(p, x.v, 16); }
inline Bytes16 load_halves(const void* a, const void* b) {
  Bytes16 x;
  std::memcpy(x.v, a, 8);
  std::memcpy(x.v + 8, b, 8);
  return x;
}
inline Bytes16 splat_byte(uint8_t x) {
  return scalar::bytes([&](size_t) { return x; });
}
inline Bytes16 operator^(Bytes16 a, Bytes16 b) {
  return scalar::bytes([&](size_t i) { return static_cast<uint8_t>(a.v[i] ^ b.v[i]); });
}
inline Bytes16 zip_halves(Bytes16 x) {
  return scalar::bytes([&](size_t i) { return x.v[i / 2 + i % 2 * 8]; });
}
inline Bytes16 zip_halves_apart(Bytes16 x) {
  return scalar::bytes([&](size_t i) { return x.v[i % 8 / 2 * 2 + i / 8 + i % 2 * 8]; });
}
inline Bytes16 zip_pairs_low(Bytes16 a, Bytes16 b) {
  return scalar::bytes([&](size_t i) { return (i & 2 ? b : a).v[i / 4 * 2 + i % 2]; });
}
inline Bytes16 zip_pairs_high(Bytes16 a, Bytes16 b) {
  return scalar::bytes([&](size_t i) { return (i & 2 ? b : a).v[8 + i / 4 * 2 + i % 2]; });
}
inline Bytes16 zip_fours_low(Bytes16 a, Bytes16 b) {
  return scalar::bytes([&](size_t i) { return (i & 4 ? b : a).v[i / 8 * 4 + i % 4]; });
}
inline Bytes16 zip_fours_high(Bytes16 a, Bytes16 b) {
  return scalar::bytes([&](size_t i) { return (i & 4 ? b : a).v[8 + i / 8 * 4 + i % 4]; });
}
inline Words8 load_widened(const void* p) {
  Words8 x;
  for (int i = 0; i < 8; ++i) x.v[i] = static_cast<const int8_t*>(p)[i];
  return x;
}
inline void store_widened(Bytes16 x, int16_t* p, int16_t* q) {
  for (int i = 0; i < 8; ++i) p[i] = static_cast<int8_t>(x.v[i]), q[i] = static_cast<int8_t>(x.v[8 + i]);
}
inline void store_widened(Bytes16 x, int16_t* p) { store_widened(x, p, p + 8); }
inline Words8 widen_half(Bytes16 x, size_t half) {
  Words8 words;
  for (size_t i = 0; i < 8; ++i) words.v[i] = static_cast<int8_t>(x.v[8 * half + i]);
  return words;
}
inline void to_floats(Words8 x, Float4 (&v)[2]) {
  float values[8];
  for (int i = 0; i < 8; ++i) values[i] = x.v[i];
  v[0] = Float4::load(values), v[1] = Float4::load(values + 4);
}
inline Words8 load_words(const int16_t* p) {
  Words8 x;
  std::memcpy(x.v, p, 16);
  return x;
}
inline void store_words(Words8 x, int16_t* p) { std::memcpy(p, x.v, 16); }
template <class At>
Words8 words(At at) {
  Words8 x;
  for (int i = 0; i < 8; ++i) x.v[i] = static_cast<int16_t>(at(i));
  return x;
}
inline Words8 splat_word(int16_t x) {
  return words([&](int) { return x; });
}
inline Words8 operator+(Words8 a, Words8 b) {
  return words([&](int i) { return a.v[i] + b.v[i]; });
}
inline Words8 operator-(Words8 a, Words8 b) {
  return words([&](int i) { return a.v[i] - b.v[i]; });
}
inline Words8 operator<<(Words8 a, int bits) {
  return words([&](int i) { return a.v[i] * (1 << bits); });
}
inline void store_zipped(Words8 a, Words8 b, int16_t* p) {
  for (int i = 0; i < 8; ++i) p[2 * i] = a.v[i], p[2 * i + 1] = b.v[i];
}
inline Words8 splat_pair(const int16_t* p) {
  Words8 x;
  for (int i = 0; i < 8; ++i) x.v[i] = p[i % 2];
  return x;
}
inline Int4 dot_pairs(Words8 a, Words8 b) {
  return scalar::lanes([&](int i) { return a.v[2 * i] * b.v[2 * i] + a.v[2 * i + 1] * b.v[2 * i + 1]; });
}
template <bool is_signed>
inline void load_ints(const void* p, Int4* lo, Int4* hi) {
  using T = std::conditional_t<is_signed, int8_t, uint8_t>;
  const T* x = static_cast<const T*>(p);
  *lo = scalar::lanes([&](int i) { return int32_t{x[i]}; });
  *hi = scalar::lanes([&](int i) { return int32_t{x[4 + i]}; });
}
inline void load_nibbles(const void* p, Int4 (&v)[4]) {
  const auto* x = static_cast<const uint8_t*>(p);
  for (int i = 0; i < 4; ++i)
    v[i] = scalar::lanes([&](int lane) { return int32_t{x[i % 2 * 4 + lane]} >> (i / 2 * 4) & 15; });
}
inline void load_nibble_words(const void* p, Words8 (&v)[4]) {
  const auto* x = static_cast<const uint8_t*>(p);
  for (int i = 0; i < 4; ++i)
    for (int lane = 0; lane < 8; ++lane)
      v[i].v[lane] = static_cast<int16_t>(x[2 * lane + i / 2] >> (i % 2 * 4) & 15);
}
inline void load_nibble_bytes(const void* p, Bytes16 (&v)[2]) {
  const auto* x = static_cast<const uint8_t*>(p);
  v[0] = scalar::bytes([&](size_t i) { return static_cast<uint8_t>(x[i] & 15); });
  v[1] = scalar::bytes([&](size_t i) { return static_cast<uint8_t>(x[i] >> 4); });
}
inline Words8 dot_bytes(Bytes16 a, Bytes16 b) {
  return words([&](int i) {
    return static_cast<int8_t>(a.v[2 * i]) * b.v[2 * i] +
           static_cast<int8_t>(a.v[2 * i + 1]) * b.v[2 * i + 1];
  });
}
inline void store_low_bytes(Int4 lo, Int4 hi, void* p) {
  int32_t values[8];
  lo.store(values);
  hi.store(values + 4);
  for (int i = 0; i < 8; ++i) static_cast<uint8_t*>(p)[i] = static_cast<uint8_t>(values[i]);
}
inline Bytes16 saturate(Int4 a, Int4 b, Int4 c, Int4 d) {
  int32_t values[16];
  a.store(values), b.store(values + 4), c.store(values + 8), d.store(values + 12);
  return scalar::bytes([&](size_t i) { return static_cast<uint8_t>(std::clamp(values[i], 0, 255)); });
}
inline void store_halves(Bytes16 x, void* p, void* q) {
  std::memcpy(p, x.v, 8);
  std::memcpy(q, x.v + 8, 8);
}
inline void store_even_bytes(Bytes16 x, void* p) {
  for (int i = 0; i < 8; ++i) static_cast<uint8_t*>(p)[i] = x.v[2 * i];
}
inline Bytes16 splat_four(const void* p) {
  Bytes16 x;
  for (int i = 0; i < 4; ++i) std::memcpy(x.v + 4 * i, p, 4);
  return x;
}
inline Int4 dot_four(Bytes16 a, Bytes16 b, Int4 c, bool unsigned_b) {
  return c + scalar::lanes([&](int i) {
           int32_t sum = 0;
           for (int j = 4 * i; j < 4 * i + 4; ++j)
             sum +=
                 static_cast<int8_t>(a.v[j]) * (unsigned_b ? int{b.v[j]} : int{static_cast<int8_t>(b.v[j])});
           return sum;
         });
}

#endif

// Nearest integer, ties to even, of numbers below 2^22 in magnitude.
inline Int4 to_nearest_int(Float4 x) {
  constexpr float kShift = 12582912.0f;
  return bit_cast<int32_t>(x + Float4::splat(kShift)) - Int4::splat(0x4b400000);
}

}  // namespace kinglet
