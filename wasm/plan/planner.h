#pragma once
#include <span>

#include "plan/plan.h"

namespace kinglet {

// Plans `graph` (bound, passes done) for these inputs: one Port per graph input; a Port whose shape is not
// known makes everything behind it late. `threads`: how many the steps run with at most. Failures name the
// node.
Result<Plan> make_plan(const Graph& graph, std::span<const Port> inputs, PackCache& packs, int threads);

}  // namespace kinglet
