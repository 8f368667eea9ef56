#include <doctest/doctest.h>

#include "frontends/onnx/reader.h"
#include "graph/text.h"
#include "ops/registry.h"
#include "support/onnx_writer.h"

using namespace kinglet;
using namespace kinglet::testing;

namespace {

const Proto kX = value("x", DType::kFloat32, {2, 3, 4});
const Proto kY = value("y", DType::kFloat32, {2, 3, 4});

Proto graph_of(std::vector<Proto> nodes, std::vector<Proto> initializers) {
  return graph({std::move(nodes), std::move(initializers), {kX}, {kY}});
}

// The nodes of a model that consists of `nodes`, one to a line; inner values are called by their names.
std::string raised(int64_t opset, std::vector<Proto> nodes, std::vector<Proto> initializers = {}) {
  auto graph = read_onnx(model(graph_of(nodes, initializers), opset).buffer());
  REQUIRE_MESSAGE(graph.ok(), graph.status().message());
  int next = 0;
  Graph& g = **graph;
  for (NodeId n : g.order()) {
    for (ValueId id : g.node(n).outputs) {
      if (id != kNoValue && !g.is_output(id)) g.edge(id).name = str("v", ++next);
    }
  }
  for (ValueId id = 0; id < static_cast<ValueId>(g.edge_count()); ++id) {
    if (g.edge(id).is_constant()) g.edge(id).name.clear();
  }
  // Constants take the place of their names.
  std::string text = to_text(g), out;
  std::vector<std::pair<std::string, std::string>> constants;
  while (!text.empty()) {
    std::string line = text.substr(2, text.find('\n') - 2);
    text.erase(0, text.find('\n') + 1);
    if (line.starts_with("const ")) {
      size_t colon = line.find(": ");
      constants.emplace_back(line.substr(6, colon - 6), line.substr(line.find(" = ") + 3));
    } else if (line.find(" = ") != std::string::npos) {
      for (const auto& [name, elements] : constants) {
        for (size_t at; (at = line.find(name)) != std::string::npos;) line.replace(at, name.size(), elements);
      }
      out += line + "\n";
    }
  }
  return out;
}

std::string raised(int64_t opset, Proto node, std::vector<Proto> initializers = {}) {
  return raised(opset, std::vector<Proto>{std::move(node)}, std::move(initializers));
}

}  // namespace

TEST_CASE("attributes become inputs") {
  CHECK(raised(12, node("Squeeze", {"x"}, {"y"}, {attribute("axes", {0, 2})})) == "y = Squeeze(x, [0, 2])\n");
  CHECK(raised(12, node("Squeeze", {"x"}, {"y"})) == "y = Squeeze(x)\n");
  CHECK(raised(12, node("Unsqueeze", {"x"}, {"y"}, {attribute("axes", {-1})})) == "y = Unsqueeze(x, [-1])\n");
  CHECK(raised(9, node("Slice", {"x"}, {"y"}, {attribute("starts", {1}), attribute("ends", {2})})) ==
        "y = Slice(x, [1], [2])\n");
  CHECK(raised(9, node("Slice", {"x"}, {"y"},
                       {attribute("starts", {1}), attribute("ends", {2}), attribute("axes", {1})})) ==
        "y = Slice(x, [1], [2], [1])\n");
  CHECK(raised(11, node("Split", {"x"}, {"y", "z"},
                        {attribute("split", {1, 2}), attribute("axis", int64_t{1})})) ==
        "y, v1 = Split(x, [1, 2]) {axis=1}\n");
  CHECK(raised(13, node("Split", {"x"}, {"y", "z"})) == "y, v1 = Split(x) {num_outputs=2}\n");
  CHECK(raised(17, node("ReduceMean", {"x"}, {"y"},
                        {attribute("axes", {1}), attribute("keepdims", int64_t{0})})) ==
        "y = ReduceMean(x, [1]) {keepdims=0}\n");
  CHECK(raised(17, node("ReduceMax", {"x"}, {"y"})) == "y = ReduceMax(x)\n");
  CHECK(raised(11, node("ReduceSum", {"x"}, {"y"}, {attribute("axes", {1})})) == "y = ReduceSum(x, [1])\n");
  CHECK(raised(6, node("Clip", {"x"}, {"y"}, {attribute("max", 6.0f)})) == "y = Clip(x, _, [6.0])\n");
  CHECK(raised(10, node("Clip", {"x"}, {"y"}, {attribute("max", 6.0f), attribute("min", -1.0f)})) ==
        "y = Clip(x, [-1.0], [6.0])\n");
  CHECK(raised(1, node("Pad", {"x"}, {"y"}, {attribute("paddings", {0, 1}), attribute("value", 2.0f)})) ==
        "y = Pad(x, [0, 1], [2.0])\n");
  CHECK(raised(10, node("Pad", {"x"}, {"y"}, {attribute("pads", {0, 1}), attribute("mode", "edge")})) ==
        "y = Pad(x, [0, 1]) {mode=\"edge\"}\n");
  CHECK(raised(9, node("TopK", {"x"}, {"y", "i"}, {attribute("k", int64_t{2})})) == "y, v1 = TopK(x, [2])\n");
  CHECK(raised(4, node("Reshape", {"x"}, {"y"},
                       {attribute("shape", {6, 4}), attribute("consumed_inputs", {0})})) ==
        "y = Reshape(x, [6, 4])\n");
  CHECK(raised(19, node("DFT", {"x"}, {"y"})) == "y = DFT(x, _, [1])\n");
  // Of a type that is not known yet the bound takes that of the value.
  CHECK(raised(6, {node("OptionalGetElement", {"x"}, {"u"}),
                   node("Clip", {"u"}, {"y"}, {attribute("min", 1.0f)})}) ==
        "v1 = OptionalGetElement(x)\nv2 = CastLike([1.0], v1)\ny = Clip(v1, v2)\n");
}

