#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <numeric>

#include "kernels/reduce/scan.h"
#include "simd/vec.h"

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

// Puts `entry` in the place of the largest of n entries.
void replace_largest(Entry* heap, int64_t n, Entry entry) {
  int64_t at = 0;
  for (int64_t child; (child = 2 * at + 1) < n; at = child) {
    if (child + 1 < n && heap[child] < heap[child + 1]) ++child;
    if (!(entry < heap[child])) break;
    heap[at] = heap[child];
  }
  heap[at] = entry;
}

// Elements that are looked at together for one that is better than the worst of those kept.
constexpr int kBlock = 32;

// f of all lanes, halves first.
template <class T, int N, class F>
T fold(vec<T, N> v, F f) {
  if constexpr (N > kNativeLanes<T>) {
    return fold(f(v.lo, v.hi), f);
  } else {
    T lanes[N];
    v.store(lanes);
    return std::accumulate(lanes + 1, lanes + N, lanes[0], f);
  }
}

// A number just above one that k elements at least do not exceed; NaN where there is none, or where it takes
// longer to find than to do without.
template <class T>
T bound_of(const T* x, int64_t length, T sign, int64_t k) {
  using V = vec<T, kBlock>;
  constexpr T kInfinity = std::numeric_limits<T>::infinity();
  V of_lane = V::splat(kInfinity);
  T least = kInfinity;
  if (k <= kBlock / 2 && length >= 4 * kBlock) {
    for (int64_t i = 0; i + kBlock <= length; i += kBlock)
      of_lane = min(of_lane, V::load(x + i) * V::splat(sign));
    for (int64_t i = 0; i < k; ++i) {
      least = fold(of_lane, [](auto a, auto b) {
        using std::min;
        return min(a, b);
      });
      of_lane = select(of_lane == V::splat(least), V::splat(kInfinity), of_lane);
    }
  }
  if (least == kInfinity) return std::numeric_limits<T>::quiet_NaN();
  auto bits = std::bit_cast<MaskOf<T>>(least + T(0));
  return std::bit_cast<T>(bits + (bits < 0 ? -1 : 1));
}

// The best k <= length of x as a heap.
template <class T>
void scan_floats(const std::byte* in, int64_t length, bool largest, Entry* heap, int64_t k) {
  const T* x = reinterpret_cast<const T*>(in);
  // One comparison does for both ways: the sign turns the numbers round, exactly. NaN may be better.
  const T sign = T(largest ? -1 : 1);
  T bound = bound_of(x, length, sign, k);
  auto worse = [&](int64_t i) { return x[i] * sign >= bound; };
  int64_t held = 0;
  for (int64_t at = 0; at < length; at += kBlock) {
    int64_t end = std::min(length, at + kBlock);
    using V = vec<T, kBlock>;
    if (end - at == kBlock &&
        fold(V::load(x + at) * V::splat(sign) >= V::splat(bound), [](auto a, auto b) { return a & b; }) != 0)
      continue;
    for (int64_t i = at; i < end; ++i) {
      if (worse(i)) continue;
      uint64_t key = key_of(static_cast<double>(x[i]));
      Entry entry{largest ? ~key : key, i};
      if (held < k) {
        heap[held++] = entry;
        std::push_heap(heap, heap + held);
      } else if (entry < heap[0]) {
        replace_largest(heap, k, entry);
      }
      if (held == k) bound = x[heap[0].index] * sign;
    }
  }
}

}  // namespace

size_t topk_scratch(int64_t k, int threads) {
  return static_cast<size_t>(k) * sizeof(Entry) * static_cast<size_t>(threads);
}

void run_topk(const Scan& s, int64_t k, bool largest, const std::byte* in, std::byte* values,
              int64_t* indices, std::byte* scratch, Parallel& parallel) {
  auto size = static_cast<size_t>(dtype_bits(s.dtype)) / 8;
  bool floats = s.inner == 1 && k > 0 && (s.dtype == DType::kFloat32 || s.dtype == DType::kFloat64);
  auto scan = s.dtype == DType::kFloat32 ? scan_floats<float> : scan_floats<double>;
  // Neighbouring elements of the axis that are loaded at once.
  int64_t step = s.inner == 1 ? static_cast<int64_t>(kRun) : 1;
  auto one = [&](Entry* heap, int64_t lane) {
    uint64_t keys[kRun];
    int64_t base = lane / s.inner * s.length * s.inner + lane % s.inner;
    const std::byte* row = in + static_cast<size_t>(base) * size;
    int64_t held = 0;
    if (floats) scan(row, s.length, largest, heap, held = k);
    for (int64_t r = 0, n; !floats && r < s.length; r += n) {
      n = std::min(step, s.length - r);
      keys_of(s.dtype, in, base + r * s.inner, keys, static_cast<size_t>(n));
      for (int64_t i = 0; i < n; ++i) {
        Entry entry{largest ? ~keys[i] : keys[i], r + i};
        if (held < k) {
          heap[held++] = entry;
          std::push_heap(heap, heap + held);
        } else if (k > 0 && entry < heap[0]) {
          replace_largest(heap, k, entry);
        }
      }
    }
    std::sort_heap(heap, heap + held);
    int64_t to = lane / s.inner * k * s.inner + lane % s.inner;
    for (int64_t i = 0; i < k; ++i) {
      std::memcpy(values + static_cast<size_t>(to + i * s.inner) * size,
                  row + static_cast<size_t>(heap[i].index * s.inner) * size, size);
      indices[to + i * s.inner] = heap[i].index;
    }
  };
  // Pieces that are worth a thread's while.
  int64_t lanes = s.outer * s.inner, piece = 1 + 16384 / (s.length + 1);
  parallel_slots(parallel, static_cast<size_t>((lanes + piece - 1) / piece), [&](size_t slot, size_t item) {
    auto* heap = reinterpret_cast<Entry*>(scratch) + slot * static_cast<size_t>(k);
    auto first = static_cast<int64_t>(item) * piece;
    for (int64_t lane = first; lane < std::min(lanes, first + piece) && !cancelled(parallel); ++lane)
      one(heap, lane);
  });
}

}  // namespace kinglet
