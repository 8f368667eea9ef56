// com.microsoft's MultiHeadAttention, DecoderMaskedMultiHeadAttention and Attention.
#include "ops/attention_step.h"
#include "ops/expand.h"

namespace kinglet::ops {

namespace {

// mask_filter_value unless given.
constexpr float kFilter = -10000;

int64_t count(size_t n) { return static_cast<int64_t>(n); }

// Attributes that all of them have.
Status read_common(const OpContext& c, AttentionSpec* s) {
  int64_t heads = c.attributes().get_int("num_heads");
  KL_REQUIRE(heads > 0 && heads < (int64_t{1} << 31), kInvalidGraph, "num_heads is ", heads);
  s->heads = s->kv_heads = static_cast<size_t>(heads);
  s->scale = c.attributes().get_float("scale");
  s->filter = c.attributes().get_float("mask_filter_value", kFilter);
  s->causal = c.attributes().get_int("unidirectional") != 0;
  return {};
}

// The forms of mask_index and key_padding_mask; s->keys is known unless s->past_length is set.
Status read_mask(const OpContext& c, int input, AttentionSpec* s) {
  if (!c.has_input(input)) return {};
  const Shape& shape = c.shape(input);
  s->mask = input;
  s->mask_columns = s->past_length >= 0 ? s->rows : s->keys;
  int64_t b = count(s->batch), q = count(s->queries), keys = count(s->mask_columns);
  bool any_keys = s->past_length >= 0;
  if (shape.rank() == 1) {
    s->mask_form = b > 0 && shape[0] == 2 * b ? MaskForm::kEndsStarts : MaskForm::kLengths;
    KL_REQUIRE(shape[0] == b || shape[0] == 2 * b || shape[0] == 3 * b + 2, kInvalidShape, "the mask is ",
               shape, " for ", b, " batch items");
    s->mask_strides = {s->mask_columns, 0, 0};
    return {};
  }
  s->mask_form = MaskForm::kKeep;
  auto last = static_cast<size_t>(shape.back());
  if (shape.rank() == 4) {
    KL_REQUIRE(shape[0] == b && shape[1] == 1 && shape[2] == shape[3] && shape[3] >= keys &&
                   count(s->past) + q <= shape[2],
               kInvalidShape, "the mask is ", shape, " for ", q, " queries and ", keys, " keys");
    s->mask_strides = {last * last, 0, last};
    s->mask_offset = s->past * last;
  } else {
    bool fits = shape[0] == b && (any_keys || shape.back() == keys);
    KL_REQUIRE(fits && (shape.rank() == 2 || (shape.rank() == 3 && shape[1] == q)), kInvalidShape,
               "the mask is ", shape, " for ", b, " batch items, ", q, " queries and ", keys, " keys");
    s->mask_strides = shape.rank() == 2 ? HeadStrides{last, 0, 0} : HeadStrides{s->queries * last, 0, last};
  }
  s->mask_columns = last;
  return {};
}

Status read_bias(const OpContext& c, int input, AttentionSpec* s) {
  if (!c.has_input(input)) return {};
  KL_REQUIRE(c.rank(input) == 4, kInvalidShape, "attention_bias is ", c.shape(input),
             ", expected 4 dimensions");
  bool any_keys = s->past_length >= 0;
  KL_ASSIGN(s->bias_strides, score_strides(c, input, *s, any_keys ? s->rows : s->keys, any_keys));
  s->bias = input;
  s->bias_columns = static_cast<size_t>(c.shape(input).back());
  return {};
}

enum Input {
  kQuery,
  kKey,
  kValue,
  kBias,
  kMask,
  kScoreBias,
  kPastKey,
  kPastValue,
  kPastLength,
  kIndirection
};

Status read_heads(const OpContext& c, AttentionSpec* s) {
  const Shape& q = c.shape(kQuery);
  size_t n = s->heads;
  KL_REQUIRE(q.rank() == 3 || q.rank() == 5, kInvalidShape, "query is ", q, ", expected 3 or 5 dimensions");
  s->batch = static_cast<size_t>(q[0]);
  s->queries = static_cast<size_t>(q[1]);
  s->q.input = kQuery;
  auto rows_of = [&](HeadSource* part, int input, size_t rows, size_t offset, size_t row, size_t head) {
    *part = {.input = input, .offset = offset, .strides = {rows * row, head, row}};
  };
  auto divided = [&](int64_t extent, int64_t by, size_t* size) -> Status {
    KL_REQUIRE(extent % (count(n) * by) == 0, kInvalidShape, extent, " channels do not make ", n, " heads");
    *size = static_cast<size_t>(extent / (count(n) * by));
    return {};
  };
  size_t h;
  if (!c.has_input(kKey)) {
    // Packed: [batch, rows, heads, 3, size], or [batch, rows, 3 * hidden].
    bool five = q.rank() == 5;
    KL_REQUIRE(!five || (q[2] == count(n) && q[3] == 3), kInvalidShape, "query is ", q, ", expected [?, ?, ",
               n, ", 3, ?]");
    if (five)
      h = static_cast<size_t>(q[4]);
    else
      KL_TRY(divided(q[2], 3, &h));
    HeadSource* parts[] = {&s->q, &s->k, &s->v};
    for (size_t i = 0; i < 3; ++i)
      rows_of(parts[i], kQuery, s->queries, i * h * (five ? 1 : n), 3 * n * h, five ? 3 * h : h);
    s->fresh = s->queries;
    s->head_size = s->value_size = h;
    return {};
  }
  const Shape& k = c.shape(kKey);
  KL_REQUIRE(q.rank() == 3 && k.rank() >= 3 && k.rank() <= 5 && k[0] == q[0], kInvalidShape, "query is ", q,
             ", key is ", k);
  KL_TRY(divided(q[2], 1, &h));
  s->head_size = s->value_size = h;
  s->q.strides = rows_first_strides(s->queries, n, h);
  if (k.rank() == 5) {
    KL_REQUIRE(k[2] == count(n) && k[3] == 2 && k[4] == count(h) && !c.has_input(kValue), kInvalidShape,
               "key is ", k, ", expected [?, ?, ", n, ", 2, ", h, "] and no value");
    s->fresh = static_cast<size_t>(k[1]);
    rows_of(&s->k, kKey, s->fresh, 0, 2 * n * h, 2 * h);
    rows_of(&s->v, kKey, s->fresh, h, 2 * n * h, 2 * h);
    return {};
  }
  KL_REQUIRE(c.has_input(kValue) && c.rank(kValue) == k.rank(), kInvalidShape, "key is ", k,
             ", value must have as many dimensions");
  const Shape& v = c.shape(kValue);
  s->k.input = kKey;
  s->v.input = kValue;
  if (k.rank() == 4) {
    s->fresh = static_cast<size_t>(k[2]);
    KL_REQUIRE(k[1] == count(n) && k[3] == count(h) && v[0] == k[0] && v[1] == k[1] && v[2] == k[2],
               kInvalidShape, "query is ", q, ", key is ", k, ", value is ", v);
    s->value_size = static_cast<size_t>(v[3]);
    s->k.strides = heads_first_strides(s->fresh, n, h);
    s->v.strides = heads_first_strides(s->fresh, n, s->value_size);
    return {};
  }
  s->fresh = static_cast<size_t>(k[1]);
  KL_REQUIRE(k[2] == q[2] && v[0] == k[0] && v[1] == k[1], kInvalidShape, "query is ", q, ", key is ", k,
             ", value is ", v);
  KL_TRY(divided(v[2], 1, &s->value_size));
  s->k.strides = rows_first_strides(s->fresh, n, h);
  s->v.strides = rows_first_strides(s->fresh, n, s->value_size);
  return {};
}

Result<AttentionSpec> spec_of(const OpContext& c) {
  KL_TRY(check_extents(c));
  AttentionSpec s;
  KL_TRY(read_common(c, &s));
  KL_TRY(read_heads(c, &s));
  size_t qk = s.heads * s.head_size, v = s.heads * s.value_size;
  bool given = c.has_input(kKey) && c.rank(kKey) != 3;  // keys and values that have been projected before
  if (c.has_input(kBias)) {
    KL_REQUIRE(c.shape(kBias) == (Shape{count(2 * qk + v)}), kInvalidShape, "bias is ", c.shape(kBias),
               ", expected [", 2 * qk + v, "]");
    s.q.bias = kBias;
    if (!given) s.k.bias = s.v.bias = kBias;
    s.k.bias_offset = qk;
    s.v.bias_offset = 2 * qk;
  }
  KL_REQUIRE(c.has_input(kPastKey) == c.has_input(kPastValue), kInvalidGraph,
             "past_key and past_value must be given together");
  if (c.has_input(kPastKey)) {
    const Shape& past = c.shape(kPastKey);
    int64_t rows = past.rank() == 4 ? past[2] : 0, b = count(s.batch), n = count(s.heads);
    KL_REQUIRE(past == (Shape{b, n, rows, count(s.head_size)}) &&
                   c.shape(kPastValue) == (Shape{b, n, rows, count(s.value_size)}),
               kInvalidShape, "past_key is ", past, ", past_value is ", c.shape(kPastValue));
    s.past_rows = static_cast<size_t>(rows);
    s.key_cache.past = kPastKey;
    s.value_cache.past = kPastValue;
    if (c.has_input(kPastLength)) {
      KL_REQUIRE(c.shape(kPastLength).count() == 1, kInvalidShape, "past_sequence_length is ",
                 c.shape(kPastLength));
      s.past_length = kPastLength;
    } else {
      s.past = s.past_rows;
    }
  }
  s.key_cache.present = 1;
  s.value_cache.present = 2;
  s.rows = s.past_length >= 0 ? s.past_rows : s.past + s.fresh;
  s.keys = s.past + s.fresh;
  KL_REQUIRE(s.fresh <= s.rows, kInvalidShape, "the cache of ", s.rows, " rows is too small");
  KL_REQUIRE(!c.has_input(kIndirection) || (c.rank(kIndirection) == 3 && c.shape(kIndirection)[1] == 1),
             kUnsupportedFeature, "cache_indirection for several beams");
  KL_TRY(read_mask(c, kMask, &s));
  KL_TRY(read_bias(c, kScoreBias, &s));
  s.scores = 3;
  s.stage = ScoreStage::kHidden;
  return s;
}

Status infer(InferContext& c) {
  KL_ASSIGN(AttentionSpec s, spec_of(c));
  int64_t b = count(s.batch), n = count(s.heads);
  DType dtype = c.dtype(kQuery);
  c.output(0, dtype, {b, count(s.queries), n * count(s.value_size)});
  c.output(1, dtype, {b, n, count(s.rows), count(s.head_size)});
  c.output(2, dtype, {b, n, count(s.rows), count(s.value_size)});
  int64_t keys = count(s.keys);
  if (c.has_output(3) && s.past_length >= 0) {
    const Tensor* past = c.constant(kPastLength);
    if (past == nullptr) return c.later();
    keys += *past->data<int32_t>();
    KL_REQUIRE(keys >= count(s.fresh) && keys <= count(s.rows), kIndexOutOfRange, "past_sequence_length is ",
               keys - count(s.fresh));
  }
  c.output(3, dtype, {b, n, count(s.queries), keys});
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(AttentionSpec s, spec_of(c));
  return lower_attention(c, s);
}

// The same inputs in another order.
Status expand_decoder(ExpandContext& c) {
  KL_REQUIRE(c.attributes().get_int("past_present_share_buffer") == 0 || c.has_input(7) || !c.has_input(5),
             kMissingInput, "past_sequence_length is needed with past_present_share_buffer");
  bool shares = c.attributes().get_int("past_present_share_buffer") != 0;
  const Attributes& a = c.attributes();
  auto outputs = c.ops("MultiHeadAttention",
                       {c.input(0), c.input(1), c.input(2), c.input(10), c.input(3), c.input(4), c.input(5),
                        c.input(6), shares ? c.input(7) : kNoValue, c.input(9)},
                       4,
                       {{"mask_filter_value", a.get_float("mask_filter_value", kFilter)},
                        {"num_heads", a.get_int("num_heads")},
                        {"scale", a.get_float("scale")}},
                       kMicrosoft);
  for (size_t i = 0; i < outputs.size(); ++i) c.output(i, outputs[i]);
  return {};
}

// Attention after its projection: inputs qkv [batch, rows, hidden + hidden + v_hidden], then as Attention
// from the fourth on.
enum ProjectedInput { kQkv, kMaskIndex, kPast, kProjectedBias, kProjectedPastLength };

Result<AttentionSpec> projected_spec(const OpContext& c) {
  KL_TRY(check_extents(c));
  AttentionSpec s;
  KL_TRY(read_common(c, &s));
  const Shape& x = c.shape(kQkv);
  KL_REQUIRE(x.rank() == 3, kInvalidShape, "input times weights is ", x, ", expected 3 dimensions");
  int64_t sizes[3] = {x[2] / 3, x[2] / 3, x[2] - x[2] / 3 * 2}, n = count(s.heads);
  auto given = c.attributes().get_ints("qkv_hidden_sizes");
  if (!given.empty()) {
    KL_REQUIRE(given.size() == 3, kInvalidGraph, "qkv_hidden_sizes has ", given.size(), " values");
    std::copy_n(given.data(), 3, sizes);
  }
  int64_t rest = x[2];
  for (int64_t size : sizes) {
    KL_REQUIRE(size >= 0 && size <= rest && size % n == 0, kInvalidShape, "hidden sizes ", sizes[0], ", ",
               sizes[1], " and ", sizes[2], " do not make ", n, " heads of ", x[2], " channels");
    rest -= size;
  }
  KL_REQUIRE(rest == 0 && sizes[0] == sizes[1], kInvalidShape, "hidden sizes ", sizes[0], ", ", sizes[1],
             " and ", sizes[2], " of ", x[2], " channels");
  s.batch = static_cast<size_t>(x[0]);
  s.queries = s.fresh = static_cast<size_t>(x[1]);
  s.head_size = static_cast<size_t>(sizes[0] / n);
  s.value_size = static_cast<size_t>(sizes[2] / n);
  auto row = static_cast<size_t>(x[2]);
  HeadSource* parts[] = {&s.q, &s.k, &s.v};
  for (size_t i = 0; i < 3; ++i) {
    size_t size = i == 2 ? s.value_size : s.head_size;
    *parts[i] = {
        .input = kQkv, .offset = i * static_cast<size_t>(sizes[0]), .strides = {s.queries * row, size, row}};
  }
  if (c.has_input(kPast)) {
    const Shape& past = c.shape(kPast);
    int64_t rows = past.rank() == 5 ? past[3] : 0;
    KL_REQUIRE(past == (Shape{2, x[0], n, rows, count(s.head_size)}) && s.value_size == s.head_size,
               kInvalidShape, "past is ", past, " for ", s.batch, " batch items, ", n, " heads of ",
               s.head_size);
    s.past_rows = static_cast<size_t>(rows);
    s.key_cache.past = s.value_cache.past = kPast;
    s.value_cache.past_offset = s.batch * s.heads * s.past_rows * s.head_size;
    if (c.has_input(kProjectedPastLength)) {
      KL_REQUIRE(c.shape(kProjectedPastLength).count() == 1, kInvalidShape, "past_sequence_length is ",
                 c.shape(kProjectedPastLength));
      s.past_length = kProjectedPastLength;
    } else {
      s.past = s.past_rows;
    }
  }
  s.rows = s.past_length >= 0 ? s.past_rows : s.past + s.fresh;
  s.keys = s.past + s.fresh;
  KL_REQUIRE(s.fresh <= s.rows, kInvalidShape, "the cache of ", s.rows, " rows is too small");
  s.key_cache.present = s.value_cache.present = 1;
  s.value_cache.present_offset = s.batch * s.heads * s.rows * s.head_size;
  KL_REQUIRE(!c.has_output(1) || s.value_size == s.head_size, kInvalidShape,
             "present needs heads of equal size");
  KL_TRY(read_mask(c, kMaskIndex, &s));
  KL_TRY(read_bias(c, kProjectedBias, &s));
  return s;
}

Status infer_projected(InferContext& c) {
  KL_ASSIGN(AttentionSpec s, projected_spec(c));
  int64_t b = count(s.batch), n = count(s.heads);
  c.output(0, c.dtype(0), {b, count(s.queries), n * count(s.value_size)});
  c.output(1, c.dtype(0), {2, b, n, count(s.rows), count(s.head_size)});
  return {};
}

Status lower_projected(LowerContext& c) {
  KL_ASSIGN(AttentionSpec s, projected_spec(c));
  return lower_attention(c, s);
}

Status expand_attention(ExpandContext& c) {
  KL_REQUIRE(c.attributes().get_int("do_rotary") == 0, kUnsupportedFeature, "do_rotary");
  ValueId qkv = c.op("MatMul", {c.input(0), c.input(1)});
  if (c.has_input(2)) qkv = c.op("Add", {qkv, c.input(2)});
  const Attributes& a = c.attributes();
  bool shares = a.get_int("past_present_share_buffer") != 0;
  auto outputs = c.ops("ProjectedAttention",
                       {qkv, c.input(3), c.input(4), c.input(5), shares ? c.input(6) : kNoValue}, 2,
                       {{"mask_filter_value", a.get_float("mask_filter_value", kFilter)},
                        {"num_heads", a.get_int("num_heads")},
                        {"qkv_hidden_sizes", a.get_ints("qkv_hidden_sizes")},
                        {"scale", a.get_float("scale")},
                        {"unidirectional", a.get_int("unidirectional")}},
                       kMicrosoft);
  c.output(0, outputs[0]);
  c.output(1, outputs[1]);
  return {};
}

#define COMMON "mask_filter_value:f=-10000 num_heads:i! scale:f "
#define CACHED "past_key:T? past_value:T? past_sequence_length:int32? "

constexpr OpDef kMultiHead[] = {
    {.domain = kMicrosoft,
     .name = "MultiHeadAttention",
     .signature = "query:T key:T? value:T? bias:T? key_padding_mask:int32? attention_bias:T? " CACHED
                  "cache_indirection:int32? -> output:T present_key:T? present_value:T? qk:T? | "
                  "T=float16,bfloat16,float32 | " COMMON "unidirectional:i=0",
     .infer = infer,
     .lower = lower},
    {.domain = kMicrosoft,
     .name = "DecoderMaskedMultiHeadAttention",
     .signature =
         "query:T key:T? value:T? mask_index:int32? attention_bias:T? " CACHED
         "beam_width:int32? cache_indirection:int32? bias:T? -> output:T present_key:T? present_value:T? "
         "qk:T? | T=float16,bfloat16,float32 | " COMMON "output_qk:i=0 past_present_share_buffer:i=0",
     .expand = expand_decoder},
    {.domain = kMicrosoft,
     .name = "Attention",
     .signature =
         "input:T weights:T bias:T? mask_index:int32? past:T? attention_bias:T? past_sequence_length:int32? "
         "-> output:T present:T? | T=float16,bfloat16,float32 | do_rotary:i=0 " COMMON
         "past_present_share_buffer:i=0 qkv_hidden_sizes:is rotary_embedding_dim:i unidirectional:i=0",
     .expand = expand_attention},
    // What is left of Attention when its projection is done: ours.
    {.domain = kMicrosoft,
     .name = "ProjectedAttention",
     .signature =
         "qkv:T mask_index:int32? past:T? attention_bias:T? past_sequence_length:int32? -> output:T "
         "present:T? | T=float16,bfloat16,float32 | " COMMON "qkv_hidden_sizes:is unidirectional:i=0",
     .infer = infer_projected,
     .lower = lower_projected},
};

}  // namespace

std::span<const OpDef> multi_head_attention() { return kMultiHead; }

}  // namespace kinglet::ops