TEST_CASE("softmax over everything from an axis on") {
  CHECK(raised(12, node("Softmax", {"x"}, {"y"}, {attribute("axis", int64_t{2})})) ==
        "y = Softmax(x) {axis=-1}\n");
  CHECK(raised(12, node("LogSoftmax", {"x"}, {"y"}, {attribute("axis", int64_t{-1})})) ==
        "y = LogSoftmax(x) {axis=-1}\n");
  CHECK(raised(9, node("Hardmax", {"x"}, {"y"})) ==
        "v1 = Shape(x)\nv2 = Flatten(x) {axis=1}\nv3 = Hardmax(v2) {axis=-1}\ny = Reshape(v3, v1)\n");
  CHECK(raised(13, node("Softmax", {"x"}, {"y"}, {attribute("axis", int64_t{1})})) ==
        "y = Softmax(x) {axis=1}\n");
}

TEST_CASE("broadcasting from an axis") {
  Proto b = raw_tensor<float>("b", {3}, {1, 2, 3});
  CHECK(raised(6,
               node("Add", {"x", "b"}, {"y"},
                    {attribute("broadcast", int64_t{1}), attribute("axis", int64_t{1})}),
               {b}) == "v1 = Unsqueeze([1.0, 2.0, 3.0], [1])\ny = Add(x, v1)\n");
  CHECK(raised(6,
               node("Mul", {"x", "b"}, {"y"},
                    {attribute("broadcast", int64_t{1}), attribute("axis", int64_t{2})}),
               {b}) == "y = Mul(x, [1.0, 2.0, 3.0])\n");
  CHECK(raised(6, node("Sub", {"x", "x"}, {"y"}, {attribute("broadcast", int64_t{0})})) == "y = Sub(x, x)\n");
  CHECK(raised(6, node("PRelu", {"x", "b"}, {"y"}), {b}) ==
        "v1 = Unsqueeze([1.0, 2.0, 3.0], [1])\ny = PRelu(x, v1)\n");
  std::string open = raised(
      6,
      {node("OptionalGetElement", {"x"}, {"u"}),
       node("Div", {"u", "b"}, {"y"}, {attribute("broadcast", int64_t{1}), attribute("axis", int64_t{1})})},
      {b});
  CHECK(open.find("y = Div(v1, v") != std::string::npos);
  CHECK(open.find("ConstantOfShape(") != std::string::npos);
}

