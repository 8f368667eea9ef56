#pragma once
// Reading and writing at computed places. Every operator of this kind is two parts: offsets from an index
// tensor, checked, and runs moved at those offsets.
#include "base/parallel.h"
#include "base/tensor.h"

namespace kinglet::kernels {

// All offsets count elements. `indices` is int32 or int64; index i of an axis with extent n is in [-n, n),
// anything else is kIndexOutOfRange.

// offsets[i] = index i * step, for an axis with `extent`.
Status offsets_of_axis(const Tensor& indices, int64_t extent, int axis, int64_t step, int64_t* offsets);
// Where each element of `indices` points within `shape`: its own position, but on `axis` its value. All
// extents of indices, but on `axis`, are at most those of shape.
Status offsets_of_elements(const Tensor& indices, const Shape& shape, int axis, int64_t* offsets);
// Each row of the last axis of `indices` is a place in the axes of `shape` behind the first `batch_dims`,
// which indices and shape share. One offset per row.
Status offsets_of_tuples(const Tensor& indices, const Shape& shape, int batch_dims, int64_t* offsets);

// target[o * count + i] = source[o * source_step + offsets[i]] for runs of `run` elements.
struct GatherRuns {
  int bytes;  // element size, see kernels/copy
  int64_t outer = 1, source_step = 0;
  int64_t count, run;
};
void gather_runs(const GatherRuns& g, const void* source, const int64_t* offsets, void* target,
                 Parallel& parallel);

enum class Combine : uint8_t { kReplace, kAdd, kMul, kMax, kMin };

// True when elements of `dtype` can be combined by `op`: all for kReplace, otherwise numbers and bool (where
// kAdd and kMax are "or", kMul and kMin "and").
bool can_combine(DType dtype, Combine op);
// target[offsets[i] + j] = op(target[offsets[i] + j], source[i * run + j]), i ascending. Integers wrap.
void scatter_runs(DType dtype, Combine op, const void* source, const int64_t* offsets, int64_t count,
                  int64_t run, void* target);

}  // namespace kinglet::kernels
