#include "graph/verify.h"

#include <algorithm>

namespace kinglet {

namespace {

Status verify_at(const Graph& graph, int depth) {
  KL_REQUIRE(depth <= 64, kInternal, "bodies are nested more than 64 deep");
  size_t count = graph.edge_count();
  auto in_range = [&](ValueId id) { return id >= 0 && static_cast<size_t>(id) < count; };
  std::vector<bool> defined(count, false);
  std::vector<size_t> reads(count, 0);
  auto define = [&](ValueId id) -> Status {
    KL_REQUIRE(in_range(id), kInternal, "value ", id, " does not exist");
    KL_REQUIRE(!defined[static_cast<size_t>(id)], kInternal, "\"", graph.edge(id).name,
               "\" is computed twice");
    defined[static_cast<size_t>(id)] = true;
    return {};
  };
  auto read = [&](ValueId id, const Node& node) -> Status {
    KL_REQUIRE(in_range(id), kInternal, node.op, " reads value ", id, ", which does not exist");
    KL_REQUIRE(defined[static_cast<size_t>(id)], kInternal, node.op, " reads \"", graph.edge(id).name,
               "\" before it is computed");
    ++reads[static_cast<size_t>(id)];
    return {};
  };
  for (size_t i = 0; i < count; ++i) {
    if (graph.edge(static_cast<ValueId>(i)).is_constant()) KL_TRY(define(static_cast<ValueId>(i)));
  }
  for (ValueId id : graph.inputs) {
    KL_TRY(define(id));
    KL_REQUIRE(graph.edge(id).producer == kNoNode, kInternal, "input \"", graph.edge(id).name,
               "\" is computed");
  }
  std::vector<bool> seen(graph.node_count(), false);
  for (NodeId n : graph.order()) {
    KL_REQUIRE(n >= 0 && static_cast<size_t>(n) < graph.node_count(), kInternal, "node ", n,
               " does not exist");
    KL_REQUIRE(!seen[static_cast<size_t>(n)], kInternal, "node ", n, " is in the order twice");
    seen[static_cast<size_t>(n)] = true;
    const Node& node = graph.node(n);
    for (ValueId id : node.inputs) {
      if (id != kNoValue) KL_TRY(read(id, node));
    }
    for (const Subgraph& s : node.subgraphs) {
      KL_REQUIRE(s.graph != nullptr, kInternal, node.op, " has no body ", s.name);
      KL_REQUIRE(s.captures.size() <= s.graph->inputs.size(), kInternal, s.name, " has ", s.captures.size(),
                 " captures for ", s.graph->inputs.size(), " inputs");
      for (ValueId id : s.captures) KL_TRY(read(id, node));
      KL_TRY(verify_at(*s.graph, depth + 1));
    }
    for (ValueId id : node.outputs) {
      if (id == kNoValue) continue;
      KL_TRY(define(id));
      KL_REQUIRE(graph.edge(id).producer == n, kInternal, "\"", graph.edge(id).name,
                 "\" has another producer than ", node.op);
    }
  }
  for (ValueId id : graph.outputs) {
    KL_REQUIRE(in_range(id) && defined[static_cast<size_t>(id)], kInternal, "output ", id,
               " is not computed");
  }
  for (size_t i = 0; i < count; ++i) {
    auto id = static_cast<ValueId>(i);
    KL_REQUIRE(graph.users(id).size() == reads[i], kInternal, "\"", graph.edge(id).name, "\" is read ",
               reads[i], " times, ", graph.users(id).size(), " are known");
  }
  return {};
}

}  // namespace

Status verify(const Graph& graph) { return verify_at(graph, 0); }

}  // namespace kinglet
