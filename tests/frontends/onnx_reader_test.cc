#include "frontends/onnx/reader.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "support/onnx_writer.h"

using namespace kinglet;
using namespace kinglet::testing;

namespace {

const Proto kX = value("x", DType::kFloat32, {-1, 3});
const Proto kY = value("y", DType::kFloat32, {});

std::unique_ptr<Graph> read(const Proto& p, std::span<const ExternalFile> files = {}) {
  auto g = read_onnx(p.buffer(), files);
  REQUIRE_MESSAGE(g.ok(), g.status().message());
  return std::move(*g);
}

Status fault(const Proto& p, std::span<const ExternalFile> files = {}) {
  auto g = read_onnx(p.buffer(), files);
  REQUIRE(!g.ok());
  return std::move(g.status());
}

std::string context(const Status& s, std::string_view key) {
  for (const auto& [k, v] : s.context()) {
    if (k == key) return v;
  }
  return {};
}

std::vector<std::string> ops(const Graph& g) {
  std::vector<std::string> out;
  for (NodeId id : g.order()) out.push_back(g.node(id).op);
  return out;
}

std::string name_of(const Graph& g, ValueId id) { return id == kNoValue ? "-" : g.edge(id).name; }

}  // namespace

TEST_CASE("a graph with initializers, optional inputs and a Constant") {
  Proto g =
      graph({{node("Constant", {}, {"low"}, {Proto().bytes(1, "value_float").float32(2, -1).integer(20, 1)}),
              node("Add", {"x", "w"}, {"s"}), node("Clip", {"s", "", "high"}, {"t"}),
              node("Max", {"t", "low"}, {"y", ""})},
             {raw_tensor<float>("w", {3}, {1, 2, 3}), raw_tensor<float>("high", {}, {4})},
             {kX, value("w", DType::kFloat32, {3})},
             {kY}});
  ModelInfo info;
  auto buffer = model(g).buffer();
  auto read = read_onnx(buffer, {}, &info);
  REQUIRE(read.ok());
  Graph& graph = **read;
  CHECK(info.producer == "test");
  CHECK(info.opsets[0].second == 21);
  CHECK(ops(graph) == std::vector<std::string>{"Add", "Clip", "Max"});
  REQUIRE(graph.inputs.size() == 1);
  CHECK(str(graph.edge(graph.inputs[0]).type.dtype) == "float32");
  CHECK(graph.edge(graph.inputs[0]).type.dims.size() == 2);
  const Node& clip = graph.node(graph.order()[1]);
  REQUIRE(clip.inputs.size() == 3);
  CHECK(clip.inputs[1] == kNoValue);
  CHECK(graph.constant(clip.inputs[2])->number(0) == 4);
  CHECK(clip.opset == 21);
  const Node& max = graph.node(graph.order()[2]);
  CHECK(graph.constant(max.inputs[1])->number(0) == -1);
  CHECK(max.outputs.size() == 1);
  CHECK(name_of(graph, graph.outputs[0]) == "y");
}

TEST_CASE("nodes of which no output is wanted are left out") {
  auto check = [](std::initializer_list<std::string_view> outputs) {
    auto g = read(model(graph({{node("MatMul", {"x", "w"}, outputs),
                                node("QuantizeLinear", {"x", "s"}, outputs), node("Neg", {"x"}, {"y"})},
                               {raw_tensor<float>("w", {3, 1}, {1, 2, 3}), raw_tensor<float>("s", {}, {4})},
                               {kX},
                               {kY}})));
    CHECK(ops(*g) == std::vector<std::string>{"Neg"});
  };
  check({});
  check({""});
  check({"", ""});
}

TEST_CASE("nodes in any order are sorted, also through bodies; cycles are refused") {
  auto g = read(model(graph(
      {{node("Neg", {"b"}, {"y"}), node("Abs", {"x"}, {"a"}), node("Exp", {"a"}, {"b"})}, {}, {kX}, {kY}})));
  CHECK(ops(*g) == std::vector<std::string>{"Abs", "Exp", "Neg"});
  Status s =
      fault(model(graph({{node("Add", {"x", "y"}, {"a"}), node("Exp", {"a"}, {"y"})}, {}, {kX}, {kY}})));
  CHECK(s.code() == Code::kInvalidGraph);
  CHECK(context(s, "value") == "a");
  Proto body = graph({{node("Neg", {"late"}, {"r"})}, {}, {}, {value("r", DType::kFloat32, {})}});
  auto sorted =
      read(model(graph({{node("If", {"c"}, {"u"},
                              {graph_attribute("then_branch", body), graph_attribute("else_branch", body)}),
                         node("Neg", {"u"}, {"y"}), node("Abs", {"q"}, {"late"}), node("Exp", {"x"}, {"q"})},
                        {},
                        {kX, value("c", DType::kBool, {})},
                        {kY}})));
  CHECK(ops(*sorted) == std::vector<std::string>{"Exp", "Abs", "If", "Neg"});
}

