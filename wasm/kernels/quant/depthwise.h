#pragma once
// Convolutions of bytes with one input channel per group, in two dimensions, with strides of at most 2.
#include "kernels/quant/conv.h"

namespace kinglet::quant_internal {

bool depthwise_accepts(const ConvShape& s);
Result<size_t> depthwise_scratch_bytes(const ConvShape& s, int threads);
// Weights are as they were given.
void run_depthwise(const QuantConv& call, std::byte* scratch, Parallel& pool);

}  // namespace kinglet::quant_internal
