#include <algorithm>
#include <bit>
#include <cstring>

#include "kernels/reduce/scan.h"

namespace kinglet {

namespace {

// Numbers as unsigned integers of the same order: one selection serves all types. NaN comes last, -0 is 0.
uint64_t key_of(double x) {
  if (x != x) return ~uint64_t{0};
  auto bits = std::bit_cast<uint64_t>(x + 0.0);
  return bits >> 63 ? ~bits : bits | uint64_t{1} << 63;
}

void keys_of(DType dtype, const std::byte* in, int64_t at, uint64_t* keys, size_t n) {
  Compute compute = compute_of(dtype);
  if (compute == Compute::kI64 || compute == Compute::kU64) {
    load_run(dtype, in, at, compute, keys, n);
    uint64_t sign = compute == Compute::kI64 ? uint64_t{1} << 63 : 0;
    for (size_t i = 0; i < n; ++i) keys[i] ^= sign;
    return;
  }
  double run[kRun];
  load_run(dtype, in, at, Compute::kF64, run, n);
  for (size_t i = 0; i < n; ++i) keys[i] = key_of(run[i]);
}

struct Entry {
  uint64_t key;  // smaller is better
  int64_t index;
  bool operator<(const Entry& other) const {
    return key != other.key ? key < other.key : index < other.index;
  }
};

}  // namespace

size_t topk_scratch(int64_t k) { return static_cast<size_t>(k) * sizeof(Entry); }

void run_topk(const Scan& s, int64_t k, bool largest, const std::byte* in, std::byte* values,
              int64_t* indices, std::byte* scratch, Parallel& parallel) {
  auto* heap = reinterpret_cast<Entry*>(scratch);
  auto size = static_cast<size_t>(dtype_bits(s.dtype)) / 8;
  uint64_t keys[kRun];
  // Neighbouring elements of the axis that are loaded at once.
  int64_t step = s.inner == 1 ? static_cast<int64_t>(kRun) : 1;
  for (int64_t lane = 0; lane < s.outer * s.inner; ++lane) {
    if (parallel.cancel != nullptr && parallel.cancel->set()) return;
    int64_t base = lane / s.inner * s.length * s.inner + lane % s.inner;
    int64_t held = 0;
    for (int64_t r = 0; r < s.length; r += step) {
      int64_t n = std::min(step, s.length - r);
      keys_of(s.dtype, in, base + r * s.inner, keys, static_cast<size_t>(n));
      for (int64_t i = 0; i < n; ++i) {
        Entry entry{largest ? ~keys[i] : keys[i], r + i};
        if (held < k) {
          heap[held++] = entry;
          std::push_heap(heap, heap + held);
        } else if (k > 0 && entry < heap[0]) {
          std::pop_heap(heap, heap + held);
          heap[held - 1] = entry;
          std::push_heap(heap, heap + held);
        }
      }
    }
    std::sort_heap(heap, heap + held);
    int64_t to = lane / s.inner * k * s.inner + lane % s.inner;
    for (int64_t i = 0; i < k; ++i) {
      int64_t from = base + heap[i].index * s.inner;
      std::memcpy(values + static_cast<size_t>(to + i * s.inner) * size,
                  in + static_cast<size_t>(from) * size, size);
      indices[to + i * s.inner] = heap[i].index;
    }
  }
}

}  // namespace kinglet