TEST_CASE("names that are missing or taken are told") {
  Status s = fault(model(graph({{node("Neg", {"nowhere"}, {"y"})}, {}, {kX}, {kY}})));
  CHECK(s.code() == Code::kInvalidGraph);
  CHECK(context(s, "value") == "nowhere");
  CHECK(context(s, "op") == "Neg");
  s = fault(model(graph({{node("Neg", {"x"}, {"z"})}, {}, {kX}, {kY}})));
  CHECK(context(s, "value") == "y");
  s = fault(model(graph({{node("Neg", {"x"}, {"y"}), node("Abs", {"x"}, {"y"})}, {}, {kX}, {kY}})));
  CHECK(s.code() == Code::kInvalidGraph);
  CHECK(context(s, "value") == "y");
  s = fault(model(graph({{node("Neg", {"x"}, {"x"})}, {}, {kX}, {kY}})));
  CHECK(context(s, "value") == "x");
  s = fault(model(graph({{node("Neg", {"x"}, {"y"})}, {}, {kX, kX}, {kY}})));
  CHECK(s.code() == Code::kInvalidGraph);
  s = fault(model(graph({{node("Neg", {"x"}, {"y"}, {}, "strange")}, {}, {kX}, {kY}})));
  CHECK(s.code() == Code::kUnsupportedOperator);
  CHECK(s.message().find("strange") != std::string::npos);
}

TEST_CASE("bodies are closed: captures through every level, constants copied") {
  Proto inner = graph({{node("Add", {"x", "w"}, {"p"}), node("Mul", {"p", "m"}, {"r"})},
                       {},
                       {},
                       {value("r", DType::kFloat32, {})}});
  Proto outer = graph({{node("Neg", {"x"}, {"m"}),
                        node("If", {"c"}, {"r"},
                             {graph_attribute("then_branch", inner), graph_attribute("else_branch", inner)})},
                       {},
                       {},
                       {value("r", DType::kFloat32, {})}});
  Proto direct = graph({{}, {}, {}, {value("x", DType::kFloat32, {})}});
  auto g = read(
      model(graph({{node("If", {"c"}, {"y"},
                         {graph_attribute("then_branch", outer), graph_attribute("else_branch", direct)})},
                   {raw_tensor<float>("w", {}, {2})},
                   {kX, value("c", DType::kBool, {})},
                   {kY}})));
  const Node& top = g->node(g->order()[0]);
  const Subgraph* then_branch = top.subgraph("then_branch");
  REQUIRE(then_branch);
  const Graph& level1 = *then_branch->graph;
  REQUIRE(then_branch->captures.size() == 2);
  CHECK(level1.inputs.size() == 2);
  CHECK(name_of(*g, then_branch->captures[0]) == "x");
  CHECK(name_of(*g, then_branch->captures[1]) == "c");
  const Node& nested = level1.node(level1.order()[1]);
  REQUIRE(nested.op == "If");
  const Subgraph* deep = nested.subgraph("else_branch");
  REQUIRE(deep->captures.size() == 2);
  CHECK(name_of(level1, deep->captures[0]) == "x");
  CHECK(name_of(level1, deep->captures[1]) == "m");
  const Node& add = deep->graph->node(deep->graph->order()[0]);
  REQUIRE(deep->graph->constant(add.inputs[1]));
  CHECK(deep->graph->constant(add.inputs[1])->data() == g->constant(0)->data());
  const Subgraph* else_branch = top.subgraph("else_branch");
  CHECK(else_branch->graph->outputs == else_branch->graph->inputs);
}

