#pragma once
#include <cmath>
#include <cstdint>
#include <numbers>

namespace kinglet {

// SplitMix64: a counter put through a bijective mixer.
class Generator {
 public:
  // Equal seeds give equal numbers.
  static Generator of_seed(uint64_t seed) { return Generator(Generator(seed).next()); }
  // Other numbers with every call.
  static Generator unseeded() {
    static uint64_t calls = 0;
    return of_seed(uint64_t{1} << 40 | __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED));
  }
  explicit Generator(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // In [0, 1).
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  // Box and Muller's transformation.
  double normal() {
    double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

 private:
  uint64_t state_;
};

}  // namespace kinglet
