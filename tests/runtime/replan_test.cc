// Plans for new shapes are made from the plan before: they must be those that would have been made without
// it.
#include <random>

#include "runtime/session.h"
#include "support/graph_builder.h"
#include "support/named_values.h"

using namespace kinglet;
using namespace kinglet::testing;

namespace {

Attributes attribute(std::string_view name, int64_t value) {
  Attributes out;
  out.set(name, value);
  return out;
}

std::shared_ptr<Graph> branch(const char* op) {
  auto graph = std::make_shared<Graph>();
  ValueId x = add_input(*graph, "x", DType::kFloat32);
  ValueId doubled = add(*graph, "Add", {x, x})[0];
  graph->outputs = add(*graph, op, {doubled});
  return graph;
}

// x [n, 2] and cache [m, 2]: what depends on n alone, on m too, and on m within a branch that m chooses.
std::shared_ptr<Graph> growing_graph() {
  auto graph = std::make_shared<Graph>();
  ValueId x = add_input(*graph, "x", DType::kFloat32), cache = add_input(*graph, "cache", DType::kFloat32);
  ValueId y = add(*graph, "MatMul", {x, graph->add_constant("w", floats({2, 2}, {1, 2, 3, 4}))})[0];
  ValueId all = add(*graph, "Concat", {cache, y}, 1, attribute("axis", 0))[0];
  ValueId zero = graph->add_constant("zero", tensor<int64_t>({}, {0}));
  ValueId one = graph->add_constant("one", tensor<int64_t>({}, {1}));
  ValueId rows = add(*graph, "Gather", {add(*graph, "Shape", {all})[0], zero})[0];
  ValueId counted =
      add(*graph, "Cast", {add(*graph, "Range", {zero, rows, one})[0]}, 1, attribute("to", 1))[0];
  ValueId column = add(*graph, "Unsqueeze", {counted, graph->add_constant("axes", ints({1}))})[0];
  ValueId scaled = add(*graph, "Exp", {add(*graph, "Mul", {all, column})[0]})[0];
  ValueId flat = add(*graph, "Reshape", {scaled, graph->add_constant("flat", ints({-1}))})[0];
  ValueId many = add(*graph, "Greater", {rows, graph->add_constant("five", tensor<int64_t>({}, {5}))})[0];
  ValueId chosen = add(*graph, "If", {many})[0];
  Node& node = graph->node(graph->edge(chosen).producer);
  node.subgraphs.push_back({"then_branch", branch("Neg"), {flat}});
  node.subgraphs.push_back({"else_branch", branch("Sqrt"), {flat}});
  graph->outputs = {add(*graph, "Relu", {y})[0], all, chosen};
  require_ok(bind(*graph));
  return graph;
}

std::vector<NamedValue> feeds(int64_t n, int64_t m) {
  auto filled = [](int64_t rows, float first) {
    std::vector<float> out(static_cast<size_t>(2 * rows));
    for (size_t i = 0; i < out.size(); ++i) out[i] = (first + static_cast<float>(i)) / 16;
    return floats({rows, 2}, std::move(out));
  };
  return {{"x", filled(n, 1)}, {"cache", filled(m, 2)}};
}

std::shared_ptr<const Plan> check_against_new(Session& session, int64_t n, int64_t m) {
  std::vector<Value> got, wanted;
  require_ok(testing::run(session, feeds(n, m), &got));
  Session other(growing_graph());
  require_ok(testing::run(other, feeds(n, m), &wanted));
  for (size_t i = 0; i < wanted.size(); ++i) {
    CHECK(got[i].tensor()->shape() == wanted[i].tensor()->shape());
    CHECK(read<float>(got[i]) == read<float>(wanted[i]));
  }
  auto plan = session.program().plans().front();
  CHECK(plan_text(*plan) == plan_text(*other.program().plans().front()));
  return plan;
}

const Step& step_of(const Plan& plan, std::string_view op) {
  auto found = std::ranges::find_if(plan.steps, [&](const Step& s) { return s.node->op == op; });
  REQUIRE(found != plan.steps.end());
  return *found;
}

}  // namespace

TEST_CASE("a plan made from another one is the plan") {
  Session session(growing_graph());
  std::mt19937 random(7);
  for (int i = 0; i < 60; ++i)
    check_against_new(session, 1 + static_cast<int64_t>(random() % 3), static_cast<int64_t>(random() % 9));
}

TEST_CASE("nodes that a new shape does not reach are not lowered again") {
  Session session(growing_graph());
  auto first = check_against_new(session, 1, 2), second = check_against_new(session, 1, 3);
  CHECK(step_of(*first, "MatMul").work == step_of(*second, "MatMul").work);
  CHECK(step_of(*first, "Exp").work != step_of(*second, "Exp").work);
  auto third = check_against_new(session, 2, 3);
  CHECK(step_of(*second, "MatMul").work != step_of(*third, "MatMul").work);
}

TEST_CASE("shapes that are refused leave the next plan right") {
  Session session(growing_graph());
  check_against_new(session, 1, 2);
  std::vector<Value> out;
  auto wrong = feeds(2, 0);
  wrong[1].value = floats({4, 3}, std::vector<float>(12));
  CHECK(testing::run(session, wrong, &out).code() == Code::kInvalidShape);
  check_against_new(session, 2, 7);
  check_against_new(session, 2, 4);
}

TEST_CASE("an arena that grows has room for the next ones") {
  Session session(growing_graph());
  check_against_new(session, 1, 1000);
  size_t grown = 0, bytes = session.instance().arena_bytes();
  for (int64_t m = 1001; m < 1200; ++m) {
    std::vector<Value> out;
    require_ok(testing::run(session, feeds(1, m), &out));
    out.clear();
    grown += session.instance().arena_bytes() != bytes;
    bytes = session.instance().arena_bytes();
    CHECK(bytes >= session.program().plans().front()->arena_bytes);
  }
  CHECK(grown <= 3);
}
