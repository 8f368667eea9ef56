#include "ops/attention_step.h"

namespace kinglet::ops {

namespace {

enum Input {
  kQuery,
  kKey,
  kValue,
  kPastKey,
  kPastValue,
  kLastKey,
  kTotal,
  kCos,
  kSin,
  kPositions,
  kScoreBias,
  kSink,
  kQNorm = 14,
  kKNorm
};

int64_t count(size_t n) { return static_cast<int64_t>(n); }

Status read_heads(const OpContext& c, AttentionSpec* s) {
  int64_t n = c.attributes().get_int("num_heads"), kv = c.attributes().get_int("kv_num_heads");
  const Shape& q = c.shape(kQuery);
  KL_REQUIRE(n > 0 && kv > 0 && n % kv == 0 && n < (int64_t{1} << 31), kInvalidGraph, "num_heads is ", n,
             ", kv_num_heads is ", kv);
  KL_REQUIRE(q.rank() == 3, kInvalidShape, "query is ", q, ", expected 3 dimensions");
  s->heads = static_cast<size_t>(n);
  s->kv_heads = static_cast<size_t>(kv);
  s->batch = static_cast<size_t>(q[0]);
  s->queries = s->fresh = static_cast<size_t>(q[1]);
  bool packed = !c.has_input(kKey);
  int64_t heads = packed ? n + 2 * kv : n;
  KL_REQUIRE(heads <= q[2] && q[2] % heads == 0, kInvalidShape, "query is ", q, ", expected a multiple of ",
             heads, " channels");
  size_t h = static_cast<size_t>(q[2] / heads), row = static_cast<size_t>(q[2]);
  s->head_size = s->value_size = h;
  s->q = {.input = kQuery, .strides = {s->queries * row, h, row}};
  if (packed) {
    KL_REQUIRE(!c.has_input(kValue), kInvalidGraph, "value is given without key");
    s->k = {.input = kQuery, .offset = s->heads * h, .strides = s->q.strides};
    s->v = {.input = kQuery, .offset = (s->heads + s->kv_heads) * h, .strides = s->q.strides};
    return {};
  }
  Shape wanted = {q[0], q[1], kv * count(h)};
  KL_REQUIRE(c.has_input(kValue) && c.shape(kKey) == wanted && c.shape(kValue) == wanted, kInvalidShape,
             "key is ", c.shape(kKey), " where query is ", q, ", key and value should be ", wanted);
  s->k = {.input = kKey, .strides = rows_first_strides(s->queries, s->kv_heads, h)};
  s->v = {.input = kValue, .strides = s->k.strides};
  return {};
}

Status read_rotary(const OpContext& c, AttentionSpec* s) {
  if (c.attributes().get_int("do_rotary") == 0) return {};
  KL_REQUIRE(c.has_input(kCos) && c.has_input(kSin), kMissingInput,
             "do_rotary needs cos_cache and sin_cache");
  const Shape& cos = c.shape(kCos);
  KL_REQUIRE(cos.rank() == 2 && cos == c.shape(kSin) && cos[1] > 0 && 2 * cos[1] <= count(s->head_size),
             kInvalidShape, "cos_cache is ", cos, ", sin_cache is ", c.shape(kSin), " for heads of ",
             s->head_size);
  s->q.rotates = s->k.rotates = true;
  s->cos = kCos;
  s->sin = kSin;
  s->table_rows = static_cast<size_t>(cos[0]);
  s->rotated = static_cast<size_t>(2 * cos[1]);
  s->interleaved = c.attributes().get_int("rotary_interleaved") != 0;
  // A prompt counts from 0; one position is given for all of them then.
  if (c.has_input(kPositions) && !s->first_prompt) {
    KL_REQUIRE(c.shape(kPositions) == (Shape{count(s->batch), count(s->queries)}), kInvalidShape,
               "position_ids is ", c.shape(kPositions), " for ", s->batch, " x ", s->queries, " rows");
    s->positions = kPositions;
  }
  return {};
}

// `known`: false where total_sequence_length is not there yet.
Result<AttentionSpec> spec_of(const OpContext& c, bool* known) {
  KL_TRY(check_extents(c));
  AttentionSpec s;
  KL_TRY(read_heads(c, &s));
  for (const char* name : {"k_quant_type", "v_quant_type"}) {
    std::string_view type = c.attributes().get_string(name, "NONE");
    KL_REQUIRE(type == "NONE" || type.empty(), kUnsupportedFeature, name, " ", type);
  }
  KL_REQUIRE(c.attributes().get_int("sliding_window_cache") == 0, kUnsupportedFeature,
             "sliding_window_cache");
  KL_REQUIRE(!c.has_input(kQNorm) && !c.has_input(kKNorm), kUnsupportedFeature, "q_norm_weight");
  KL_REQUIRE(c.shape(kLastKey).count() == count(s.batch), kInvalidShape, "seqlens_k is ", c.shape(kLastKey),
             " for ", s.batch, " batch items");
  KL_REQUIRE(c.shape(kTotal).count() == 1, kInvalidShape, "total_sequence_length is ", c.shape(kTotal));
  const Tensor* total = c.constant(kTotal);
  *known = total != nullptr;
  if (!*known) return s;
  int64_t keys = *total->data<int32_t>();
  KL_REQUIRE(keys >= count(s.fresh), kInvalidArgument, "total_sequence_length is ", keys, " with ", s.fresh,
             " new rows");
  s.keys = static_cast<size_t>(keys);
  s.first_prompt = s.fresh == s.keys;
  s.last_key = kLastKey;
  KL_REQUIRE(c.has_input(kPastKey) == c.has_input(kPastValue), kInvalidGraph,
             "past_key and past_value must be given together");
  if (c.has_input(kPastKey)) {
    const Shape& past = c.shape(kPastKey);
    int64_t rows = past.rank() == 4 ? past[2] : 0;
    KL_REQUIRE(past == (Shape{count(s.batch), count(s.kv_heads), rows, count(s.head_size)}) &&
                   past == c.shape(kPastValue),
               kInvalidShape, "past_key is ", past, ", past_value is ", c.shape(kPastValue));
    s.past_rows = static_cast<size_t>(rows);
    s.key_cache.past = kPastKey;
    s.value_cache.past = kPastValue;
  }
  s.key_cache.present = 1;
  s.value_cache.present = 2;
  s.rows = std::max(s.past_rows, s.keys);
  KL_TRY(read_rotary(c, &s));
  s.causal = c.attributes().get_int("causal", 1) != 0;
  int64_t window = c.attributes().get_int("local_window_size", -1);
  KL_REQUIRE(window == -1 || (window > 0 && s.causal), kInvalidGraph, "local_window_size is ", window);
  s.window = std::max<int64_t>(window, 0);
  s.scale = c.attributes().get_float("scale");
  s.softcap = c.attributes().get_float("softcap");
  s.smooth = c.attributes().get_int("smooth_softmax") == 1;
  if (c.has_input(kScoreBias)) {
    KL_REQUIRE(c.rank(kScoreBias) == 4, kInvalidShape, "attention_bias is ", c.shape(kScoreBias));
    KL_ASSIGN(s.bias_strides, score_strides(c, kScoreBias, s, s.keys, false));
    s.bias = kScoreBias;
    s.bias_columns = static_cast<size_t>(c.shape(kScoreBias).back());
  }
  if (c.has_input(kSink)) {
    KL_REQUIRE(c.shape(kSink) == (Shape{count(s.heads)}), kInvalidShape, "head_sink is ", c.shape(kSink),
               " for ", s.heads, " heads");
    s.sink = kSink;
  }
  int64_t output = c.attributes().get_int("qk_output");
  KL_REQUIRE(output >= 0 && output <= 2, kInvalidGraph, "qk_output is ", output);
  s.scores = 3;
  s.stage = output == 2 ? ScoreStage::kSoftmax : ScoreStage::kBiased;
  return s;
}

Status infer(InferContext& c) {
  bool known = false;
  KL_ASSIGN(AttentionSpec s, spec_of(c, &known));
  if (!known) return c.later();
  int64_t b = count(s.batch), kv = count(s.kv_heads), n = count(s.heads), h = count(s.head_size);
  c.output(0, c.dtype(kQuery), {b, count(s.queries), n * h});
  c.output(1, c.dtype(kQuery), {b, kv, count(s.rows), h});
  c.output(2, c.dtype(kQuery), {b, kv, count(s.rows), h});
  c.output(3, c.dtype(kQuery), {b, n, count(s.queries), count(s.keys)});
  return {};
}

Status lower(LowerContext& c) {
  bool known = false;
  KL_ASSIGN(AttentionSpec s, spec_of(c, &known));
  return lower_attention(c, s);
}

}  // namespace

extern const OpDef group_query_attention{
    .domain = kMicrosoft,
    .name = "GroupQueryAttention",
    .signature =
        "query:T key:T? value:T? past_key:T? past_value:T? seqlens_k:int32 total_sequence_length:int32 "
        "cos_cache:T? "
        "sin_cache:T? position_ids:int64? attention_bias:T? head_sink:T? k_scale:float32? v_scale:float32? "
        "q_norm_weight:T? k_norm_weight:T? -> output:T present_key:T? present_value:T? output_qk:T? | "
        "T=float16,bfloat16,float32 | causal:i=1 do_rotary:i=0 k_quant_type:s='NONE' kv_cache_bit_width:i "
        "kv_num_heads:i! local_window_size:i=-1 num_heads:i! qk_norm_epsilon:f=1e-06 qk_output:i=0 "
        "rotary_interleaved:i=0 scale:f sliding_window_cache:i=0 smooth_softmax:i softcap:f=0 "
        "v_quant_type:s='NONE'",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
