#include "ops/scalar_like.h"

namespace kinglet::ops {

namespace {

enum Input { kIds, kSegmentIds, kWords, kPositions, kSegments, kGamma, kBeta, kMask, kPositionIds };

// The sum of looked up word, position and segment embeddings, normalised. mask_index: how many 1s a mask has.
Status expand(ExpandContext& c) {
  KL_ASSIGN(ValueId zero, int_list(c, {0}));
  KL_ASSIGN(ValueId one, int_list(c, {1}));
  KL_ASSIGN(ValueId two, int_list(c, {2}));
  ValueId shape = c.op("Shape", {c.input(kIds)});
  ValueId positions =
      c.has_input(kPositionIds)
          ? c.op("Gather", {c.input(kPositions), c.input(kPositionIds)})
          : c.op("Slice", {c.input(kPositions), zero, c.op("Slice", {shape, one, two}), zero});
  ValueId sum = c.op("Add", {c.op("Gather", {c.input(kWords), c.input(kIds)}), positions});
  if (c.has_input(kSegments)) {
    KL_REQUIRE(c.has_input(kSegmentIds), kInvalidGraph, "segment_embedding is given without segment_ids");
    sum = c.op("Add", {sum, c.op("Gather", {c.input(kSegments), c.input(kSegmentIds)})});
  }
  Attributes attributes;
  attributes.set("epsilon", c.attributes().get_float("epsilon", 1e-12f));
  c.output(0, c.op("LayerNormalization", {sum, c.input(kGamma), c.input(kBeta)}, std::move(attributes)));
  c.output(2, sum);
  if (!c.has_output(1)) return {};
  if (!c.has_input(kMask)) {
    KL_ASSIGN(Tensor none, Tensor::allocate(DType::kInt32, {1}));
    Attributes value;
    value.set("value", std::move(none));
    c.output(1, c.op("ConstantOfShape", {c.op("Slice", {shape, zero, one})}, std::move(value)));
    return {};
  }
  Attributes drop, to;
  drop.set("keepdims", int64_t{0});
  to.set("to", static_cast<int64_t>(DType::kInt32));
  KL_ASSIGN(ValueId kept, scalar_like(c, kMask, 1));
  ValueId ones = c.op("Cast", {c.op("Equal", {c.input(kMask), kept})}, std::move(to));
  c.output(1, c.op("ReduceSum", {ones, one}, std::move(drop)));
  return {};
}

}  // namespace

extern const OpDef embed_layer_norm{
    .domain = kMicrosoft,
    .name = "EmbedLayerNormalization",
    .signature =
        "input_ids:int32 segment_ids:int32? word_embedding:T position_embedding:T segment_embedding:T? "
        "gamma:T "
        "beta:T mask:int32? position_ids:int32? -> output:T mask_index:int32? embedding_sum:T? | T=floats | "
        "epsilon:f=1e-12 mask_index_type:i",
    .expand = expand};

}  // namespace kinglet::ops
