#include <cmath>

#include "kernels/copy/element.h"
#include "ops/context.h"
#include "ops/element.h"
#include "ops/expand.h"

namespace kinglet::ops {

namespace {

struct Params {
  int64_t buckets, heads, queries, keys, furthest;
  bool both_ways;
};

// The bucket of keys that come `distance` behind the query: the nearest have their own, further ones share in
// logarithmic steps. Both ways: the upper half of the buckets is for keys behind.
int64_t bucket_of(const Params& p, int64_t distance) {
  int64_t buckets = p.buckets, first = 0;
  if (p.both_ways) {
    buckets /= 2;
    if (distance > 0) first = buckets;
    distance = std::abs(distance);
  } else {
    distance = std::max<int64_t>(-distance, 0);
  }
  int64_t exact = buckets / 2;
  if (distance < exact) return first + distance;
  float steps = std::log(static_cast<float>(distance) / static_cast<float>(exact)) /
                std::log(static_cast<float>(p.furthest) / static_cast<float>(exact)) *
                static_cast<float>(buckets - exact);
  // Also where the logarithm of the furthest is not positive.
  if (!(steps < static_cast<float>(buckets))) return first + buckets - 1;
  return first + std::clamp<int64_t>(exact + static_cast<int64_t>(steps), 0, buckets - 1);
}

Status run(const Params& p, Run& run) {
  const Tensor &table = run.in(0), &out = run.out(0);
  kernels::with_element(element_bytes(out.dtype()), [&]<class T>() {
    for (int64_t distance = 1 - p.queries; distance < p.keys; ++distance) {
      const T* row = table.data<T>() + bucket_of(p, distance) * p.heads;
      for (int64_t q = std::max<int64_t>(0, -distance); q < p.queries && q + distance < p.keys; ++q) {
        for (int64_t h = 0; h < p.heads; ++h)
          out.data<T>()[(h * p.queries + q) * p.keys + q + distance] = row[h];
      }
    }
  });
  return {};
}

Status infer(InferContext& c) {
  KL_REQUIRE(c.rank(0) == 2, kInvalidShape, "bias_table is ", c.shape(0), ", expected 2 dimensions");
  int64_t furthest = c.attributes().get_int("max_distance"),
          least = c.attributes().get_int("is_bidirectional") ? 4 : 2;
  KL_REQUIRE(furthest > 0 && c.shape(0)[0] >= least, kInvalidShape, "bias_table is ", c.shape(0),
             ", max_distance is ", furthest);
  Shape out = {1, c.shape(0)[1]};
  for (int i = 1; i <= 2; ++i) {
    KL_REQUIRE(c.shape(i).count() == 1, kInvalidShape, "a length has the shape ", c.shape(i));
    const Tensor* length = c.constant(i);
    if (length == nullptr) return c.later();
    int64_t n = *length->data<int64_t>();
    KL_REQUIRE(n > 0 && n < (int64_t{1} << 32), kInvalidArgument, "a length is ", n);
    out.push_back(n);
  }
  c.output(0, c.dtype(0), out);
  return {};
}

Status lower(LowerContext& c) {
  const Shape &table = c.shape(0), &out = c.out_shape(0);
  Params p{table[0],
           table[1],
           out[2],
           out[3],
           c.attributes().get_int("max_distance"),
           c.attributes().get_int("is_bidirectional") != 0};
  c.step<run>("relative_position_bias", p);
  return {};
}

// (gate_u (gate_r eco_a - 1) + 2) rel_pos, where the gates are the sigmoid of a projection of the heads of
// query.
Status expand_gated(ExpandContext& c) {
  KL_REQUIRE(!c.has_input(6), kUnsupportedFeature, "token_offset");
  static constexpr int64_t kHeadsFirst[] = {0, 2, 1, 3};
  ValueId heads = c.ints({0, 0, c.attributes().get_int("num_heads"), -1});
  ValueId query = c.op("Reshape", {c.op("Add", {c.input(0), c.input(1)}), heads});
  query = c.op("Transpose", {query}, {{"perm", kHeadsFirst}});
  ValueId projected = c.op("Add", {c.op("MatMul", {query, c.input(3)}), c.input(4)});
  projected = c.op("Reshape", {projected, c.ints({0, 0, 0, 2, -1})});
  ValueId sums = c.op("ReduceSum", {projected, c.ints({-1})}, {{"keepdims", 0}});
  auto gates = c.ops("Split", {c.op("Sigmoid", {sums})}, 2, {{"axis", -1}, {"num_outputs", 2}});
  ValueId gate = c.op("Sub", {c.op("Mul", {gates[1], c.input(5)}), c.scalar(0, 1)});
  gate = c.op("Add", {c.op("Mul", {gates[0], gate}), c.scalar(0, 2)});
  c.output(0, c.op("Mul", {gate, c.input(2)}));
  return {};
}

constexpr OpDef kRelative[] = {
    {.domain = kMicrosoft,
     .name = "RelativePositionBias",
     .signature =
         "bias_table:T query_length:int64 key_length:int64 -> output:T | T=float16,bfloat16,float32 | "
         "is_bidirectional:i=0 max_distance:i!",
     .infer = infer,
     .lower = lower},
    {.domain = kMicrosoft,
     .name = "GatedRelativePositionBias",
     .signature =
         "query_layer:T query_bias:T rel_pos:T weight:T bias:T eco_a:T token_offset:int32? -> output:T | "
         "T=floats | num_heads:i!",
     .expand = expand_gated},
};

}  // namespace

std::span<const OpDef> relative_position_bias() { return kRelative; }

}  // namespace kinglet::ops
