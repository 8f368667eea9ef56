// Inputs that take what an output was in the run before.
#include "runtime/session.h"
#include "support/graph_builder.h"
#include "support/named_values.h"

using namespace kinglet;
using namespace kinglet::testing;

namespace {

using Floats = std::vector<float>;

Attributes along(int64_t axis) {
  Attributes out;
  out.set("axis", axis);
  return out;
}

// `all` is x behind `past`, `sum` its sum; `copy` is x.
std::shared_ptr<Graph> cache_graph() {
  auto graph = std::make_shared<Graph>();
  ValueId x = add_input(*graph, "x", DType::kFloat32), past = add_input(*graph, "past", DType::kFloat32);
  ValueId all = add(*graph, "Concat", {past, x}, 1, along(0))[0];
  ValueId copy = add(*graph, "Reshape", {x, graph->add_constant("flat", ints({-1}))})[0];
  graph->outputs = {all, add(*graph, "ReduceSum", {all})[0], copy};
  require_ok(bind(*graph));
  return graph;
}

Result<std::vector<Value>> run(Session& session, std::vector<NamedValue> feeds) {
  std::vector<Value> out;
  KL_TRY(testing::run(session, std::move(feeds), &out));
  return out;
}

NamedValue x(Floats values) { return {"x", floats({static_cast<int64_t>(values.size())}, values)}; }

}  // namespace

TEST_CASE("an input that is not fed is what the output was in the run before") {
  Session session(cache_graph());
  require_ok(session.carry(1, 0));
  auto first = run(session, {x({1, 2}), {"past", floats({0}, {})}});
  REQUIRE(first.ok());
  Floats all = {1, 2};
  for (float next = 3; next < 30; ++next) {
    auto out = run(session, {x({next})});
    REQUIRE(out.ok());
    all.push_back(next);
    CHECK(read<float>((*out)[0]) == all);
  }
  // Feeding it begins anew.
  auto again = run(session, {x({8}), {"past", floats({1}, {7})}});
  CHECK(read<float>((*again)[0]) == Floats{7, 8});
  CHECK(read<float>((*run(session, {x({9})}))[0]) == Floats{7, 8, 9});
}

TEST_CASE("before the first run there is nothing to take") {
  Session session(cache_graph());
  require_ok(session.carry(1, 0));
  auto out = run(session, {x({1})});
  CHECK(out.status().code() == Code::kMissingInput);
  CHECK(out.status().message().find("No run has given output 'Concat_0.0'") != std::string::npos);
}

TEST_CASE("a run that fails leaves the state as it was") {
  Session session(cache_graph());
  require_ok(session.carry(1, 0));
  REQUIRE(run(session, {x({1}), {"past", floats({0}, {})}}).ok());
  CHECK_FALSE(run(session, {{"x", floats({1, 1}, {5})}}).ok());
  session.cancel().request();
  CHECK(run(session, {x({5})}).status().code() == Code::kCancelled);
  CHECK(read<float>((*run(session, {x({2})}))[0]) == Floats{1, 2});
}

TEST_CASE("state does not lie in the arena: no run copies it or writes over it") {
  Session session(cache_graph());
  require_ok(session.carry(1, 0));
  REQUIRE(run(session, {x({1}), {"past", floats({3}, {4, 5, 6})}}).ok());
  const Plan& plan = *session.program().plans().front();
  CHECK(plan.slots[static_cast<size_t>(plan.inputs[0])].storage == Storage::kArena);
  CHECK(plan.slots[static_cast<size_t>(plan.inputs[1])].storage == Storage::kInput);
  CHECK(plan.slots[static_cast<size_t>(plan.outputs[0])].storage == Storage::kOutput);
}

TEST_CASE("an output that is another input's storage is carried, too") {
  Session session(cache_graph());
  require_ok(session.carry(1, 2));
  REQUIRE(run(session, {x({1}), {"past", floats({1}, {0})}}).ok());
  for (float next = 2; next < 9; ++next)
    CHECK(read<float>((*run(session, {x({next})}))[0]) == Floats{next - 1, next});
}

TEST_CASE("what cannot be carried is refused") {
  Session session(cache_graph());
  CHECK(session.carry(2, 0).code() == Code::kInvalidArgument);
  CHECK(session.carry(1, 3).code() == Code::kInvalidArgument);
  require_ok(session.carry(1, 0));
  CHECK(session.carry(1, 2).code() == Code::kInvalidArgument);
  auto graph = std::make_shared<Graph>();
  ValueId in = add_input(*graph, "in", DType::kFloat32);
  Attributes to;
  to.set("to", int64_t{7});
  graph->outputs = add(*graph, "Cast", {in}, 1, to);
  require_ok(bind(*graph));
  Session other(graph);
  CHECK(other.carry(0, 0).code() == Code::kInvalidArgument);
}
