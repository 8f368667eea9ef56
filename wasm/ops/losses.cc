#include "ops/scalar_like.h"

namespace kinglet::ops {

namespace {

// -input[n, target[n, ..], ..] * weight[target], then none, mean or sum. Where the target is ignore_index the
// loss and its weight are 0; the mean is over the sum of the weights.
Status expand_nll(ExpandContext& c) {
  std::string_view reduction = c.attributes().get_string("reduction", "mean");
  KL_REQUIRE(reduction == "none" || reduction == "mean" || reduction == "sum", kInvalidGraph, "reduction is ",
             reduction, ", not none, mean or sum");
  ValueId input = c.input(0), target = c.input(1);
  KL_ASSIGN(ValueId zero, scalar_like(c, 0, 0));
  ValueId ignored = kNoValue;
  if (c.attributes().has("ignore_index")) {
    KL_ASSIGN(Tensor index, Tensor::scalar(c.attributes().get_int("ignore_index")));
    KL_ASSIGN(Tensor first, Tensor::scalar(int64_t{0}));
    Attributes to_int64;
    to_int64.set("to", static_cast<int64_t>(DType::kInt64));
    target = c.op("Cast", {target}, to_int64);
    ignored = c.op("Equal", {target, c.constant(std::move(index))});
    target = c.op("Where", {ignored, c.constant(std::move(first)), target});
  }
  static constexpr int64_t kClasses[] = {1};
  KL_ASSIGN(Tensor classes, Tensor::ints(kClasses));
  ValueId axis = c.constant(std::move(classes));
  Attributes on_axis;
  on_axis.set("axis", int64_t{1});
  ValueId chosen = c.op("GatherElements", {input, c.op("Unsqueeze", {target, axis})}, on_axis);
  ValueId loss = c.op("Neg", {c.op("Squeeze", {chosen, axis})});
  ValueId weight = kNoValue;
  if (c.has_input(2)) {
    weight = c.op("Gather", {c.input(2), target});
    loss = c.op("Mul", {loss, weight});
  }
  if (ignored != kNoValue) {
    loss = c.op("Where", {ignored, zero, loss});
    if (weight == kNoValue) {
      KL_ASSIGN(weight, scalar_like(c, 0, 1));
    }
    weight = c.op("Where", {ignored, zero, weight});
  }
  Attributes scalar;
  scalar.set("keepdims", int64_t{0});
  if (reduction != "none") {
    bool mean = reduction == "mean";
    loss = c.op(mean && weight == kNoValue ? "ReduceMean" : "ReduceSum", {loss}, scalar);
    if (mean && weight != kNoValue) loss = c.op("Div", {loss, c.op("ReduceSum", {weight}, scalar)});
  }
  c.output(0, loss);
  return {};
}

Status expand_softmax(ExpandContext& c) {
  Attributes on_axis;
  on_axis.set("axis", int64_t{1});
  ValueId log_prob = c.op("LogSoftmax", {c.input(0)}, on_axis);
  c.output(0, c.op("NegativeLogLikelihoodLoss", {log_prob, c.input(1), c.input(2)}, c.attributes()));
  c.output(1, log_prob);
  return {};
}

constexpr OpDef kLosses[] = {
    {.domain = kOnnx,
     .name = "NegativeLogLikelihoodLoss",
     .signature =
         "input:T target:I weight:T? -> loss:T | T=floats I=int32,int64 | ignore_index:i reduction:s='mean'",
     .expand = expand_nll},
    {.domain = kOnnx,
     .name = "SoftmaxCrossEntropyLoss",
     .signature = "scores:T labels:I weights:T? -> output:T log_prob:T? | T=floats I=int32,int64 | "
                  "ignore_index:i reduction:s='mean'",
     .expand = expand_softmax},
};

}  // namespace

std::span<const OpDef> losses() { return kLosses; }

}  // namespace kinglet::ops
