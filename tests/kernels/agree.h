#pragma once
// How kernel tests compare a result with the judge's, and where their numbers come from.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "base/str.h"

namespace kinglet::test {

// A small reproducible generator (xorshift); the same numbers in every build.
class Random {
 public:
  explicit Random(uint32_t seed) : state_(seed * 2654435769u + 1) {}
  uint32_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    return state_ ^= state_ << 5;
  }
  // In [-1, 1]; multiples of 2^-10, so that short sums are exact and long ones are not.
  float unit() { return static_cast<float>(static_cast<int32_t>(next() % 2049) - 1024) / 1024.0f; }

 private:
  uint32_t state_;
};

template <class T>
std::vector<T> random_values(size_t n, uint32_t seed) {
  Random random(seed);
  std::vector<T> values(n);
  for (T& v : values) {
    if constexpr (std::is_floating_point_v<T>) {
      v = static_cast<T>(random.unit());
    } else {
      v = static_cast<T>(random.next());
    }
  }
  return values;
}

// Empty when every got[i] is want[i] within `tolerance` (absolute, plus relative to want[i]); integers must
// be equal, NaN must meet NaN and an infinity its own. Otherwise the first difference in words.
template <class T>
std::string difference(std::span<const T> want, std::span<const T> got, double tolerance) {
  if (want.size() != got.size()) return str("sizes ", want.size(), " and ", got.size());
  for (size_t i = 0; i < want.size(); ++i) {
    bool same;
    if constexpr (std::is_floating_point_v<T>) {
      double w = want[i], g = got[i];
      same = std::isnan(w)   ? std::isnan(g)
             : std::isinf(w) ? w == g
                             : std::abs(w - g) <= tolerance * (1.0 + std::abs(w));
    } else {
      same = want[i] == got[i];
    }
    if (!same)
      return "element " + std::to_string(i) + ": expected " + std::to_string(want[i]) + ", got " +
             std::to_string(got[i]);
  }
  return "";
}
template <class T>
std::string difference(const std::vector<T>& want, const std::vector<T>& got, double tolerance) {
  return difference(std::span<const T>(want), std::span<const T>(got), tolerance);
}

// Cuts work as so many threads would, and runs it in reverse order on one.
class PretendParallel : public Parallel {
 public:
  explicit PretendParallel(int threads) : threads_(threads) {}
  int threads() const override { return threads_; }
  void run(size_t n, size_t grain, void (*body)(void*, size_t, size_t), void* context) override {
    size_t ranges = (n + grain - 1) / grain;
    for (size_t i = ranges; i-- > 0;) body(context, i * grain, std::min(n, (i + 1) * grain));
  }

 private:
  int threads_;
};

}  // namespace kinglet::test
