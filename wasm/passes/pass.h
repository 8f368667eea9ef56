#pragma once
// A pass changes a graph into one that gives the same results with less work. It looks at one node and
// proposes a patch, or, where that cannot be said by a patch of one graph, changes the whole graph.
#include "base/result.h"
#include "graph/patch.h"
#include "ops/op.h"

namespace kinglet {

// Proposes a change around `node`, whose `def` is set; leaves `patch`, anchored at it, empty when there is
// none.
using NodePass = Status (*)(const Graph& graph, NodeId node, Patch* patch);
// Changes a graph; bodies come by themselves, before the graph around them. Returns whether it did.
using GraphPass = Result<bool> (*)(Graph& graph);

#define NODE_PASS(name, after) Status name(const Graph& graph, NodeId id, Patch* patch);
#define GRAPH_PASS(name, after) Result<bool> name(Graph& graph);
namespace passes {
#include "passes/pipeline.inc"
}  // namespace passes
#undef NODE_PASS
#undef GRAPH_PASS

}  // namespace kinglet
