#pragma once
// Scaled dot-product attention: y = softmax(f(scale q k') + biases) v for every batch item and head, without
// ever holding a whole matrix of scores. Elements: float; double by the judge.
#include <cstddef>
#include <cstdint>

#include "base/parallel.h"
#include "base/result.h"

namespace kinglet {

// Where a head's row begins: batch item * batch + head * head + row * row, in elements. Rows are contiguous.
struct HeadStrides {
  size_t batch = 0, head = 0, row = 0;
};

// Added to the scores; a stride of 0 broadcasts. -infinity hides a key. Keys from `columns` on are hidden;
// kOneColumn: one column is added to all keys.
inline constexpr size_t kOneColumn = ~size_t{0};
template <class T>
struct ScoreBias {
  const T* data = nullptr;
  HeadStrides strides{};
  size_t columns = 0;
};

// What `scores` receives, in this order of computing. Keys that causal, window and lengths hide are 0 at
// kBiased and -infinity at kHidden.
enum class ScoreStage : uint8_t { kScaled, kCapped, kBiased, kHidden, kSoftmax };

template <class T>
struct Attention {
  size_t batch = 0, heads = 0, kv_heads = 0;  // query head h reads head h / (heads / kv_heads) of k and v
  size_t queries = 0, keys = 0, head_size = 0, value_size = 0;
  const T* q = nullptr;
  const T* k = nullptr;
  const T* v = nullptr;
  T* y = nullptr;
  HeadStrides q_strides{}, k_strides{}, v_strides{}, y_strides{};
  T scale = 1;
  T softcap = 0;  // s becomes softcap tanh(s / softcap) before the biases; 0: not
  // Causal: query i sees keys up to i + past, where past is the batch item's or the common one.
  bool causal = false;
  int64_t past = 0;
  const int64_t* pasts = nullptr;
  // Causal: only the last `window` of those keys; 0: all.
  int64_t window = 0;
  // Null, or how many keys each batch item has: in [0, keys].
  const int64_t* lengths = nullptr;
  ScoreBias<T> bias[2];
  // Null, or for each head one more score that takes part in the softmax and has no value.
  const T* sink = nullptr;
  bool smooth = false;     // a sink of 0 for every head
  bool drops_nan = false;  // a query of which any score's weight is NaN gives zeros
  // Null, or [batch, heads, queries, keys].
  T* scores = nullptr;
  ScoreStage stage = ScoreStage::kScaled;
};

// A query that sees no key gives zeros. `scratch`: attention_scratch_bytes. y is none of q, k, v.
// Leaves y unfinished when `pool` is cancelled.
Result<size_t> attention_scratch_bytes(const Attention<float>& call, int threads);
void attention(const Attention<float>& call, std::byte* scratch, Parallel& pool);

// The judge: the definition, one query after the other in double. `row`: call.keys elements for each thread.
template <class T>
void attention_reference(const Attention<T>& call, double* row, Parallel& pool);

// Copies heads, adding a bias and turning pairs of elements by tabulated angles (rotary embedding).
template <class T>
struct HeadCopy {
  size_t batch = 0, heads = 0, rows = 0, size = 0;
  const T* from = nullptr;
  T* to = nullptr;  // may be `from`
  HeadStrides from_strides{}, to_strides{};
  const T* bias = nullptr;  // null or [heads, size]
  // Null, or a table with rows of rotated / 2 values: of row positions[item, row], or where that is null, row
  // + first. `table_batch`, `table_row`: elements from one batch item's table, and from one row, to the next.
  // `second`: from the values for the first elements of pairs to those for the second, which may be other
  // ones.
  const T* cos = nullptr;
  const T* sin = nullptr;
  size_t rotated = 0, table_batch = 0, table_row = 0, second = 0;
  bool interleaved = false;  // pairs (0, 1), (2, 3), ...; otherwise (0, rotated / 2), ...
  const int64_t* positions = nullptr;
  size_t first = 0;
};
template <class T>
void copy_heads(const HeadCopy<T>& copy, Parallel& pool);

}  // namespace kinglet
