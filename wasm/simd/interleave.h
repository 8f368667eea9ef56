#pragma once
#include <bit>

#include "simd/vec.h"

namespace kinglet {

// Lanes 0, 2, 4, ... of a followed by b.
template <class T>
  requires(sizeof(T) == 4)
inline vec<T, 4> even(vec<T, 4> a, vec<T, 4> b) {
  typedef uint32_t Lanes __attribute__((vector_size(16)));
  Lanes out = __builtin_shufflevector(std::bit_cast<Lanes>(a), std::bit_cast<Lanes>(b), 0, 2, 4, 6);
  return std::bit_cast<vec<T, 4>>(out);
}

// a0 b0 a1 b1, and a2 b2 a3 b3.
template <class T>
inline vec<T, 4> low_pairs(vec<T, 4> a, vec<T, 4> b) {
  static_assert(sizeof(T) == 4);
  typedef uint32_t Lanes __attribute__((vector_size(16)));
  Lanes out = __builtin_shufflevector(std::bit_cast<Lanes>(a), std::bit_cast<Lanes>(b), 0, 4, 1, 5);
  return std::bit_cast<vec<T, 4>>(out);
}
template <class T>
inline vec<T, 4> high_pairs(vec<T, 4> a, vec<T, 4> b) {
  static_assert(sizeof(T) == 4);
  typedef uint32_t Lanes __attribute__((vector_size(16)));
  Lanes out = __builtin_shufflevector(std::bit_cast<Lanes>(a), std::bit_cast<Lanes>(b), 2, 6, 3, 7);
  return std::bit_cast<vec<T, 4>>(out);
}

// a0 a1 b0 b1, and a2 a3 b2 b3.
template <class T>
inline vec<T, 4> first_halves(vec<T, 4> a, vec<T, 4> b) {
  static_assert(sizeof(T) == 4);
  typedef uint32_t Lanes __attribute__((vector_size(16)));
  Lanes out = __builtin_shufflevector(std::bit_cast<Lanes>(a), std::bit_cast<Lanes>(b), 0, 1, 4, 5);
  return std::bit_cast<vec<T, 4>>(out);
}
template <class T>
inline vec<T, 4> second_halves(vec<T, 4> a, vec<T, 4> b) {
  static_assert(sizeof(T) == 4);
  typedef uint32_t Lanes __attribute__((vector_size(16)));
  Lanes out = __builtin_shufflevector(std::bit_cast<Lanes>(a), std::bit_cast<Lanes>(b), 2, 3, 6, 7);
  return std::bit_cast<vec<T, 4>>(out);
}

}  // namespace kinglet
