#include "frontends/onnx/raise.h"

namespace kinglet::onnx {

// Opset 8 had a batch axis in front of all states and sequences. The node becomes a Scan over that axis,
// whose body is a Scan of today over the sequence.
Status scan_per_batch(Raiser& r) {
  Node& node = r.node;
  KL_REQUIRE(!node.inputs.empty(), kInvalidGraph, "Scan needs inputs");
  KL_REQUIRE(node.inputs[0] == kNoValue, kUnsupportedFeature, "Scan of opset 8 with sequence lengths");
  const Subgraph* found = node.subgraph("body");
  KL_REQUIRE(found != nullptr, kInvalidGraph, "attribute body is required");
  Subgraph body = *found;
  auto batch = std::make_shared<Graph>();
  Node inner;
  inner.op = "Scan";
  inner.name = node.name;
  inner.opset = 9;
  inner.attributes.set("num_scan_inputs", r.attributes().get_int("num_scan_inputs"));
  if (r.attributes().has("directions")) {
    auto directions = r.attributes().get_ints("directions");
    inner.attributes.set("scan_input_directions", std::vector<int64_t>(directions.begin(), directions.end()));
  }
  auto edge = [&](std::string_view what, size_t i) { return batch->add_edge(str(node.name, "/", what, i)); };
  for (size_t i = 1; i < node.inputs.size(); ++i) inner.inputs.push_back(edge("in", i));
  for (size_t i = 0; i < body.captures.size(); ++i) batch->inputs.push_back(edge("captured", i));
  std::vector<ValueId> captured = batch->inputs;
  batch->inputs = inner.inputs;
  batch->inputs.insert(batch->inputs.end(), captured.begin(), captured.end());
  for (size_t i = 0; i < node.outputs.size(); ++i) inner.outputs.push_back(edge("out", i));
  batch->outputs = inner.outputs;
  std::vector<ValueId> outer_captures = std::move(body.captures);
  body.captures = captured;
  inner.subgraphs = {std::move(body)};
  batch->add_node(std::move(inner));

  Node outer;
  outer.op = "Scan";
  outer.name = node.name;
  outer.opset = 9;
  outer.inputs.assign(node.inputs.begin() + 1, node.inputs.end());
  outer.outputs = node.outputs;
  outer.attributes.set("num_scan_inputs", static_cast<int64_t>(outer.inputs.size()));
  outer.subgraphs = {{"body", std::move(batch), std::move(outer_captures)}};
  node = std::move(outer);
  return {};
}

}  // namespace kinglet::onnx
