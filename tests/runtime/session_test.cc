#include "runtime/session.h"

#include <algorithm>

#include "support/graph_builder.h"
#include "support/named_values.h"

using namespace kinglet;
using namespace kinglet::testing;

namespace {

std::vector<Value> run(Session& session, std::vector<NamedValue> feeds) {
  std::vector<Value> out;
  require_ok(run(session, feeds, &out));
  return out;
}

std::shared_ptr<Graph> bound(std::shared_ptr<Graph> graph) {
  require_ok(bind(*graph));
  return graph;
}

Attributes attribute(std::string_view name, int64_t value) {
  Attributes out;
  out.set(name, value);
  return out;
}

// x -> Reshape to [-1, 2] -> y
std::shared_ptr<Graph> reshape_graph() {
  auto graph = std::make_shared<Graph>();
  ValueId x = add_input(*graph, "x", DType::kFloat32);
  ValueId shape = graph->add_constant("shape", ints({-1, 2}));
  graph->outputs = add(*graph, "Reshape", {x, shape});
  return bound(graph);
}

}  // namespace

TEST_CASE("a reshape is a view: no step") {
  Session session(reshape_graph());
  auto out = run(session, {{"x", floats({4}, {1, 2, 3, 4})}});
  CHECK(out[0].tensor()->shape() == Shape{2, 2});
  CHECK(read<float>(out[0]) == std::vector<float>{1, 2, 3, 4});
  CHECK(session.program().plans().front()->steps.empty());
}

TEST_CASE("each input shape has its own plan, and plans are kept") {
  Session session(reshape_graph());
  run(session, {{"x", floats({4}, {1, 2, 3, 4})}});
  auto first = session.program().plans().front();
  CHECK(run(session, {{"x", floats({2}, {1, 2})}})[0].tensor()->shape() == Shape{1, 2});
  CHECK(session.program().plans().size() == 2);
  run(session, {{"x", floats({4}, {1, 2, 3, 4})}});
  CHECK(session.program().plans().front() == first);
}

TEST_CASE("a shape that only the run knows makes a late step") {
  auto graph = std::make_shared<Graph>();
  ValueId x = add_input(*graph, "x", DType::kFloat32), shape = add_input(*graph, "shape", DType::kFloat32);
  graph->outputs = add(*graph, "Reshape", {x, add(*graph, "Cast", {shape}, 1, attribute("to", 7))[0]});
  Session session(bound(graph));
  auto out = run(session, {{"x", floats({4}, {1, 2, 3, 4})}, {"shape", floats({2}, {2, 2})}});
  CHECK(out[0].tensor()->shape() == Shape{2, 2});
  out = run(session, {{"x", floats({4}, {1, 2, 3, 4})}, {"shape", floats({2}, {4, 1})}});
  CHECK(out[0].tensor()->shape() == Shape{4, 1});
  CHECK(session.program().plans().front()->steps.back().late());
  CHECK(session.program().plans().size() == 1);
}

TEST_CASE("integers that decide a shape are part of the plan, while plans are found again") {
  auto graph = std::make_shared<Graph>();
  ValueId x = add_input(*graph, "x", DType::kFloat32), rows = add_input(*graph, "rows", DType::kInt64);
  ValueId rest = graph->add_constant("rest", ints({-1}));
  ValueId shape = add(*graph, "Concat", {rows, rest}, 1, attribute("axis", 0))[0];
  graph->outputs = add(*graph, "Reshape", {x, shape});
  graph->outputs.push_back(add(*graph, "Add", {rows, rows})[0]);
  Session session(bound(graph));
  Tensor value = floats({360360}, std::vector<float>(360360, 1));
  auto run_with = [&](int64_t n) {
    auto out = run(session, {{"x", value}, {"rows", ints({n})}});
    CHECK(out[0].tensor()->shape() == Shape{n, 360360 / n});
    CHECK(read<int64_t>(out[1]) == std::vector<int64_t>{2 * n});
  };
  auto late = [&] { return std::ranges::any_of(session.program().plans().front()->steps, &Step::late); };
  for (int turn = 0; turn < 50; ++turn) {
    run_with(2);
    run_with(3);
    CHECK_FALSE(late());
    CHECK(session.program().plans().size() == 2);
  }
  // Always another value: in the end one plan serves all.
  for (int turn = 0; turn < 4; ++turn) {
    for (int64_t n = 4; n <= 15; ++n) run_with(n);
  }
  CHECK(late());
  auto last = session.program().plans().front();
  run_with(2);
  run_with(15);
  CHECK(session.program().plans().front() == last);
  CHECK(session.program().plans().size() <= 8);
}

