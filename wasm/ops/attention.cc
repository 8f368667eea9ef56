#include "ops/attention_step.h"

#include <limits>

namespace kinglet::ops {

namespace {

enum Input { kQ, kK, kV, kMask, kPastKey, kPastValue, kLengths };
enum Output { kY, kPresentKey, kPresentValue, kScores };

// Heads of one of Q, K, V: the second dimension of four, or the attribute's part of the last of three.
Status read_part(const OpContext& c, int input, const char* attribute, HeadSource* part, size_t* heads,
                 size_t* rows, size_t* size) {
  const Shape& shape = c.shape(input);
  KL_REQUIRE(shape.rank() == c.rank(kQ) && shape[0] == c.shape(kQ)[0], kInvalidShape, "Q is ", c.shape(kQ),
             ", another of Q, K, V is ", shape);
  part->input = input;
  if (shape.rank() == 4) {
    *heads = static_cast<size_t>(shape[1]);
    *rows = static_cast<size_t>(shape[2]);
    *size = static_cast<size_t>(shape[3]);
    part->strides = heads_first_strides(*rows, *heads, *size);
    return {};
  }
  int64_t n = c.attributes().get_int(attribute);
  KL_REQUIRE(n > 0 && n < (int64_t{1} << 31) && shape[2] % n == 0, kInvalidShape, attribute, " is ", n,
             ", the input is ", shape);
  *heads = static_cast<size_t>(n);
  *rows = static_cast<size_t>(shape[1]);
  *size = static_cast<size_t>(shape[2] / n);
  part->strides = rows_first_strides(*rows, *heads, *size);
  return {};
}

Status read_mask(const OpContext& c, AttentionSpec* s) {
  if (!c.has_input(kMask)) return {};
  KL_ASSIGN(HeadStrides strides, score_strides(c, kMask, *s, s->keys, true));
  auto columns = static_cast<size_t>(c.shape(kMask).back());
  DType dtype = c.dtype(kMask);
  if (dtype == DType::kBool) {
    s->mask = kMask;
    s->mask_form = MaskForm::kKeep;
    s->mask_strides = strides;
    s->mask_columns = columns;
    s->filter = -std::numeric_limits<float>::infinity();
    return {};
  }
  KL_REQUIRE(dtype == c.dtype(kQ) || (dtype == DType::kFloat32 && c.dtype(kQ) != DType::kFloat64),
             kUnsupportedType, "attn_mask is ", dtype, ", Q is ", c.dtype(kQ));
  s->bias = kMask;
  s->bias_strides = strides;
  s->bias_columns = columns;
  return {};
}

Result<AttentionSpec> spec_of(const OpContext& c) {
  KL_TRY(check_extents(c));
  AttentionSpec s;
  KL_REQUIRE(c.rank(kQ) == 3 || c.rank(kQ) == 4, kInvalidShape, "Q is ", c.shape(kQ),
             ", expected 3 or 4 dimensions");
  s.batch = static_cast<size_t>(c.shape(kQ)[0]);
  s.rows_first = c.rank(kQ) == 3;
  size_t v_heads, v_rows, k_size;
  KL_TRY(read_part(c, kQ, "q_num_heads", &s.q, &s.heads, &s.queries, &s.head_size));
  KL_TRY(read_part(c, kK, "kv_num_heads", &s.k, &s.kv_heads, &s.fresh, &k_size));
  KL_TRY(read_part(c, kV, "kv_num_heads", &s.v, &v_heads, &v_rows, &s.value_size));
  KL_REQUIRE(s.kv_heads == v_heads && s.fresh == v_rows && s.head_size == k_size && s.kv_heads > 0 &&
                 s.heads % s.kv_heads == 0,
             kInvalidShape, "Q, K and V do not fit: ", c.shape(kQ), ", ", c.shape(kK), ", ", c.shape(kV));
  KL_REQUIRE(c.has_input(kPastKey) == c.has_input(kPastValue), kInvalidGraph,
             "past_key and past_value must be given together");
  if (c.has_input(kPastKey)) {
    const Shape& past = c.shape(kPastKey);
    auto n = [](size_t size) { return static_cast<int64_t>(size); };
    int64_t rows = past.rank() == 4 ? past[2] : 0;
    KL_REQUIRE(past == (Shape{n(s.batch), n(s.kv_heads), rows, n(s.head_size)}) &&
                   c.shape(kPastValue) == (Shape{n(s.batch), n(s.kv_heads), rows, n(s.value_size)}),
               kInvalidShape, "past_key is ", past, ", past_value is ", c.shape(kPastValue), " where K is ",
               c.shape(kK));
    s.past = s.past_rows = static_cast<size_t>(rows);
    s.key_cache.past = kPastKey;
    s.value_cache.past = kPastValue;
  }
  s.key_cache.present = kPresentKey;
  s.value_cache.present = kPresentValue;
  s.rows = s.keys = s.past + s.fresh;
  KL_TRY(read_mask(c, &s));
  if (c.has_input(kLengths)) {
    KL_REQUIRE(c.shape(kLengths) == (Shape{static_cast<int64_t>(s.batch)}), kInvalidShape,
               "nonpad_kv_seqlen is ", c.shape(kLengths), " for ", s.batch, " batch items");
    s.lengths = kLengths;
  }
  s.causal = c.attributes().get_int("is_causal") != 0;
  s.scale = c.attributes().get_float("scale");
  s.softcap = c.attributes().get_float("softcap");
  int64_t mode = c.attributes().get_int("qk_matmul_output_mode");
  KL_REQUIRE(mode >= 0 && mode <= 3, kInvalidGraph, "qk_matmul_output_mode is ", mode);
  static constexpr ScoreStage kStages[] = {ScoreStage::kScaled, ScoreStage::kCapped, ScoreStage::kHidden,
                                           ScoreStage::kSoftmax};
  s.stage = kStages[mode];
  s.scores = kScores;
  return s;
}

Status infer(InferContext& c) {
  KL_ASSIGN(AttentionSpec s, spec_of(c));
  auto n = [](size_t size) { return static_cast<int64_t>(size); };
  DType dtype = c.dtype(kQ);
  c.output(kY, dtype,
           s.rows_first ? Shape{n(s.batch), n(s.queries), n(s.heads * s.value_size)}
                        : Shape{n(s.batch), n(s.heads), n(s.queries), n(s.value_size)});
  c.output(kPresentKey, dtype, {n(s.batch), n(s.kv_heads), n(s.rows), n(s.head_size)});
  c.output(kPresentValue, dtype, {n(s.batch), n(s.kv_heads), n(s.rows), n(s.value_size)});
  c.output(kScores, dtype, {n(s.batch), n(s.heads), n(s.queries), n(s.keys)});
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(AttentionSpec s, spec_of(c));
  return lower_attention(c, s);
}

}  // namespace

extern const OpDef attention{
    .domain = kOnnx,
    .name = "Attention",
    .signature =
        "Q:T K:T V:T attn_mask:floats,bool? past_key:T? past_value:T? nonpad_kv_seqlen:int64? -> Y:T "
        "present_key:T? present_value:T? qk_matmul_output:T? | T=floats | is_causal:i=0 kv_num_heads:i "
        "q_num_heads:i qk_matmul_output_mode:i=0 scale:f softcap:f=0 softmax_precision:i",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
