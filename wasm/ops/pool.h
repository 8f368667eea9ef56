#pragma once
// What the pooling operators share.
#include "kernels/pool/pool.h"
#include "ops/context.h"

namespace kinglet {

// Windows from input 0 and the attributes kernel_shape, strides, dilations, pads, auto_pad, ceil_mode. Every
// extent is checked; fails when an output extent would not be positive.
Result<kernels::Pool> pool_of(const OpContext& c, kernels::PoolKind kind);
// [N, C, out...]
Shape pool_shape(const OpContext& c, const kernels::Pool& pool);
// The step for output 0 alone.
Status add_pool_step(LowerContext& c, kernels::Pool pool);

}  // namespace kinglet