TEST_CASE("Shape is known when planning, so a Reshape by it is too") {
  auto graph = std::make_shared<Graph>();
  ValueId x = add_input(*graph, "x", DType::kFloat32), y = add_input(*graph, "y", DType::kFloat32);
  ValueId shape = add(*graph, "Shape", {y})[0];
  graph->outputs = add(*graph, "Reshape", {x, shape});
  Session session(bound(graph));
  CHECK(run(session, {{"x", floats({4}, {1, 2, 3, 4})}, {"y", floats({2, 2}, {0, 0, 0, 0})}})[0]
            .tensor()
            ->shape() == Shape{2, 2});
  CHECK(session.program().plans().front()->steps.empty());
}

TEST_CASE("If runs the branch that the condition names, with captured values") {
  auto branch = [](std::vector<int64_t> shape) {
    auto body = std::make_shared<Graph>();
    ValueId captured = add_input(*body, "x", DType::kFloat32);
    body->outputs = add(*body, "Reshape", {captured, body->add_constant("shape", ints(std::move(shape)))});
    return body;
  };
  auto graph = std::make_shared<Graph>();
  ValueId condition = add_input(*graph, "condition", DType::kBool),
          x = add_input(*graph, "x", DType::kFloat32);
  graph->outputs = add(*graph, "If", {condition});
  graph->node(0).subgraphs.push_back({"then_branch", branch({4}), {x}});
  graph->node(0).subgraphs.push_back({"else_branch", branch({1, 4}), {x}});
  Session session(bound(graph));
  Tensor value = floats({2, 2}, {1, 2, 3, 4});
  CHECK(run(session, {{"condition", tensor<bool>({}, {true})}, {"x", value}})[0].tensor()->shape() ==
        Shape{4});
  CHECK(run(session, {{"condition", tensor<bool>({}, {false})}, {"x", value}})[0].tensor()->shape() ==
        Shape{1, 4});
}

TEST_CASE("an If whose condition follows from an input's value is planned as its branch") {
  // outer: n == 3 ? (x has 4 elements ? x + x : x) : Reshape(x, [2, -1]); the inner condition follows from a
  // shape.
  auto identity = std::make_shared<Graph>();
  identity->outputs = {add_input(*identity, "x", DType::kFloat32)};
  auto twice = std::make_shared<Graph>();
  ValueId in = add_input(*twice, "x", DType::kFloat32);
  twice->outputs = add(*twice, "Add", {in, in});
  auto then_branch = std::make_shared<Graph>();
  ValueId captured = add_input(*then_branch, "x", DType::kFloat32);
  ValueId four = then_branch->add_constant("four", ints({4}));
  ValueId inner = add(*then_branch, "Equal", {add(*then_branch, "Shape", {captured})[0], four})[0];
  then_branch->outputs = add(*then_branch, "If", {inner});
  Node& nested = then_branch->node(2);
  nested.subgraphs.push_back({"then_branch", twice, {captured}});
  nested.subgraphs.push_back({"else_branch", identity, {captured}});
  auto else_branch = std::make_shared<Graph>();
  captured = add_input(*else_branch, "x", DType::kFloat32);
  else_branch->outputs =
      add(*else_branch, "Reshape", {captured, else_branch->add_constant("shape", ints({2, -1}))});

  auto graph = std::make_shared<Graph>();
  ValueId n = add_input(*graph, "n", DType::kInt64), x = add_input(*graph, "x", DType::kFloat32);
  ValueId condition = add(*graph, "Equal", {n, graph->add_constant("three", ints({3}))})[0];
  ValueId y = add(*graph, "If", {condition})[0];
  graph->node(1).subgraphs.push_back({"then_branch", then_branch, {x}});
  graph->node(1).subgraphs.push_back({"else_branch", else_branch, {x}});
  graph->outputs = {y, add(*graph, "Neg", {y})[0]};
  Session session(bound(graph));
  auto check = [&](int64_t value, std::vector<float> given, const Shape& shape, std::vector<float> expected) {
    auto out = run(session, {{"n", ints({value})},
                             {"x", floats({static_cast<int64_t>(given.size())}, std::move(given))}});
    CHECK(out[0].tensor()->shape() == shape);
    CHECK(out[1].tensor()->shape() == shape);
    CHECK(read<float>(out[0]) == expected);
    for (float& v : expected) v = -v;
    CHECK(read<float>(out[1]) == expected);
    CHECK_FALSE(std::ranges::any_of(session.program().plans().front()->steps, &Step::late));
  };
  for (int turn = 0; turn < 3; ++turn) {
    check(3, {1, 2, 3, 4}, {4}, {2, 4, 6, 8});
    check(8, {1, 2, 3, 4}, {2, 2}, {1, 2, 3, 4});
    check(3, {1, 2}, {2}, {1, 2});
    check(9, {1, 2}, {2, 1}, {1, 2});
  }
  CHECK(session.program().plans().size() == 4);
}

