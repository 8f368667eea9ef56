#include "ops/scalar_like.h"

namespace kinglet::ops {

Result<ValueId> scalar_like(ExpandContext& c, size_t like, double value) { return c.scalar(like, value); }

}  // namespace kinglet::ops
