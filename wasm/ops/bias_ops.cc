#include "ops/expand.h"

namespace kinglet::ops {

namespace {

Status expand_add(ExpandContext& c) {
  c.output(0, c.op("Add", {c.op("Add", {c.input(0), c.input(1)}), c.input(2)}));
  return {};
}

// Dropout(data + bias) + residual
Status expand_dropout(ExpandContext& c) {
  ValueId sum = c.op("Add", {c.input(0), c.input(1)});
  auto dropped =
      c.ops("Dropout", {sum, c.input(3), c.input(4)}, 2, {{"seed", c.attributes().get_int("seed")}});
  c.output(0, c.has_input(2) ? c.op("Add", {dropped[0], c.input(2)}) : dropped[0]);
  c.output(1, dropped[1]);
  return {};
}

// Over all elements from `axis` on, as Softmax was before opset 13.
Status expand_softmax(ExpandContext& c) {
  ValueId sum = c.op("Add", {c.input(0), c.input(1)});
  ValueId rows = c.op("Flatten", {sum}, {{"axis", c.attributes().get_int("axis", 1)}});
  c.output(0, c.op("Reshape", {c.op("Softmax", {rows}, {{"axis", -1}}), c.op("Shape", {sum})}));
  return {};
}

// The first half of the channels times Gelu of the second.
Status expand_split_gelu(ExpandContext& c) {
  ValueId sum = c.op("Add", {c.input(0), c.input(1)});
  auto parts = c.ops("Split", {sum}, 2, {{"axis", -1}, {"num_outputs", 2}});
  c.output(0, c.op("Mul", {parts[0], c.op("Gelu", {parts[1]})}));
  return {};
}

constexpr OpDef kBias[] = {
    {.domain = kMicrosoft,
     .name = "BiasAdd",
     .signature = "X:T bias:T skip:T -> Y:T | T=floats",
     .expand = expand_add},
    {.domain = kMicrosoft,
     .name = "BiasDropout",
     .signature = "data:T bias:T residual:T? ratio:floats? training_mode:bool? -> output:T mask:bool? | "
                  "T=floats | seed:i",
     .expand = expand_dropout},
    {.domain = kMicrosoft,
     .name = "BiasSoftmax",
     .signature = "data:T bias:T -> output:T | T=floats | axis:i=1 is_inner_broadcast:i!",
     .expand = expand_softmax},
    {.domain = kMicrosoft,
     .name = "BiasSplitGelu",
     .signature = "X:T bias:T -> Y:T | T=floats",
     .expand = expand_split_gelu},
};

}  // namespace

std::span<const OpDef> bias_ops() { return kBias; }

}  // namespace kinglet::ops
