#include "passes/expect.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "graph/text.h"
#include "graph/verify.h"
#include "ops/registry.h"
#include "passes/pipeline.h"

namespace kinglet::testing {

namespace {

std::unique_ptr<Graph> parse(std::string_view text) {
  auto graph = parse_graph(str("graph {", text, "}"));
  REQUIRE_MESSAGE(graph.ok(), graph.status().message());
  Status bound = bind(**graph);
  REQUIRE_MESSAGE(bound.ok(), bound.message());
  return std::move(*graph);
}

const PassRow& row(std::string_view name) {
  auto it = std::ranges::find(all_passes(), name, &PassRow::name);
  REQUIRE_MESSAGE(it != all_passes().end(), std::string(name));
  return *it;
}

// The text with values that are neither inputs nor outputs called v1, v2, ... in the order in which they
// appear.
std::string anonymous(Graph& graph) {
  int next = 0;
  auto rename = [&](Graph& g, auto&& self) -> void {
    auto name = [&](ValueId id) {
      bool known = id == kNoValue || g.is_output(id) || std::ranges::find(g.inputs, id) != g.inputs.end();
      if (!known) g.edge(id).name = str("v", ++next);
    };
    for (ValueId id = 0; id < static_cast<ValueId>(g.edge_count()); ++id) {
      if (g.edge(id).is_constant() && !g.is_output(id)) g.edge(id).name = {};
    }
    for (NodeId n : g.order()) {
      for (ValueId id : g.node(n).inputs) {
        if (id != kNoValue && g.edge(id).is_constant() && g.edge(id).name.empty()) name(id);
      }
      for (ValueId id : g.node(n).outputs) name(id);
      for (const Subgraph& s : g.node(n).subgraphs) self(*s.graph, self);
    }
  };
  rename(graph, rename);
  return to_text(graph);
}

}  // namespace

void expect_pass(std::string_view pass, std::string_view before, std::string_view after) {
  auto graph = parse(before);
  auto changed = run_pass(*graph, row(pass));
  REQUIRE_MESSAGE(changed.ok(), changed.status().message());
  Status sound = verify(*graph);
  CHECK_MESSAGE(sound.ok(), sound.message());
  CHECK(*changed);
  CHECK(anonymous(*graph) == anonymous(*parse(after)));
}

void expect_unchanged(std::string_view pass, std::string_view text) {
  auto graph = parse(text);
  std::string before = to_text(*graph);
  auto changed = run_pass(*graph, row(pass));
  REQUIRE_MESSAGE(changed.ok(), changed.status().message());
  CHECK(!*changed);
  CHECK(to_text(*graph) == before);
}

void expect_passes(std::string_view before, std::string_view after) {
  auto graph = parse(before);
  Status ran = run_passes(*graph, {.verify = true});
  REQUIRE_MESSAGE(ran.ok(), ran.message());
  CHECK(anonymous(*graph) == anonymous(*parse(after)));
}

}  // namespace kinglet::testing
