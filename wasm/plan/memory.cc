#include "plan/memory.h"

#include <algorithm>

#include "base/tensor.h"

namespace kinglet {

namespace {

// In order of size, or of size times lifetime.
[[gnu::noinline]] Result<size_t> place(std::vector<Lifetime>& blocks, bool by_time) {
  std::vector<double> weights;
  std::vector<size_t> order;
  for (const Lifetime& b : blocks) {
    order.push_back(weights.size());
    weights.push_back(static_cast<double>(b.bytes) * (by_time ? b.last - b.first + 1 : 1));
  }
  std::ranges::sort(order, [&](size_t a, size_t b) {
    return weights[a] > weights[b] || (weights[a] == weights[b] && a < b);
  });
  std::vector<const Lifetime*> placed;  // by offset
  size_t total = 0;
  placed.reserve(blocks.size());
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

// No arena is smaller.
size_t most_at_a_step(const std::vector<Lifetime>& blocks) {
  std::vector<size_t> at_step;
  for (const Lifetime& b : blocks) {
    at_step.resize(std::max(at_step.size(), static_cast<size_t>(b.last) + 1));
    for (int n = b.first; n <= b.last; ++n)
      at_step[static_cast<size_t>(n)] += align_up(b.bytes, kBufferAlignment);
  }
  return at_step.empty() ? 0 : *std::ranges::max_element(at_step);
}

}  // namespace

Result<size_t> assign_offsets(std::vector<Lifetime>& blocks) {
  KL_ASSIGN(size_t total, place(blocks, false));
  if (total == most_at_a_step(blocks)) return total;
  std::vector<Lifetime> others = blocks;
  Result<size_t> other = place(others, true);
  if (!other.ok() || *other >= total) return total;
  blocks = std::move(others);
  return other;
}

}  // namespace kinglet
