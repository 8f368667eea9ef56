#include "kernels/elementwise/chain.h"

#include <algorithm>

namespace kinglet {

namespace {
// Elements that go through all steps before the next: all values of a chain fit the first-level cache.
constexpr size_t kBlock = 256;
}  // namespace

void run_chain(const Row& row) {
  const Chain& chain = *static_cast<const Chain*>(row.params);
  alignas(16) float values[kMaxChain][kBlock];
  for (size_t at = 0; at < row.n; at += kBlock) {
    Row part = {};
    part.n = std::min(kBlock, row.n - at);
    for (int s = 0; s < chain.count; ++s) {
      const ChainStep& step = chain.steps[s];
      for (int k = 0; k < step.operands; ++k) {
        int from = step.operand[k];
        if (from == ChainStep::kNumber) {
          part.in[k] = step.numbers;
        } else if (from >= kMaxOperands) {
          part.in[k] = values[from - kMaxOperands];
        } else {
          part.in[k] = static_cast<const float*>(row.in[from]) + (row.splat[from] ? 0 : at);
        }
        part.splat[k] = from == ChainStep::kNumber || (from < kMaxOperands && row.splat[from]);
      }
      part.params = step.numbers;
      part.out = s + 1 < chain.count ? values[s] : static_cast<float*>(row.out) + at;
      // Functions of one input take whole rows only.
      bool one = step.operands == 1 && part.splat[0];
      size_t n = part.n;
      if (one) part.n = 1;
      step.fn(part);
      if (one) std::fill_n(static_cast<float*>(part.out), n, *static_cast<float*>(part.out));
      part.n = n;
    }
  }
}

}  // namespace kinglet
