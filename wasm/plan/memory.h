#pragma once
#include <cstddef>
#include <vector>

#include "base/result.h"

namespace kinglet {

// A block of the arena that is in use from step `first` to step `last`, both included.
struct Lifetime {
  int first = 0, last = 0;
  size_t bytes = 0;
  size_t offset = 0;  // result
};

// Gives every block an offset (multiple of kBufferAlignment) such that blocks alive at the same step do not
// overlap; returns the arena's size. Largest first, by size or by size times lifetime, lowest gap that fits.
Result<size_t> assign_offsets(std::vector<Lifetime>& blocks);

}  // namespace kinglet
