#pragma once
#include "plan/plan.h"

namespace kinglet {

// Decides where the values of a plan live whose steps are complete: what the caller gets, results in the
// storage of an input, offsets in the arena, and after which step values found while running are let go.
Status place_values(Plan* plan, const Ends& ends);

}  // namespace kinglet