TEST_CASE("resize") {
  Proto empty = tensor("e", DType::kFloat32, {0}), s = raw_tensor<float>("s", {3}, {1, 2, 2});
  std::string_view kTail =
      "{coordinate_transformation_mode=\"asymmetric\", mode=\"nearest\", nearest_mode=\"floor\"}\n";
  CHECK(raised(10, node("Resize", {"x", "s"}, {"y"}, {attribute("mode", "nearest")}), {s}) ==
        str("y = Resize(x, _, [1.0, 2.0, 2.0]) ", kTail));
  CHECK(raised(9, node("Upsample", {"x", "s"}, {"y"}, {attribute("mode", "nearest")}), {s}) ==
        str("y = Resize(x, _, [1.0, 2.0, 2.0]) ", kTail));
  CHECK(raised(7, node("Upsample", {"x"}, {"y"},
                       {attribute("mode", "nearest"),
                        Proto().bytes(1, "scales").packed<float>(7, {1, 2, 2}).integer(20, 6)})) ==
        str("y = Resize(x, _, [1.0, 2.0, 2.0]) ", kTail));
  CHECK(raised(11, node("Resize", {"x", "e", "s"}, {"y"}), {empty, s}) ==
        "y = Resize(x, _, [1.0, 2.0, 2.0])\n");
}

TEST_CASE("other older forms") {
  CHECK(raised(5, node("Cast", {"x"}, {"y"}, {attribute("to", "INT64")})) == "y = Cast(x) {to=7}\n");
  CHECK(raised(1, node("Relu", {"x"}, {"y"}, {attribute("consumed_inputs", {0})})) == "y = Relu(x)\n");
  CHECK(raised(3, node("Concat", {"x", "x"}, {"y"})) == "y = Concat(x, x) {axis=1}\n");
  CHECK(raised(6, node("Dropout", {"x"}, {"y"},
                       {attribute("is_test", int64_t{1}), attribute("ratio", 0.5f)})) == "y = Dropout(x)\n");
  CHECK(raised(7, node("Dropout", {"x"}, {"a", "y"})) == "v1, v2 = Dropout(x)\ny = CastLike(v2, x)\n");
  CHECK(raised(10, node("Scatter", {"x", "x", "x"}, {"y"})) == "y = ScatterElements(x, x, x)\n");
  CHECK(raised(6, node("LSTM", {"x", "x", "x"}, {"", "y"}, {attribute("output_sequence", int64_t{0})})) ==
        "v1, y = LSTM(x, x, x)\n");
  CHECK(raised(6, node("BatchNormalization", {"x", "x", "x", "x", "x"}, {"a", "y"},
                       {attribute("is_test", int64_t{1}), attribute("spatial", int64_t{1})})) ==
        "v1 = BatchNormalization(x, x, x, x, x)\ny = Identity(x)\n");
  CHECK(raised(16, node("GridSample", {"x", "x"}, {"y"})) == "y = GridSample(x, x) {mode=\"linear\"}\n");
  CHECK(raised(15, node("RoiAlign", {"x", "x", "x"}, {"y"})) ==
        "y = RoiAlign(x, x, x) {coordinate_transformation_mode=\"output_half_pixel\"}\n");
  auto refused = read_onnx(model(graph_of({node("BatchNormalization", {"x", "x", "x", "x", "x"}, {"y"},
                                                {attribute("spatial", int64_t{0})})},
                                          {}),
                                 8)
                               .buffer());
  REQUIRE(!refused.ok());
  CHECK(refused.status().code() == Code::kUnsupportedFeature);
}

TEST_CASE("Scan with a batch axis becomes a Scan of Scans") {
  Proto body = graph({{node("Add", {"s", "e"}, {"t"}), node("Mul", {"t", "x"}, {"o"})},
                      {},
                      {value("s", DType::kFloat32, {}), value("e", DType::kFloat32, {})},
                      {value("t", DType::kFloat32, {}), value("o", DType::kFloat32, {})}});
  Proto scan = node("Scan", {"", "x", "x"}, {"y", "z"},
                    {graph_attribute("body", body), attribute("num_scan_inputs", int64_t{1})});
  auto graph = read_onnx(model(graph_of({scan}, {}), 8).buffer());
  REQUIRE_MESSAGE(graph.ok(), graph.status().message());
  Graph& g = **graph;
  REQUIRE(g.order().size() == 1);
  const Node& outer = g.node(g.order()[0]);
  CHECK(outer.attributes.get_int("num_scan_inputs") == 2);
  REQUIRE(outer.inputs.size() == 2);
  const Subgraph& batch = outer.subgraphs[0];
  CHECK(batch.captures == std::vector<ValueId>{g.inputs[0]});
  REQUIRE(batch.graph->inputs.size() == 3);
  const Node& inner = batch.graph->node(batch.graph->order()[0]);
  CHECK(inner.attributes.get_int("num_scan_inputs") == 1);
  CHECK(inner.subgraphs[0].captures == std::vector<ValueId>{batch.graph->inputs[2]});
  CHECK(inner.subgraphs[0].graph->inputs.size() == 3);
}
