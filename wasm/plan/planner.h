#pragma once
#include <span>

#include "plan/plan.h"

namespace kinglet {

// Elements of an input whose values may be part of a plan.
inline constexpr int64_t kKeyElements = 8;
// Values of this type that may decide shapes and branches: at most `most` integers or bools.
inline bool may_steer(DType dtype, const Shape& shape, int64_t most) {
  char kind = dtype_kind(dtype);
  return (kind == 'i' || kind == 'u' || kind == 'b') && shape.count() > 0 && shape.count() <= most;
}

// Plans `graph` (bound, passes done) for these inputs: one Port per graph input; a Port whose shape is not
// known makes everything behind it late, and one with a value has that value in the plan. `threads`: how many
// the steps run with at most. `like`, if any, was made of the graph before with all but
// the same inputs: nodes whose inputs are as they were there become what they became. Failures name the node.
Result<Plan> make_plan(Graph& graph, std::span<const Port> inputs, PackCache& packs, int threads,
                       const Ends& ends, const Plan* like = nullptr);

}  // namespace kinglet
