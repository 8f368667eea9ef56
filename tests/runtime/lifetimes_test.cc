// Inputs and outputs that lie in the arena: nothing is written over that somebody still reads.
#include <cstring>

#include "runtime/session.h"
#include "support/graph_builder.h"
#include "support/named_values.h"

using namespace kinglet;
using namespace kinglet::testing;

namespace {

std::vector<Value> run(Session& session, const std::vector<NamedValue>& feeds) {
  std::vector<Value> out;
  require_ok(run(session, feeds, &out));
  return out;
}

std::shared_ptr<Graph> bound(std::shared_ptr<Graph> graph) {
  require_ok(bind(*graph));
  return graph;
}

using Floats = std::vector<float>;

Floats map(Floats values, auto&& f) {
  for (float& v : values) v = f(v);
  return values;
}
Floats negative(Floats values) {
  return map(std::move(values), [](float v) { return -v; });
}

// 100 numbers from `first` on.
Floats counted(float first) {
  Floats out(100);
  for (float& v : out) v = first++;
  return out;
}
Tensor column(const Floats& values) { return floats({static_cast<int64_t>(values.size())}, values); }
// A tensor of this shape whose elements are to follow.
NamedValue later(std::string_view name, const Shape& shape) {
  return {name, Tensor(DType::kFloat32, shape, nullptr)};
}
void write(const NamedValue& feed, const Floats& values) {
  REQUIRE(feed.value.tensor()->data() != nullptr);
  std::memcpy(feed.value.tensor()->data(), values.data(), values.size() * sizeof(float));
}

// y = -(...-(-x)), `steps` times, each in place of the last; z = y + x; x, y as [10, 10] and z are outputs.
struct Chain {
  std::shared_ptr<Graph> graph = std::make_shared<Graph>();
  explicit Chain(int steps) {
    ValueId x = add_input(*graph, "x", DType::kFloat32), y = x;
    for (int i = 0; i < steps; ++i) y = add(*graph, "Neg", {y})[0];
    ValueId z = add(*graph, "Add", {y, x})[0];
    ValueId square = add(*graph, "Reshape", {y, graph->add_constant("shape", ints({10, 10}))})[0];
    graph->outputs = {x, square, z, z};
    bound(graph);
  }
};

void check_chain(const std::vector<Value>& out, const Floats& x, bool odd) {
  CHECK(read<float>(out[0]) == x);
  CHECK(out[1].tensor()->shape() == Shape{10, 10});
  CHECK(read<float>(out[1]) == (odd ? negative(x) : x));
  for (size_t i : {2, 3}) CHECK(read<float>(out[i]) == map(x, [&](float v) { return odd ? 0 : v + v; }));
}

}  // namespace

TEST_CASE("inputs that are outputs, views of results, and two outputs of one value") {
  for (int steps : {0, 1, 2, 5}) {
    CAPTURE(steps);
    Session session(Chain(steps).graph);
    for (float first : {1.0f, 1000.0f, 2000.0f})
      check_chain(run(session, {{"x", column(counted(first))}}), counted(first), steps % 2 != 0);
  }
}

TEST_CASE("what a caller holds of earlier runs stays as it is") {
  Session session(Chain(3).graph);
  Tensor x = column(counted(1));
  auto first = run(session, {{"x", x}});
  auto second = run(session, {{"x", column(counted(7))}});
  auto third = run(session, {{"x", *second[1].tensor()}, {"x", x}});
  CHECK(read<float>(Value(x)) == counted(1));
  check_chain(first, counted(1), true);
  check_chain(second, counted(7), true);
  first.clear();
  auto fourth = run(session, {{"x", *second[2].tensor()}});
  check_chain(second, counted(7), true);
  check_chain(fourth, Floats(100, 0), true);
}

TEST_CASE("memory is used again once results are let go") {
  Session session(Chain(3).graph);
  size_t before = Buffer::live_bytes();
  const std::byte* at = nullptr;
  size_t live = 0;
  for (int i = 0; i < 3; ++i) {
    auto out = run(session, {{"x", column(counted(static_cast<float>(i)))}});
    if (i == 0) at = out[2].tensor()->data(), live = Buffer::live_bytes();
    CHECK(out[2].tensor()->data() == at);
    CHECK(Buffer::live_bytes() == live);
  }
  CHECK(Buffer::live_bytes() == before + session.instance().arena_bytes());
}

TEST_CASE("elements that follow are read where they were written, and copied where that is not possible") {
  Session session(Chain(3).graph);
  Shape shape{100};
  auto run_prepared = [&] {
    std::vector<Value> out;
    require_ok(session.run(&out));
    return out;
  };
  for (float first : {1.0f, 500.0f}) {
    std::vector<NamedValue> feeds{later("x", shape)};
    require_ok(prepare(session, feeds));
    const std::byte* data = feeds[0].value.tensor()->data();
    write(feeds[0], counted(first));
    size_t live = Buffer::live_bytes();
    auto out = run_prepared();
    CHECK(out[0].tensor()->data() == data);
    CHECK(Buffer::live_bytes() == live);
    check_chain(out, counted(first), true);
  }
  // Prepared, and results of the run before are still there.
  auto held = run(session, {{"x", column(counted(3))}});
  std::vector<NamedValue> feeds{later("x", shape)};
  require_ok(prepare(session, feeds));
  write(feeds[0], counted(4));
  check_chain(held, counted(3), true);
  // Another run comes first, and what was written is still there.
  std::vector<NamedValue> other{later("x", shape)};
  require_ok(prepare(session, other));
  write(other[0], counted(5));
  check_chain(run_prepared(), counted(5), true);
  check_chain(run(session, feeds), counted(4), true);
  check_chain(held, counted(3), true);
}

