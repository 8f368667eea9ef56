#pragma once
#include "graph/graph.h"

namespace kinglet {

// What every graph keeps to, bodies included: ids in range, each value computed once and before it is read,
// outputs computed, captures that fit the body, constants with a value. kInternal, since only a defect of
// ours breaks it.
Status verify(const Graph& graph);

}  // namespace kinglet
