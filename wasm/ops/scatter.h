#pragma once
// What ScatterElements and ScatterND share.
#include "kernels/gather/gather.h"
#include "ops/context.h"

namespace kinglet {

// The attribute `reduction`; fails for an unknown word and for element types without arithmetic.
Result<kernels::Combine> scatter_reduction(const OpContext& c);

}  // namespace kinglet
