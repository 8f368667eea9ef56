#pragma once
// Moves boxes of elements between strided arrays. Only the size of an element matters, never its type.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "base/shape.h"

namespace kinglet::kernels {

// The element sizes of copy.inc. kStringBytes stands for std::string objects, which are assigned.
inline constexpr int kStringBytes = 0;
// Bytes from one element to the next.
inline int64_t element_step(int bytes) {
  return bytes == kStringBytes ? static_cast<int64_t>(sizeof(std::string)) : bytes;
}

// For every index (i0, i1, ...) within the extents, target[target_offset + sum(i * target stride)] becomes
// source[source_offset + sum(i * source stride)]. Strides and offsets count elements; source strides may be
// zero (repetition) or negative.
struct Box {
  struct Dim {
    int64_t extent, source, target;
  };
  std::vector<Dim> dims;  // outermost first
  int64_t source_offset = 0;
  int64_t target_offset = 0;

  void add(int64_t extent, int64_t source, int64_t target) { dims.push_back({extent, source, target}); }
};

// A box over `extents` with these strides.
Box make_box(const Shape& extents, const Shape& source_strides, const Shape& target_strides);

// Drops extents of 1 and merges neighbours that lie behind each other in source and target.
void collapse(Box* box);

// No two elements of the target coincide, and source and target do not overlap. Fast for collapsed boxes.
void copy_box(const Box& box, int bytes, const void* source, void* target, Parallel& parallel);
// The judge of copy_box: one element at a time.
void copy_box_reference(const Box& box, int bytes, const void* source, void* target);

// `count` adjacent elements become *value.
void fill(int bytes, const void* value, void* target, int64_t count, Parallel& parallel);
// `count` adjacent elements.
void copy_run(int bytes, const void* source, void* target, int64_t count);

}  // namespace kinglet::kernels