TEST_CASE("functions are inlined with attributes, defaults and calls of calls") {
  Proto scale =
      Proto().bytes(1, "Scale").bytes(4, "a").bytes(4, "b").bytes(5, "r").bytes(6, "axis").bytes(10, "local");
  scale.message(9, opset(21)).message(11, attribute("keep", int64_t{0}));
  scale.message(7, node("ReduceSum", {"a"}, {"t"}, {reference("keepdims", "keep", 2)}));
  scale.message(7, node("Softmax", {"t"}, {"u"}, {reference("axis", "axis", 2)}));
  scale.message(7, node("Clip", {"u", "b"}, {"r"}, {reference("gone", "not_given", 2)}));
  Proto twice = Proto().bytes(1, "Twice").bytes(4, "x").bytes(5, "y").bytes(5, "same").bytes(6, "outer_axis");
  twice.bytes(10, "local").message(9, opset(21)).message(9, opset(1, "local"));
  twice.message(7, node("Scale", {"x"}, {"m"}, {reference("axis", "outer_axis", 2)}, "local"));
  twice.message(7, node("Scale", {"m", "x"}, {"y"}, {attribute("keep", int64_t{1})}, "local"));
  twice.message(7, node("Identity", {"x"}, {"same"}));
  Proto call = node("Twice", {"x"}, {"y"}, {attribute("outer_axis", int64_t{-2})}, "local").bytes(3, "call");
  auto g = read(model(graph({{call}, {}, {kX}, {kY}}), 21, {scale, twice}));
  CHECK(ops(*g) ==
        std::vector<std::string>{"ReduceSum", "Softmax", "Clip", "ReduceSum", "Softmax", "Clip", "Identity"});
  const Node& softmax = g->node(g->order()[1]);
  CHECK(softmax.attributes.get_int("axis", 7) == -2);
  CHECK(!g->node(g->order()[4]).attributes.has("axis"));
  CHECK(g->node(g->order()[0]).attributes.get_int("keepdims", 7) == 0);
  CHECK(g->node(g->order()[3]).attributes.get_int("keepdims", 7) == 1);
  CHECK(g->node(g->order()[2]).inputs.size() == 1);
  CHECK(name_of(*g, g->node(g->order()[5]).input(1)) == "x");
  CHECK(name_of(*g, g->outputs[0]) == "y");
  CHECK(softmax.name.starts_with("call/"));

  Proto self =
      Proto().bytes(1, "Self").bytes(4, "x").bytes(5, "y").bytes(10, "local").message(9, opset(1, "local"));
  self.message(7, node("Self", {"x"}, {"y"}, {}, "local"));
  Status s = fault(model(graph({{node("Self", {"x"}, {"y"}, {}, "local")}, {}, {kX}, {kY}}), 21, {self}));
  CHECK(s.code() == Code::kInvalidGraph);
}

TEST_CASE("functions that multiply are stopped") {
  std::vector<Proto> functions;
  for (int i = 0; i < 40; ++i) {
    Proto f = Proto().bytes(1, str("F", i)).bytes(4, "x").bytes(5, "y").bytes(10, "local");
    f.message(9, opset(21)).message(9, opset(1, "local"));
    std::string callee = i == 0 ? "Neg" : str("F", i - 1);
    std::string_view domain = i == 0 ? "" : "local";
    f.message(7, node(callee, {"x"}, {"t"}, {}, domain)).message(7, node(callee, {"t"}, {"y"}, {}, domain));
    functions.push_back(f);
  }
  Status s = fault(model(graph({{node("F39", {"x"}, {"y"}, {}, "local")}, {}, {kX}, {kY}}), 21, functions));
  CHECK(s.code() == Code::kLimitExceeded);
}

TEST_CASE("external data comes from what is handed in, and nothing else") {
  auto entry = [](std::string_view k, std::string_view v) { return Proto().bytes(1, k).bytes(2, v); };
  auto with = [&](std::string_view path, std::string_view offset, std::string_view length) {
    Proto w = tensor("w", DType::kFloat32, {2}).integer(14, 1).message(13, entry("location", path));
    w.message(13, entry("offset", offset)).message(13, entry("length", length));
    return model(graph({{node("Add", {"x", "w"}, {"y"})}, {w}, {kX}, {kY}}));
  };
  float data[] = {9, 9, 9, 9, 1.5f, 2.5f};
  ExternalFile file{"weights.bin", Proto::to_buffer({reinterpret_cast<const char*>(data), sizeof data})};
  auto g = read(with("./weights.bin", "16", "8"), {&file, 1});
  CHECK(g->constant(0)->number(1) == 2.5);
  Status s = fault(with("other/weights.bin", "16", "8"), {&file, 1});
  CHECK(s.code() == Code::kMissingExternalData);
  CHECK(context(s, "path") == "other/weights.bin");
  CHECK(fault(with("weights.bin", "20", "8"), {&file, 1}).code() == Code::kInvalidModel);
  CHECK(fault(with("weights.bin", "18446744073709551612", "8"), {&file, 1}).code() == Code::kInvalidModel);
  CHECK(fault(with("weights.bin", "99999999999999999999", "8"), {&file, 1}).code() == Code::kLimitExceeded);
  CHECK(fault(with("weights.bin", "0", "12"), {&file, 1}).code() == Code::kInvalidModel);
  CHECK(fault(with("weights.bin", "-1", "8"), {&file, 1}).code() == Code::kInvalidModel);
}

