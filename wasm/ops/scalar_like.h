#pragma once
#include "ops/expand.h"

namespace kinglet::ops {

// For expansions: `value` as a scalar of the dtype of `like`, also where that is not known yet.
Result<ValueId> scalar_like(ExpandContext& c, size_t like, double value);

// A constant int64 list.
Result<ValueId> int_list(ExpandContext& c, std::initializer_list<int64_t> values);

}  // namespace kinglet::ops
