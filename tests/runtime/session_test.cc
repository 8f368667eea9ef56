#include "runtime/session.h"

#include "support/graph_builder.h"

using namespace kinglet;
using namespace kinglet::testing;

namespace {

std::vector<Value> run(Session& session, std::vector<NamedValue> feeds) {
  std::vector<Value> out;
  require_ok(session.run(feeds, {}, &out));
  return out;
}

std::shared_ptr<Graph> bound(std::shared_ptr<Graph> graph) {
  require_ok(bind(*graph));
  return graph;
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
  ValueId x = add_input(*graph, "x", DType::kFloat32), shape = add_input(*graph, "shape", DType::kInt64);
  graph->outputs = add(*graph, "Reshape", {x, shape});
  Session session(bound(graph));
  auto out = run(session, {{"x", floats({4}, {1, 2, 3, 4})}, {"shape", ints({2, 2})}});
  CHECK(out[0].tensor()->shape() == Shape{2, 2});
  out = run(session, {{"x", floats({4}, {1, 2, 3, 4})}, {"shape", ints({4, 1})}});
  CHECK(out[0].tensor()->shape() == Shape{4, 1});
  CHECK(session.program().plans().front()->steps.front().late());
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

TEST_CASE("feeds are checked against the declaration, and the session stays usable") {
  Session session(reshape_graph());
  std::vector<Value> out;
  Status missing = session.run({}, {}, &out);
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.code() == Code::kMissingInput);
  CHECK(missing.detail() == "input 'x' is missing in 'feeds'.");
  std::vector<NamedValue> wrong = {{"x", ints({1, 2})}};
  CHECK(session.run(wrong, {}, &out).code() == Code::kInvalidInput);
  std::vector<NamedValue> unknown = {{"x", floats({2}, {1, 2})}, {"z", ints({1})}};
  CHECK(session.run(unknown, {}, &out).code() == Code::kInvalidInput);
  std::vector<NamedValue> odd = {{"x", floats({3}, {1, 2, 3})}};
  Status shape = session.run(odd, {}, &out);
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
  CHECK(session.run(wrong, {}, &out).code() == Code::kUnsupportedType);
  std::vector<NamedValue> right = {{"x", ints({1, 2})}};
  CHECK(session.run(right, {}, &out).ok());
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
  require_ok(session.run(feeds, {}, &out));
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
