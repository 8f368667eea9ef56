#pragma once
// Timing of kernels: the best of several short runs, beside the machine's own limits in the same moments, so
// that a busy machine disturbs the ratio little. Under Node processor time, in a page the clock.
#include <algorithm>
#include <cstdio>
#include <ctime>

#include <vector>

#include "simd/bytes.h"
#include "simd/vec.h"

#if defined(__EMSCRIPTEN__)
#include <emscripten.h>
#endif

namespace kinglet::bench {

inline double processor_seconds() {
#if defined(__EMSCRIPTEN__)
  return EM_ASM_DOUBLE({
    if (typeof process != 'object') return performance.now() / 1e3;
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

// The same of bytes in 16-bit lanes: 6 * 16 operations per turn.
inline __attribute__((noinline)) void pair_loop(size_t turns) {
  uint8_t bytes[24];
  for (int i = 0; i < 24; ++i) bytes[i] = static_cast<uint8_t>(i + static_cast<int>(sink));
  Int4 sums[6];
  Words8 y[6];
  for (int j = 0; j < 6; ++j) sums[j] = Int4::splat(j), y[j] = load_widened(bytes + 8 + j);
  for (size_t i = 0; i < turns; ++i) {
    // Another one each turn, or the compiler would take the products out of the loop.
    Words8 x = load_widened(bytes + (i & 7));
#pragma unroll
    for (int j = 0; j < 6; ++j) sums[j] = sums[j] + dot_pairs(x, y[j]);
  }
  int32_t out[4];
  for (int j = 1; j < 6; ++j) sums[0] = sums[0] + sums[j];
  sums[0].store(out);
  sink = static_cast<float>(out[0]) * 1e-30f;
}

#if defined(__wasm_relaxed_simd__)
// By the relaxed dot: 8 * 32 operations per turn.
inline __attribute__((noinline)) void dot_loop(size_t turns) {
  uint8_t bytes[32];
  for (int i = 0; i < 32; ++i) bytes[i] = static_cast<uint8_t>(i + static_cast<int>(sink));
  Int4 sums[8];
  for (int i = 0; i < 8; ++i) sums[i] = Int4::splat(i);
  Bytes16 x = load_bytes(bytes), y = load_bytes(bytes + 16);
  for (size_t i = 0; i < turns; ++i) {
#pragma unroll
    for (int j = 0; j < 8; ++j) sums[j] = dot_four(x, y, sums[j], true);
  }
  int32_t out[4];
  for (int j = 1; j < 8; ++j) sums[0] = sums[0] + sums[j];
  sums[0].store(out);
  sink = static_cast<float>(out[0]) * 1e-30f;
}
#endif

// GB/s of reading more memory than caches hold.
inline double read_bandwidth() {
  std::vector<float> memory(size_t{24} << 20, 0.5f);
  double best = 0;
  for (int round = 0; round < 6; ++round) {
    double start = processor_seconds();
    Vec<float> a = Vec<float>::splat(0), b = a, c = a, d = a;
    constexpr size_t kLanes = Vec<float>::kLanes;
    for (size_t i = 0; i + 4 * kLanes <= memory.size(); i += 4 * kLanes) {
      const float* p = memory.data() + i;
      a = a + Vec<float>::load(p), b = b + Vec<float>::load(p + kLanes);
      c = c + Vec<float>::load(p + 2 * kLanes), d = d + Vec<float>::load(p + 3 * kLanes);
    }
    sink = sum(a + b + c + d) * 1e-30f;
    double seconds = processor_seconds() - start;
    best = std::max(best, 4e-9 * static_cast<double>(memory.size()) / seconds);
  }
  return best;
}

// Elements of weights that are timed from memory too, and of the copies, which no cache holds.
constexpr size_t kLargeWeights = 200 * 1024, kColdWeights = 30 * 1024 * 1024;

struct Speed {
  double gops = 0, limit = 0, gbytes = 0;
};

enum class Peak { kFloat, kBytes };

// The machine's limit in this moment, in 1e9 operations per second.
inline double limit_of(Peak peak) {
  constexpr size_t turns = 300000;
  auto speed = [](void (*loop)(size_t), double operations) {
    double start = processor_seconds();
    loop(turns);
    return operations * 1e-9 * turns / (processor_seconds() - start);
  };
  if (peak == Peak::kFloat) return speed(limit_loop, 64);
#if defined(__wasm_relaxed_simd__)
  return std::max(speed(dot_loop, 8 * 32), speed(pair_loop, 6 * 16));
#else
  return speed(pair_loop, 6 * 16);
#endif
}

// `run` does `operations` operations, of floating point or of bytes, and has to read and write `bytes` bytes
// at least.
template <class Run>
Speed measure(double operations, double bytes, Run&& run, Peak peak = Peak::kFloat) {
  Speed best;
  size_t repeats = static_cast<size_t>(4e7 / operations) + 1;
  for (int round = 0; round < 12; ++round) {
    best.limit = std::max(best.limit, limit_of(peak));
    double start = processor_seconds();
    for (size_t i = 0; i < repeats; ++i) run();
    double seconds = processor_seconds() - start;
    best.gops = std::max(best.gops, operations * static_cast<double>(repeats) * 1e-9 / seconds);
  }
  best.gbytes = best.gops * bytes / operations;
  return best;
}

inline void print(const char* kernel, const char* shape, Speed speed) {
  std::printf("%-24s %-44s %6.1f Gop/s  %3.0f%% of %.1f  %5.1f GB/s\n", kernel, shape, speed.gops,
              100 * speed.gops / speed.limit, speed.limit, speed.gbytes);
  std::fflush(stdout);
}

}  // namespace kinglet::bench