TEST_CASE("feeds are checked against the declaration, and the session stays usable") {
  Session session(reshape_graph());
  std::vector<Value> out;
  Status missing = run(session, {}, &out);
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.code() == Code::kMissingInput);
  CHECK(missing.detail() == "input 'x' is missing in 'feeds'.");
  std::vector<NamedValue> wrong = {{"x", ints({1, 2})}};
  CHECK(run(session, wrong, &out).code() == Code::kInvalidInput);
  CHECK(session.run(&out).code() == Code::kInvalidArgument);
  std::vector<NamedValue> odd = {{"x", floats({3}, {1, 2, 3})}};
  Status shape = run(session, odd, &out);
  CHECK(shape.code() == Code::kInvalidShape);
  CHECK(shape.message().find("Reshape_0") != std::string::npos);
  run(session, {{"x", floats({4}, {1, 2, 3, 4})}});
}

TEST_CASE("an input whose type the model does not declare is held to what its operators take") {
  auto graph = std::make_shared<Graph>();
  ValueId x = add_input(*graph, "x", DType::kNone);
  graph->outputs = add(*graph, "BitwiseNot", {x}, 1);
  REQUIRE(bind(*graph).ok());
  Session session(graph);
  std::vector<Value> out;
  std::vector<NamedValue> wrong = {{"x", floats({2}, {1, 2})}};
  CHECK(run(session, wrong, &out).code() == Code::kUnsupportedType);
  std::vector<NamedValue> right = {{"x", ints({1, 2})}};
  CHECK(run(session, right, &out).ok());
}

TEST_CASE("a node whose first output nobody takes") {
  auto graph = std::make_shared<Graph>();
  ValueId x = add_input(*graph, "x", DType::kFloat32), scale = add_input(*graph, "scale", DType::kFloat32);
  Node node;
  node.op = "LayerNormalization";
  node.inputs = {x, scale};
  node.outputs = {kNoValue, graph->add_edge("mean")};
  graph->outputs = {node.outputs[1]};
  graph->add_node(std::move(node));
  REQUIRE(bind(*graph).ok());
  Session session(graph);
  std::vector<Value> out;
  std::vector<NamedValue> feeds = {{"x", floats({2, 2}, {1, 3, 4, 8})}, {"scale", floats({2}, {1, 1})}};
  require_ok(run(session, feeds, &out));
  CHECK(read<float>(out[0]) == std::vector<float>{2, 6});
}

TEST_CASE("unknown operators are all named at once") {
  auto graph = std::make_shared<Graph>();
  ValueId x = add_input(*graph, "x", DType::kFloat32);
  graph->outputs = add(*graph, "Missing", add(*graph, "Absent", {x}, 1, {}, "com.example"));
  Status status = bind(*graph);
  REQUIRE_FALSE(status.ok());
  CHECK(status.code() == Code::kUnsupportedOperator);
  CHECK(status.detail().find("ai.onnx.Missing") != std::string::npos);
  CHECK(status.detail().find("com.example.Absent") != std::string::npos);
}
