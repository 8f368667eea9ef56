#pragma once
// Sliding windows over the spatial axes of [planes, axis 0, axis 1, ...], planes being batch times channels.
#include <span>
#include <vector>

#include "base/dtype.h"
#include "base/parallel.h"

namespace kinglet::kernels {

struct PoolAxis {
  int64_t in, out;  // extents
  int64_t kernel, stride, dilation;
  int64_t pad_begin, pad_end;
  // Extent from the first to the last element that a window touches.
  int64_t reach() const { return (kernel - 1) * dilation + 1; }
};

enum class PoolKind : uint8_t { kMax, kAverage, kLp };

struct Pool {
  PoolKind kind;
  int64_t planes;
  std::vector<PoolAxis> axes;      // at least one; every out at least 1
  bool count_include_pad = false;  // kAverage: what lies outside counts as zeros
  int64_t p = 2;                   // kLp: the norm
};

// What lies outside the input counts as smallest (kMax) or zero. A NaN is never the maximum; a window without
// any element gives the lowest value (kMax) or 0. Types: the rows of pool.inc.
using PoolFn = void (*)(const Pool& pool, const void* in, void* out, void* scratch, Parallel& parallel);

struct PoolVariant {
  const char* name;
  PoolKind kind;
  DType dtype;
  PoolFn run;
};
std::span<const PoolVariant> pool_variants();
// Null when there is none.
const PoolVariant* find_pool(PoolKind kind, DType dtype);
// The judge: every window element by element.
PoolFn find_pool_reference(PoolKind kind, DType dtype);
// Bytes of scratch for one plane worker times `threads`; 0 on overflow.
size_t pool_scratch_bytes(const Pool& pool, DType dtype, int threads);

// kMax, with the place of each maximum (the first one of a window) as an index into the whole input.
// `column_major`: the spatial part of that index counts axis 0 fastest. float32, float64, int8, uint8.
void max_pool_indices(const Pool& pool, DType dtype, bool column_major, const void* in, void* out,
                      int64_t* places, Parallel& parallel);

// One value for each plane of `count` elements. float32 and float64.
void global_pool(PoolKind kind, int64_t p, DType dtype, int64_t planes, int64_t count, const void* in,
                 void* out, Parallel& parallel);

}  // namespace kinglet::kernels
