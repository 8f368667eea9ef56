#include "ops/expand.h"

namespace kinglet::ops {

namespace {

enum Input { kIds, kSegmentIds, kWords, kPositions, kSegments, kGamma, kBeta, kMask, kPositionIds };

// The sum of looked up word, position and segment embeddings, normalised. mask_index: how many 1s a mask has.
Status expand(ExpandContext& c) {
  ValueId zero = c.ints({0}), one = c.ints({1}), shape = c.op("Shape", {c.input(kIds)});
  ValueId length = c.op("Slice", {shape, one, c.ints({2})});
  ValueId positions = c.has_input(kPositionIds) ? c.op("Gather", {c.input(kPositions), c.input(kPositionIds)})
                                                : c.op("Slice", {c.input(kPositions), zero, length, zero});
  ValueId sum = c.op("Add", {c.op("Gather", {c.input(kWords), c.input(kIds)}), positions});
  if (c.has_input(kSegments)) {
    KL_REQUIRE(c.has_input(kSegmentIds), kInvalidGraph, "segment_embedding is given without segment_ids");
    sum = c.op("Add", {sum, c.op("Gather", {c.input(kSegments), c.input(kSegmentIds)})});
  }
  c.output(0, c.op("LayerNormalization", {sum, c.input(kGamma), c.input(kBeta)},
                   {{"epsilon", c.attributes().get_float("epsilon", 1e-12f)}}));
  c.output(2, sum);
  if (!c.has_output(1)) return {};
  // Without a mask none is a 1.
  size_t mask = c.has_input(kMask) ? kMask : kIds;
  ValueId ids = c.has_input(kMask) ? c.input(kMask) : c.op("Sub", {c.input(kIds), c.input(kIds)});
  ValueId ones =
      c.op("Cast", {c.op("Equal", {ids, c.scalar(mask, 1)})}, {{"to", static_cast<int64_t>(DType::kInt32)}});
  c.output(1, c.op("ReduceSum", {ones, one}, {{"keepdims", 0}}));
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
