#include "passes/pipeline.h"

#include <doctest/doctest.h>

#include "graph/text.h"
#include "graph/verify.h"
#include "ops/registry.h"

using namespace kinglet;

TEST_CASE("verify finds what passes must not do") {
  auto broken = [](auto&& damage) {
    auto graph = parse_graph("graph { input x: float32 a = Neg(x) y = Abs(a) output y }");
    REQUIRE(graph.ok());
    CHECK(verify(**graph).ok());
    damage(**graph);
    return !verify(**graph).ok();
  };
  CHECK(broken([](Graph& g) { g.node(1).inputs[0] = 99; }));
  CHECK(broken([](Graph& g) { g.node(0).inputs[0] = 1; }));  // reads what comes later
  CHECK(broken([](Graph& g) { g.node(1).inputs[0] = 0; }));  // unknown to users()
  CHECK(broken([](Graph& g) { g.edge(1).producer = 1; }));
  CHECK(broken([](Graph& g) { g.outputs = {7}; }));
  CHECK(broken([](Graph& g) { g.node(1).outputs = {1}; }));
}

TEST_CASE("a patch that does nothing more than it says") {
  auto graph =
      parse_graph("graph { input x: float32 a = Neg(x) b = Add(a, a) y = Abs(b) output y output a }");
  REQUIRE(graph.ok());
  Graph& g = **graph;
  Patch patch(g, 1);
  Node exp;
  exp.op = "Exp";
  exp.inputs = {0};
  ValueId e = patch.add(exp);
  patch.replace(g.node(0).outputs[0], e);
  patch.remove(0);
  std::move(patch).apply(g);
  CHECK(verify(g).ok());
  CHECK(to_text(g) ==
        "graph {\n  input x: float32\n  a = Exp(x)\n  b = Add(a, a)\n  y = Abs(b)\n  output y\n  output "
        "a\n}\n");
  CHECK(g.users(e).size() == 2);
}

TEST_CASE("without optimisation only composed operators are written out") {
  auto graph = parse_graph(R"(graph {
    input x: float32[4]
    a = com.microsoft.FastGelu(x)
    y = Identity(a)
    output y: float32
  })");
  REQUIRE(graph.ok());
  REQUIRE(bind(**graph).ok());
  PassOptions options{.optimize = false, .verify = true};
  REQUIRE(run_passes(**graph, options).ok());
  std::string text = to_text(**graph);
  CHECK(text.find("FastGelu") == std::string::npos);
  CHECK(text.find("Identity") != std::string::npos);
  for (NodeId id : (*graph)->order()) {
    bool composed = (*graph)->node(id).def->expand != nullptr;
    CHECK_FALSE(composed);
  }
}

TEST_CASE("declared extents whose product overflows are no shapes to plan with") {
  auto graph = parse_graph(
      "graph { input x: float32[6, 9223372036854775806, 0] y = Flatten(x) {axis=2} z = Relu(y) output z }");
  REQUIRE(graph.ok());
  REQUIRE(bind(**graph).ok());
  CHECK(run_passes(**graph, {.optimize = true, .verify = true}).ok());
}
