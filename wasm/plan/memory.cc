#include "plan/memory.h"

#include <algorithm>
#include <numeric>

#include "base/tensor.h"

namespace kinglet {

Result<size_t> assign_offsets(std::vector<Lifetime>& blocks) {
  std::vector<size_t> order(blocks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, [&](size_t a, size_t b) {
    return std::pair(blocks[b].bytes, a) < std::pair(blocks[a].bytes, b);
  });
  std::vector<const Lifetime*> placed;  // by offset
  size_t total = 0;
  for (size_t i : order) {
    Lifetime& block = blocks[i];
    // Kernels may read up to 16 bytes behind a buffer: the alignment's slack and the arena's own tail allow
    // it.
    KL_ASSIGN(size_t padded, checked_add(block.bytes, kBufferAlignment - 1));
    padded &= ~(kBufferAlignment - 1);
    size_t at = 0;
    for (const Lifetime* other : placed) {
      if (other->last < block.first || other->first > block.last) continue;
      if (other->offset >= at && other->offset - at >= padded) break;
      at = std::max(at, other->offset + align_up(other->bytes, kBufferAlignment));
    }
    block.offset = at;
    KL_ASSIGN(size_t end, checked_add(at, padded));
    total = std::max(total, end);
    placed.insert(std::ranges::upper_bound(placed, at, {}, [](const Lifetime* l) { return l->offset; }),
                  &block);
  }
  return total;
}

}  // namespace kinglet
