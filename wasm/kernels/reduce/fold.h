#pragma once
// Accumulators of reductions, for each type of arithmetic.
#include "kernels/cast/convert.h"

namespace kinglet {

enum class FoldKind : uint8_t {
#define FOLD(name) k##name,
#include "kernels/reduce/reduce.inc"
};
enum class Finish : uint8_t { kValue, kMean, kSqrt, kLog };

inline constexpr size_t kMaxAccumulator = 16;

// Accumulators are kept in an array; their value is a double for float arithmetic (float32 sums run in
// float32 for stretches of some hundred elements), or an integer.
struct Fold {
  size_t size;      // bytes of an accumulator, at most kMaxAccumulator
  Compute compute;  // of the elements
  Compute result;   // kF64, kI64 or kU64
  void (*init)(void* accumulators, size_t n, DType dtype);
  // n elements into one accumulator
  void (*row)(const void* x, size_t n, void* accumulator);
  // n elements into n accumulators
  void (*columns)(const void* x, size_t n, void* accumulators);
  // n values of type `result`, each from `count` elements
  void (*finish)(const void* accumulators, size_t n, Finish how, int64_t count, void* out);
};
const Fold& find_fold(FoldKind kind, DType dtype);

}  // namespace kinglet
