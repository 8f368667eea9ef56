#pragma once
// Timing of kernels: processor time of the best of several short runs, beside the machine's own limit in the
// same moments, so that a busy machine disturbs the ratio little.
#include <algorithm>
#include <cstdio>
#include <ctime>

#include "simd/vec.h"

#if defined(__EMSCRIPTEN__)
#include <emscripten.h>
#endif

namespace kinglet::bench {

inline double processor_seconds() {
#if defined(__EMSCRIPTEN__)
  return EM_ASM_DOUBLE({
    const usage = process.cpuUsage();
    return (usage.user + usage.system) / 1e6;
  });
#else
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
#endif
}

inline float sink;

// Multiply-adds on registers only: 2 * 4 * 8 operations per turn.
inline __attribute__((noinline)) void limit_loop(size_t turns) {
  using V = Vec<float>;
  // Different and unknown starts, or the compiler folds the chains into one.
  auto start = [](float v) { return V::splat(sink + v); };
  V a = start(0), b = start(1), c = start(2), d = start(3), e = start(4), f = start(5), g = start(6),
    h = start(7);
  V x = start(1.0001f), y = start(1e-4f);
  for (size_t i = 0; i < turns; ++i) {
    a = madd(x, y, a), b = madd(x, y, b), c = madd(x, y, c), d = madd(x, y, d);
    e = madd(x, y, e), f = madd(x, y, f), g = madd(x, y, g), h = madd(x, y, h);
  }
  sink = sum(a + b + c + d + e + f + g + h) * 1e-30f;
}

struct Speed {
  double gflops = 0, limit = 0;
};

// `run` does `operations` floating-point operations.
template <class Run>
Speed measure(double operations, Run&& run) {
  Speed best;
  size_t repeats = static_cast<size_t>(4e7 / operations) + 1;
  constexpr size_t turns = 300000;
  for (int round = 0; round < 12; ++round) {
    double start = processor_seconds();
    limit_loop(turns);
    double middle = processor_seconds();
    for (size_t i = 0; i < repeats; ++i) run();
    double end = processor_seconds();
    best.limit = std::max(best.limit, 64e-9 * turns / (middle - start));
    best.gflops = std::max(best.gflops, operations * static_cast<double>(repeats) * 1e-9 / (end - middle));
  }
  return best;
}

inline void print(const char* kernel, const char* shape, Speed speed) {
  std::printf("%-16s %-44s %6.1f GFLOP/s  %3.0f%% of %.1f\n", kernel, shape, speed.gflops,
              100 * speed.gflops / speed.limit, speed.limit);
  std::fflush(stdout);
}

}  // namespace kinglet::bench