TEST_CASE("sparse initializers become dense") {
  auto sparse = [](Proto values, Proto indices) {
    Proto s = Proto().message(1, values).message(2, indices).packed_varints(3, {2, 3});
    Proto g = graph({{node("Add", {"x", "w"}, {"y"})}, {}, {kX}, {kY}});
    return model(g.message(15, s));
  };
  auto g = read(sparse(raw_tensor<float>("w", {2}, {5, 7}), raw_tensor<int64_t>("", {2}, {1, 5})));
  CHECK(g->constant(0)->number(1) == 5);
  CHECK(g->constant(0)->number(5) == 7);
  CHECK(g->constant(0)->number(0) == 0);
  g = read(sparse(raw_tensor<float>("w", {2}, {5, 7}), raw_tensor<int64_t>("", {2, 2}, {0, 1, 1, 2})));
  CHECK(g->constant(0)->number(5) == 7);
  CHECK(fault(sparse(raw_tensor<float>("w", {1}, {5}), raw_tensor<int64_t>("", {1}, {6}))).code() ==
        Code::kInvalidModel);
  CHECK(fault(sparse(raw_tensor<float>("w", {1}, {5}), raw_tensor<int64_t>("", {1}, {-1}))).code() ==
        Code::kInvalidModel);
}

TEST_CASE("depth is limited") {
  Proto body = graph({{}, {}, {}, {value("x", DType::kFloat32, {})}});
  for (int i = 0; i < 80; ++i) {
    body = graph({{node("If", {"c"}, {"r"}, {graph_attribute("then_branch", body)})},
                  {},
                  {},
                  {value("r", DType::kFloat32, {})}});
  }
  Proto top = graph({{node("If", {"c"}, {"y"}, {graph_attribute("then_branch", body)})},
                     {},
                     {kX, value("c", DType::kBool, {})},
                     {kY}});
  CHECK(fault(model(top)).code() == Code::kLimitExceeded);
  Proto type = Proto().message(1, Proto().integer(1, 1));
  for (int i = 0; i < 5000; ++i) type = Proto().message(4, Proto().message(1, type));
  Proto x = Proto().bytes(1, "x").message(2, type);
  CHECK(fault(model(graph({{}, {}, {x}, {}}))).code() == Code::kLimitExceeded);
}

TEST_CASE("every prefix and every flipped byte of a model ends in a graph or an error") {
  Proto body = graph({{node("Neg", {"x"}, {"r"})},
                      {raw_tensor<float>("k", {1}, {1})},
                      {},
                      {value("r", DType::kFloat32, {-1, 3})}});
  Proto f = Proto()
                .bytes(1, "F")
                .bytes(4, "a")
                .bytes(5, "r")
                .bytes(6, "axis")
                .bytes(10, "local")
                .message(9, opset(21));
  f.message(7, node("Softmax", {"a"}, {"r"}, {reference("axis", "axis", 2)}));
  Proto g = graph(
      {{node("If", {"c"}, {"b"},
             {graph_attribute("then_branch", body), graph_attribute("else_branch", body)}),
        node("F", {"b"}, {"d"}, {attribute("axis", int64_t{1})}, "local"),
        node("Conv", {"d", "w"}, {"y"}, {attribute("pads", {1, 1}), attribute("auto_pad", "NOTSET")})},
       {raw_tensor<float>("w", {3}, {1, 2, 3}), tensor("s", DType::kInt32, {2}).packed_varints(5, {1, 2})},
       {kX, value("c", DType::kBool, {})},
       {kY}});
  std::string good = model(g, 11, {f}).data();
  REQUIRE(read_onnx(Proto::to_buffer(good)).ok());
  int accepted = 0;
  for (size_t n = 0; n < good.size(); ++n) {
    auto r = read_onnx(Proto::to_buffer(std::string_view(good).substr(0, n)));
    accepted += r.ok();
  }
  CHECK(accepted < 10);
  for (size_t n = 0; n < good.size(); ++n) {
    for (int flip : {0x01, 0x08, 0x80, 0xff}) {
      std::string bad = good;
      bad[n] = static_cast<char>(bad[n] ^ flip);
      auto r = read_onnx(Proto::to_buffer(bad));
      if (!r.ok()) CHECK(!r.status().message().empty());
    }
  }
}
