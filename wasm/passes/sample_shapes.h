#pragma once
#include <optional>
#include <vector>

#include "graph/graph.h"

namespace kinglet {

// Shapes that the values of a graph have for one choice of its open extents, each open extent another number,
// unless operators refuse that: then one that does not broadcast to another is made equal to it. By value;
// nothing where shapes depend on data or on bodies, or, without `all`, contain a number that was made equal.
// What holds here is likely, not certain, to hold for other extents.
std::vector<std::optional<Shape>> sample_shapes(const Graph& graph, bool all = false);

}  // namespace kinglet
