#pragma once
// Sums of products of strided arrays, term by term: what of Einsum is no matrix product.
#include <cstdint>
#include <span>

#include "base/parallel.h"

namespace kinglet {

// An axis and how far its next index is away, in elements of the operands and of the result.
struct ContractAxis {
  int64_t extent, a, b, c;
};

// For every index within `kept`: c[..] = sum within `summed` of a[..] b[..], without b of a[..]. Extents are
// positive. T: float (summed as double), double, uint32_t, uint64_t.
template <class T>
void contract(std::span<const ContractAxis> kept, std::span<const ContractAxis> summed, const T* a,
              const T* b, T* c, Parallel& parallel);

}  // namespace kinglet
