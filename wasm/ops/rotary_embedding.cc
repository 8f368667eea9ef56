#include "kernels/attention/attention.h"
#include "ops/attention_step.h"
#include "ops/converted.h"
#include "ops/internal.h"

namespace kinglet::ops {

namespace {

// Of the two public domains; com.microsoft has position_ids before the tables.
struct Params {
  HeadCopy<float> copy{};
  int positions = 0, cos = 0, sin = 0;
  size_t table_rows = 0;
  bool start = false;  // one position for all: that of the first row
};

bool is_microsoft(const OpContext& c) { return c.node().def->domain == kMicrosoft; }

// The form with tables as they meet the heads.
Result<Params> spread_params(const OpContext& c) {
  const Shape &x = c.shape(0), &cos = c.shape(1);
  KL_REQUIRE(x.rank() == 4 && cos == c.shape(2) &&
                 (cos == Shape{1, 1, x[2], x[3]} || cos == Shape{x[0], 1, x[2], x[3]}) && x[3] % 2 == 0,
             kInvalidShape, "X is ", x, ", cos is ", cos, ", sin is ", c.shape(2));
  Params p{.positions = 3, .cos = 1, .sin = 2};
  HeadCopy<float>& copy = p.copy;
  copy.batch = static_cast<size_t>(x[0]);
  copy.heads = static_cast<size_t>(x[1]);
  copy.rows = static_cast<size_t>(x[2]);
  copy.size = copy.rotated = copy.table_row = static_cast<size_t>(x[3]);
  copy.second = copy.size / 2;
  copy.table_batch = cos[0] == 1 ? 0 : copy.rows * copy.size;
  copy.from_strides = copy.to_strides = heads_first_strides(copy.rows, copy.heads, copy.size);
  return p;
}

Result<Params> params_of(const OpContext& c) {
  KL_TRY(check_extents(c));
  if (c.node().def->domain == kKinglet) return spread_params(c);
  Params p{};
  bool microsoft = is_microsoft(c);
  p.positions = microsoft ? 1 : 3;
  p.cos = microsoft ? 2 : 1;
  p.sin = p.cos + 1;
  HeadCopy<float>& copy = p.copy;
  const Shape &x = c.shape(0), &cos = c.shape(p.cos);
  KL_REQUIRE(x.rank() == 3 || x.rank() == 4, kInvalidShape, "input is ", x, ", expected 3 or 4 dimensions");
  copy.batch = static_cast<size_t>(x[0]);
  copy.interleaved = c.attributes().get_int("interleaved") != 0;
  int64_t rotated = c.attributes().get_int("rotary_embedding_dim"), size = x.back();
  int64_t table = cos.rank() > 0 ? cos.back() : 0;
  if (x.rank() == 4) {
    copy.heads = static_cast<size_t>(x[1]);
    copy.rows = static_cast<size_t>(x[2]);
  } else {
    int64_t heads = c.attributes().get_int("num_heads");
    // com.microsoft: without num_heads the tables tell how large a head is.
    if (heads == 0 && microsoft && rotated == 0 && table > 0) heads = size / (2 * table);
    KL_REQUIRE(heads > 0 && size % heads == 0, kInvalidShape, "num_heads is ", heads, ", the input is ", x);
    copy.heads = static_cast<size_t>(heads);
    copy.rows = static_cast<size_t>(x[1]);
    size /= heads;
  }
  copy.size = static_cast<size_t>(size);
  if (rotated == 0) rotated = size;
  KL_REQUIRE(rotated > 0 && rotated % 2 == 0 && rotated <= size, kInvalidShape, "rotary_embedding_dim is ",
             rotated, " for heads of size ", size);
  copy.rotated = static_cast<size_t>(rotated);
  copy.table_row = copy.rotated / 2;
  bool has_positions = c.has_input(p.positions);
  int rank = has_positions ? 2 : 3;
  KL_REQUIRE(c.shape(p.sin) == cos && cos.rank() == rank && table == rotated / 2, kInvalidShape,
             "cos_cache is ", cos, ", sin_cache is ", c.shape(p.sin), ", expected ", rank,
             " dimensions, the last of ", rotated / 2);
  if (has_positions) {
    const Shape& positions = c.shape(p.positions);
    p.table_rows = static_cast<size_t>(cos[0]);
    p.start = microsoft && positions.rank() <= 1 && positions.count() == 1;
    KL_REQUIRE(p.start || positions == (Shape{x[0], static_cast<int64_t>(copy.rows)}), kInvalidShape,
               "position_ids is ", positions, " for ", copy.batch, " x ", copy.rows, " rows");
  } else {
    p.table_rows = copy.rows;
    KL_REQUIRE(cos[0] == x[0] && cos[1] == static_cast<int64_t>(copy.rows), kInvalidShape, "cos_cache is ",
               cos, " for ", copy.batch, " x ", copy.rows, " rows");
    copy.table_batch = copy.rows * copy.table_row;
  }
  copy.from_strides = copy.to_strides = x.rank() == 4 ? heads_first_strides(copy.rows, copy.heads, copy.size)
                                                      : rows_first_strides(copy.rows, copy.heads, copy.size);
  return p;
}

Status infer(InferContext& c) {
  KL_ASSIGN([[maybe_unused]] Params p, params_of(c));
  c.output(0, c.dtype(0), c.shape(0));
  return {};
}

Status run(const Params& p, Run& run) {
  HeadCopy<float> copy = p.copy;
  copy.from = run.in(0).data<float>();
  copy.to = run.out(0).data<float>();
  copy.cos = run.in(p.cos).data<float>();
  copy.sin = run.in(p.sin).data<float>();
  auto rows = static_cast<int64_t>(p.table_rows);
  if (run.has_in(p.positions)) {
    const Tensor& positions = run.in(p.positions);
    int64_t reach = p.start ? static_cast<int64_t>(copy.rows) : 1;
    for (int64_t at : positions.values<int64_t>())
      KL_REQUIRE(at >= 0 && at <= rows - reach, kIndexOutOfRange, "position ", at, " is not in the ", rows,
                 " rows of cos_cache");
    if (p.start)
      copy.first = static_cast<size_t>(*positions.data<int64_t>());
    else
      copy.positions = positions.data<int64_t>();
  }
  copy_heads(copy, run.parallel());
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(Params p, params_of(c));
  c.in_place(0, 0);
  add_float_step<run>(c, "attention/rotary", c.dtype(0), p);
  return {};
}

constexpr OpDef kRotary[] = {
    {.domain = kOnnx,
     .name = "RotaryEmbedding",
     .signature = "X:T cos_cache:T sin_cache:T position_ids:int64? -> Y:T | T=float16,bfloat16,float32 | "
                  "interleaved:i=0 num_heads:i=0 rotary_embedding_dim:i=0",
     .infer = infer,
     .lower = lower},
    {.domain = kMicrosoft,
     .name = "RotaryEmbedding",
     .signature =
         "input:T position_ids:int64 cos_cache:T sin_cache:T -> output:T | T=float16,bfloat16,float32 | "
         "interleaved:i=0 is_packed_batching:i=0 num_heads:i=0 rotary_embedding_dim:i=0 scale:f=1",
     .infer = infer,
     .lower = lower},
    // X cos + Concat(-second half of X, first half) sin: X [batch, heads, rows, size] and tables [batch, 1,
    // rows, size] broadcast.
    {.domain = kKinglet,
     .name = "RotaryEmbedding",
     .signature = "X:T cos:T sin:T -> Y:T | T=float32",
     .infer = infer,
     .lower = lower},
};

}  // namespace

std::span<const OpDef> rotary_embedding() { return kRotary; }

}  // namespace kinglet::ops
