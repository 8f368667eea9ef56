#include "graph/text.h"

#include <doctest/doctest.h>

using namespace kinglet;

namespace {
std::unique_ptr<Graph> parse(std::string_view text) {
  auto g = parse_graph(text);
  REQUIRE_MESSAGE(g.ok(), g.status().message());
  return std::move(*g);
}
}  // namespace

TEST_CASE("text of a graph is what was parsed") {
  constexpr std::string_view kText = R"(graph demo {
  input x: float32[N,3,?]
  input 7: seq(map(string,float32))
  input c: bool
  const w: float32[2,2] = [1.0, -2.5, 0.0, nan]
  const n: int4[3] = [1, -1, 7]
  const t: string[2] = ["a \"b\"", "\x0a"]
  const k: int64 = [-9]
  a, _, b = com.microsoft.Thing(x, _, w) {alpha=0.5, axes=[], beta=-2.0, ints=[1, -2], mode="x y", list=[1.5, 2.0], t=int64[2]=[1, 2], texts=["p", "q"], tp=<optional(int8[2])>}
  body = If(c) then_branch(x, a) {
    input "odd name": float32
    input a: float32
    r = Add("odd name", a)
    output r
  } else_branch() {
    const z: float32 = [0.0]
    output z: float32
  }
  Assert(body)
  output body: float32[N]
  output a
  output w: float32
}
)";
  std::string sorted(kText);
  size_t at = sorted.find("ints=[1, -2]");
  sorted.erase(at, 14), sorted.insert(sorted.find("mode="), "ints=[1, -2], ");
  size_t list = sorted.find("list=[1.5, 2.0], ");
  sorted.erase(list, 17), sorted.insert(sorted.find("mode="), "list=[1.5, 2.0], ");
  auto graph = parse(kText);
  // Constants that nothing uses are not shown.
  for (std::string_view gone : {"  const n:", "  const t:", "  const k:"}) {
    size_t from = sorted.find(gone);
    sorted.erase(from, sorted.find('\n', from) + 1 - from);
  }
  CHECK(to_text(*graph) == sorted);
  CHECK(to_text(*parse(to_text(*graph))) == sorted);
  CHECK(graph->edge(graph->inputs[0]).type.dims.size() == 3);
  const Node& thing = graph->node(0);
  CHECK(thing.domain == "com.microsoft");
  CHECK(thing.op == "Thing");
  CHECK(thing.inputs[1] == kNoValue);
  CHECK(thing.attributes.get_float("alpha") == 0.5f);
  CHECK(thing.attributes.get_ints("ints")[1] == -2);
  CHECK(thing.attributes.get_tensor("t")->number(1) == 2);
  CHECK(graph->node(1).subgraphs[0].captures == std::vector<ValueId>{graph->inputs[0], thing.outputs[0]});
}

TEST_CASE("constants: fillers, narrow types, hashes") {
  auto graph = parse(R"(graph {
    const a: float32[2,3] = ramp
    const b: float16[1] = [-2.0]
    const c: uint64 = [18446744073709551615]
    const d: int2[5] = [1, -2, -1, 0, 1]
    const e: float8e4m3fn[1] = [1.0]
    const f: int32[100] = ones
    const g: bool[2] = [1, 0]
    y = F(a, b, c, d, e, f, g)
    output y
  })");
  CHECK(graph->constant(0)->number(5) == 5);
  CHECK(graph->constant(1)->number(0) == -2);
  CHECK(*graph->constant(2)->data<uint64_t>() == UINT64_MAX);
  CHECK(graph->constant(3)->number(1) == -2);
  CHECK(graph->constant(3)->number(4) == 1);
  CHECK(graph->constant(4)->number(0) == 1);
  std::string text = to_text(*graph);
  CHECK(text.find("const f: int32[100] = #") != std::string::npos);
  CHECK(text.find("const c: uint64 = [18446744073709551615]") != std::string::npos);
  CHECK(text.find("const d: int2[5] = [1, -2, -1, 0, 1]") != std::string::npos);
  CHECK(!parse_graph(text).ok());
  TextOptions all;
  all.inline_elements = 1000;
  CHECK(to_text(*parse(to_text(*graph, all)), all) == to_text(*graph, all));
}

TEST_CASE("values of equal or empty names are told apart") {
  Graph g;
  ValueId x = g.add_edge("x", Type::tensor(DType::kFloat32));
  g.inputs = {x};
  for (int i = 0; i < 2; ++i) {
    Node n;
    n.op = "Neg";
    n.inputs = {i == 0 ? x : 1};
    n.outputs = {g.add_edge(i == 0 ? "x" : "")};
    g.add_node(n);
  }
  g.outputs = {2};
  CHECK(to_text(g) == "graph {\n  input x: float32\n  x~1 = Neg(x)\n  ~2 = Neg(x~1)\n  output ~2\n}\n");
}

TEST_CASE("faults of text are told with their line") {
  for (std::string_view bad :
       {"", "graph", "graph {", "graph { y = F(x) }", "graph { input x }", "graph { input x: what }",
        "graph { const x: float32[2] = [1.0] }", "graph { const x: float32 = [1.0, 2.0] }",
        "graph { input x: float32 input x: float32 }", "graph { y = F() {a=} }",
        "graph { y = F() {a=[1, 2.5]} }", "graph { y = F( }", "graph { output x }",
        "graph { const x: float32 = what }", "graph {} more"})
    CHECK(!parse_graph(bad).ok());
  auto g = parse_graph("graph {\n\n y = F(x)\n}");
  REQUIRE(!g.ok());
  CHECK(g.status().context()[0].second == "3");
}
