#include "frontends/onnx/raise.h"

namespace kinglet::onnx {

Status batch_norm_spatial(Raiser& r) {
  KL_REQUIRE(r.attributes().get_int("spatial", 1) != 0, kUnsupportedFeature,
             "BatchNormalization with statistics for each element (spatial=0)");
  r.attributes().erase("spatial");
  r.attributes().erase("is_test");
  return {};
}

// Outputs 1 to 4 were the running and the saved statistics; at inference they are those that went in.
Status batch_norm_outputs(Raiser& r) {
  std::vector<ValueId> wanted(r.node.outputs.begin(), r.node.outputs.end());
  std::vector<ValueId> statistics = {r.node.input(3), r.node.input(4), r.node.input(3), r.node.input(4)};
  KL_REQUIRE(r.node.outputs.size() <= 5, kInvalidGraph, "BatchNormalization has ", wanted.size(), " outputs");
  if (wanted.size() < 2) return {};
  r.node.outputs.resize(1);
  r.emit();
  for (size_t i = 1; i < wanted.size(); ++i) {
    if (wanted[i] != kNoValue) r.op_to(wanted[i], "Identity", {statistics[i - 1]});
  }
  return {};
}

// Scale and bias had one entry for each group; now each channel has one.
Status group_norm_per_channel(Raiser& r) {
  KL_REQUIRE(r.has_input(0) && r.has_input(1) && r.has_input(2), kInvalidGraph, "three inputs are needed");
  KL_ASSIGN(ValueId groups, r.ints(std::initializer_list<int64_t>{r.attributes().get_int("num_groups")}));
  KL_ASSIGN(ValueId one, r.ints(std::initializer_list<int64_t>{1}));
  KL_ASSIGN(ValueId all, r.ints(std::initializer_list<int64_t>{-1}));
  Attributes channel, front;
  channel.set("start", int64_t{1});
  channel.set("end", int64_t{2});
  front.set("axis", int64_t{0});
  ValueId per_group = r.op("Div", {r.op("Shape", {r.node.input(0)}, channel), groups});
  ValueId repeats = r.op("Concat", {one, per_group}, front);
  for (size_t i : {size_t{1}, size_t{2}}) {
    ValueId column = r.op("Unsqueeze", {r.node.input(i), one});
    r.node.inputs[i] = r.op("Reshape", {r.op("Expand", {column, repeats}), all});
  }
  return {};
}

}  // namespace kinglet::onnx