TEST_CASE("a run that was cancelled leaves nothing behind in the next") {
  Session session(Chain(3).graph);
  std::vector<NamedValue> feeds{later("x", {100})};
  require_ok(prepare(session, feeds));
  write(feeds[0], counted(1));
  session.cancel().request();
  std::vector<Value> out;
  CHECK(session.run(&out).code() == Code::kCancelled);
  CHECK(session.run(&out).code() == Code::kInvalidArgument);
  check_chain(run(session, {{"x", column(counted(2))}}), counted(2), true);
  feeds = {later("x", {100})};
  require_ok(prepare(session, feeds));
  write(feeds[0], counted(9));
  require_ok(session.run(&out));
  check_chain(out, counted(9), true);
}

TEST_CASE("feeds are refused when they are prepared, and forgotten") {
  Session session(Chain(1).graph);
  std::vector<NamedValue> none, wrong{{"x", Tensor(DType::kInt64, {100}, nullptr)}}, unfit{later("x", {7})};
  CHECK(prepare(session, none).code() == Code::kMissingInput);
  CHECK(prepare(session, wrong).code() == Code::kInvalidInput);
  CHECK_FALSE(prepare(session, unfit).ok());
  std::vector<Value> out;
  CHECK(session.run(&out).code() == Code::kInvalidArgument);
  check_chain(run(session, {{"x", column(counted(2))}}), counted(2), true);
}

TEST_CASE("plans of other shapes share the arena, one after the other") {
  auto graph = std::make_shared<Graph>();
  ValueId x = add_input(*graph, "x", DType::kFloat32), y = add_input(*graph, "y", DType::kFloat32);
  add_input(*graph, "unused", DType::kFloat32);
  ValueId sum = add(*graph, "Add", {x, y})[0];
  graph->outputs = {add(*graph, "Neg", {sum})[0], y};
  Session session(bound(graph));
  std::vector<Value> held;
  for (int64_t n : {40, 3, 300, 40, 3}) {
    CAPTURE(n);
    Floats values(static_cast<size_t>(n), 2);
    Tensor same = floats({n}, values);
    // The same tensor for two inputs, and the third unused.
    auto out = run(session, {{"x", same}, {"y", same}, {"unused", same}});
    CHECK(read<float>(out[0]) == Floats(values.size(), -4));
    CHECK(read<float>(out[1]) == values);
    std::vector<NamedValue> feeds{later("x", {n}), {"y", same}, later("unused", {n + 1})};
    out.clear();
    require_ok(prepare(session, feeds));
    write(feeds[0], Floats(values.size(), 1));
    write(feeds[2], Floats(values.size() + 1, 9));
    std::vector<Value> mixed;
    require_ok(session.run(&mixed));
    CHECK(read<float>(mixed[0]) == Floats(values.size(), -3));
    CHECK(read<float>(mixed[1]) == values);
    if (n == 300) held = mixed;
  }
  CHECK(read<float>(held[0]) == Floats(300, -3));
}

TEST_CASE("a body reads what it captured of the inputs, and may give it back") {
  auto branch = [](bool view) {
    auto body = std::make_shared<Graph>();
    ValueId captured = add_input(*body, "x", DType::kFloat32);
    ValueId shape = body->add_constant("shape", ints({10, 10}));
    body->outputs = view ? add(*body, "Reshape", {captured, shape}) : std::vector{captured};
    return body;
  };
  auto graph = std::make_shared<Graph>();
  ValueId which = add_input(*graph, "which", DType::kFloat32), x = add_input(*graph, "x", DType::kFloat32);
  ValueId least = add(*graph, "ReduceMin", {which})[0];
  ValueId condition = add(*graph, "Greater", {least, graph->add_constant("zero", floats({}, {0}))})[0];
  ValueId given = add(*graph, "If", {condition})[0];
  for (size_t i = 0; i < graph->node_count(); ++i) {
    Node& node = graph->node(static_cast<NodeId>(i));
    if (node.op != "If") continue;
    node.subgraphs.push_back({"then_branch", branch(true), {x}});
    node.subgraphs.push_back({"else_branch", branch(false), {x}});
  }
  graph->outputs = {given, add(*graph, "Neg", {x})[0]};
  Session session(bound(graph));
  std::vector<std::vector<Value>> held;
  for (float sign : {1.0f, -1.0f, 1.0f}) {
    auto out = run(session, {{"which", floats({2}, {sign, 3})}, {"x", column(counted(sign))}});
    CHECK(out[0].tensor()->rank() == (sign > 0 ? 2 : 1));
    held.push_back(std::move(out));
    for (const auto& results : held) {
      Floats expected = counted(&results == &held[1] ? -1.0f : 1.0f);
      CHECK(read<float>(results[0]) == expected);
      CHECK(read<float>(results[1]) == negative(expected));
    }
  }
}
