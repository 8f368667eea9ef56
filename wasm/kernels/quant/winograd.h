#pragma once
// 3 x 3 convolutions with stride 1 by Winograd's F(4 x 4, 3 x 3) in integers, with the sums of the
// definition.
#include "kernels/quant/conv.h"

namespace kinglet::quant_internal {

// Of a call whose weights are not packed.
bool winograd_accepts(const QuantConv& call);
bool winograd_pays(const ConvShape& s);
Result<size_t> winograd_packed_bytes(const ConvShape& s);
void winograd_pack(const QuantConv& call, uint8_t* packed);
Result<size_t> winograd_scratch_bytes(const ConvShape& s, int threads);
void run_winograd(const QuantConv& call, std::byte* scratch, Parallel& pool);

}  // namespace kinglet::quant_internal
