#pragma once
// The one step of every attention operator: where queries, keys, values, cache, masks and angles lie, by
// input.
#include "kernels/attention/attention.h"
#include "ops/context.h"

namespace kinglet {

// One of q, k, v: rows [batch, heads, rows, size] somewhere in an input.
struct HeadSource {
  int input = -1;
  size_t offset = 0;  // elements
  HeadStrides strides{};
  int bias = -1;  // input with [heads, size] from `bias_offset` on
  size_t bias_offset = 0;
  bool rotates = false;
};

// Keys or values before (input `past`) and after (output `present`): [batch, kv_heads, rows, size] from an
// offset.
struct HeadCache {
  int past = -1, present = -1;
  size_t past_offset = 0, present_offset = 0;
};

// What hides keys, by the dtype and meaning of an input.
enum class MaskForm : uint8_t {
  kNone,
  kLengths,     // [batch] int32: keys from there on
  kEndsStarts,  // [2 batch] int32: keys from the first on, and before the second
  kKeep,        // integers or bool, 0 hides
};

struct AttentionSpec {
  size_t batch = 0, heads = 0, kv_heads = 0, queries = 0, head_size = 0, value_size = 0;
  size_t fresh = 0;  // rows of k and v
  HeadSource q, k, v;
  HeadCache key_cache, value_cache;
  size_t past = 0;       // rows of the cache in use
  size_t past_rows = 0;  // rows that `past` has room for
  size_t rows = 0;       // rows that `present` has room for, at least past + fresh
  size_t keys = 0;       // columns of the scores; with past_length the run tells
  int past_length = -1;  // input with `past` as one int32, at most rows - fresh
  // Input [batch] int32: each item's keys less one. Then the cache of an item ends at its own place.
  int last_key = -1;
  bool first_prompt = false;  // with last_key: nothing comes before

  float scale = 0;  // 0: 1 / sqrt(head_size)
  float softcap = 0;
  bool causal = false;
  int64_t window = 0;
  int lengths = -1;  // input [batch] int64: how many keys count
  MaskForm mask_form = MaskForm::kNone;
  int mask = -1;
  HeadStrides mask_strides{};
  size_t mask_offset = 0, mask_columns = 0;
  float filter = 0;  // added to the scores of hidden keys
  int bias = -1;     // input of floats, added to the scores
  HeadStrides bias_strides{};
  size_t bias_columns = 0;
  int sink = -1;        // input [heads]
  bool smooth = false;  // a sink of 0
  bool drops_nan = false;

  int cos = -1, sin = -1, positions = -1;  // rotary angles: [table_rows, rotated / 2]; [batch, queries]
  size_t rotated = 0, table_rows = 0;
  bool interleaved = false;

  bool rows_first =
      true;         // y is [batch, queries, heads, value_size], otherwise [batch, heads, queries, value_size]
  int scores = -1;  // output
  ScoreStage stage = ScoreStage::kScaled;
};

// Strides of a [batch, rows, heads, size] tensor, and of [batch, heads, rows, size].
HeadStrides rows_first_strides(size_t rows, size_t heads, size_t size);
HeadStrides heads_first_strides(size_t rows, size_t heads, size_t size);

// Strides for input i of 2 to 4 dimensions that broadcasts to [batch, heads, queries, columns]; `columns` of
// it are read, it may have fewer (with `short_rows`) or more.
Result<HeadStrides> score_strides(const OpContext& c, int i, const AttentionSpec& spec, size_t columns,
                                  bool short_rows);

// Fails for inputs whose extents are more than kernels count in 32 bits. Before a spec is read.
Status check_extents(const OpContext& c);

// Adds the step for output 0 (and caches, scores). float64 is computed in double, all else in float32.
Status lower_attention(LowerContext& c, const AttentionSpec& spec);

}  // namespace kinglet
