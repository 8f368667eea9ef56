#include "kernels/cast/cast.h"

#include <algorithm>

namespace kinglet {

void cast_numbers(DType from, const std::byte* in, DType to, std::byte* out, int64_t n, bool saturate,
                  Parallel& parallel) {
  Compute compute = compute_of(from);
  bool direct_in = is_stored_as(from, compute), direct_out = is_stored_as(to, compute);
  size_t size = compute_size(compute);
  parallel_for(parallel, static_cast<size_t>(n), 16384, [&](size_t begin, size_t end) {
    alignas(16) std::byte run[kRun * 8];
    for (size_t at = begin; at < end; at += kRun) {
      size_t m = std::min(end - at, kRun);
      auto position = static_cast<int64_t>(at);
      if (direct_out) {
        load_run(from, in, position, compute, out + at * size, m);
      } else if (direct_in) {
        store_run(compute, in + at * size, to, out, position, m, saturate);
      } else {
        load_run(from, in, position, compute, run, m);
        store_run(compute, run, to, out, position, m, saturate);
      }
    }
  });
}

}  // namespace kinglet
