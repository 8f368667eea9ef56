#include <algorithm>

#include "ops/attention_step.h"
#include "ops/internal.h"

namespace kinglet::ops {

namespace {

enum Input { kQ, kK, kV, kMask };

// Extents of one of Q, K, V (`part`) in one order. Three dimensions have the heads in the batch, five hold
// all parts side by side.
struct Heads {
  size_t batch = 1, heads = 1, rows = 0, size = 0;
  HeadStrides strides{};
  size_t offset = 0;
};

Heads heads_of(const Shape& shape, bool rows_first, int part) {
  Heads h;
  auto extent = [&](int i) { return static_cast<size_t>(shape.at(i)); };
  h.size = extent(-1);
  if (shape.rank() == 5) {
    h.batch = extent(0);
    h.rows = extent(1);
    h.heads = extent(3);
    h.strides = rows_first_strides(h.rows, 3 * h.heads, h.size);
    h.offset = static_cast<size_t>(part) * h.heads * h.size;
    return h;
  }
  h.rows = extent(rows_first ? -3 : -2);
  if (shape.rank() == 3) {
    h.batch = extent(rows_first ? -2 : -3);
    h.strides =
        rows_first ? HeadStrides{h.size, 0, h.batch * h.size} : heads_first_strides(h.rows, 1, h.size);
    return h;
  }
  h.batch = extent(0);
  h.heads = extent(rows_first ? -2 : -3);
  h.strides =
      rows_first ? rows_first_strides(h.rows, h.heads, h.size) : heads_first_strides(h.rows, h.heads, h.size);
  return h;
}

Result<AttentionSpec> spec_of(const OpContext& c, Shape* out) {
  int rank = std::min(c.rank(kQ), 4);
  for (int i = 0; i < 3; ++i) {
    const Shape& shape = c.shape(i);
    bool packed = shape.rank() == 5 && shape[2] == 3;
    KL_REQUIRE((rank == 3 || rank == 4) && (packed ? rank == 4 : shape.rank() == rank), kInvalidShape,
               "Q, K and V are ", c.shape(kQ), ", ", c.shape(kK), ", ", c.shape(kV));
  }
  // A mask as its part of the scores.
  bool masked = c.has_input(kMask);
  Shape mask = masked ? c.shape(kMask) : Shape{1, 1};
  KL_REQUIRE(mask.rank() >= 2 && mask.rank() <= (rank == 4 ? 4 : 2), kInvalidShape, "mask is ", mask);
  while (mask.rank() < 4) mask.insert(0, 1);
  static constexpr const char* kOrders[] = {"q_rows_first", "k_rows_first", "v_rows_first"};
  Heads part[4];
  for (int i = 0; i < 4; ++i) {
    bool rows_first = i < 3 && c.attributes().get_int(kOrders[i]) != 0;
    part[i] = heads_of(i < 3 ? c.shape(i) : mask, rows_first, i);
  }
  auto& [q, k, v, m] = part;
  AttentionSpec s;
  s.batch = s.heads = s.queries = 1;
  bool fits = k.heads == v.heads && k.rows == v.rows && q.size == k.size && k.heads > 0 &&
              (m.size == 1 || m.size == k.rows);
  // What has an extent of 1 is read again for each of what it meets.
  auto meet = [&](size_t extent, size_t* stride, size_t* all) {
    if (extent == 1) *stride = 0;
    if (*all == 1) *all = extent;
    fits &= extent == 1 || extent == *all;
  };
  for (Heads& h : part) meet(h.batch, &h.strides.batch, &s.batch);
  for (Heads* h : {&q, &m}) {
    meet(h->heads, &h->strides.head, &s.heads);
    meet(h->rows, &h->strides.row, &s.queries);
  }
  KL_REQUIRE(fits && s.heads % k.heads == 0, kInvalidShape, "Q, K and V do not fit: ", c.shape(kQ), ", ",
             c.shape(kK), ", ", c.shape(kV), ", mask ", mask);
  s.kv_heads = k.heads;
  s.head_size = q.size;
  s.value_size = v.size;
  s.fresh = s.rows = s.keys = k.rows;
  HeadSource* sources[] = {&s.q, &s.k, &s.v};
  for (int i = 0; i < 3; ++i) {
    sources[i]->input = i;
    sources[i]->strides = part[i].strides;
    sources[i]->offset = part[i].offset;
  }
  s.scale = c.attributes().get_float("scale", 1);
  KL_REQUIRE(s.scale != 0, kInvalidGraph, "scale is 0");
  s.drops_nan = c.attributes().get_int("drops_nan") != 0;
  if (masked) {
    s.bias = kMask;
    s.bias_strides = m.strides;
    s.bias_columns = m.size == s.keys ? s.keys : kOneColumn;
  }
  s.rows_first = rank == 4 && c.attributes().get_int("y_rows_first") != 0;
  KL_REQUIRE(rank == 4 || c.attributes().get_int("y_rows_first") == 0, kInvalidGraph,
             "y_rows_first needs four dimensions");
  auto n = [](size_t extent) { return static_cast<int64_t>(extent); };
  *out = rank == 3      ? Shape{n(s.batch), n(s.queries), n(s.value_size)}
         : s.rows_first ? Shape{n(s.batch), n(s.queries), n(s.heads), n(s.value_size)}
                        : Shape{n(s.batch), n(s.heads), n(s.queries), n(s.value_size)};
  return s;
}

Status infer(InferContext& c) {
  Shape out;
  KL_ASSIGN([[maybe_unused]] AttentionSpec s, spec_of(c, &out));
  c.output(0, c.dtype(kQ), out);
  return {};
}

Status lower(LowerContext& c) {
  Shape out;
  KL_ASSIGN(AttentionSpec s, spec_of(c, &out));
  return lower_attention(c, s);
}

}  // namespace

// softmax(scale Q K' + mask) V, where all but the heads of K and V broadcasts, and these serve equal parts of
// the heads of Q. Q, K, V, Y are [batch, heads, rows, size], or with <x>_rows_first [batch,
// rows, heads, size]; [n, rows, size] or [rows, n, size] where heads are part of the batch. Q, K, V may also
// be their part of [batch, rows, 3, heads, size].
extern const OpDef fused_attention{
    .domain = kKinglet,
    .name = "Attention",
    .signature =
        "Q:T K:T V:T mask:T? -> Y:T | T=floats | drops_nan:i=0 scale:f=1 q_rows_first:i=0 k_rows_first:i=0 "
        "v_rows_first:i=0 y_rows_first:i=0",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
