#pragma once
#include "ops/expand.h"

namespace kinglet::ops {

// For expansions: `value` as a scalar of the dtype of `like`, also where that is not known yet.
Result<ValueId> scalar_like(ExpandContext& c, size_t like, double value);

}  // namespace kinglet::ops
