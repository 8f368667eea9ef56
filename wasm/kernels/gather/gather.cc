#include "kernels/gather/gather.h"

#include <algorithm>

#include "kernels/copy/element.h"

namespace kinglet::kernels {

void gather_runs(const GatherRuns& g, const void* source, const int64_t* offsets, void* target,
                 Parallel& parallel) {
  int64_t row_bytes = std::max<int64_t>(g.run * element_step(g.bytes), 1);
  with_element(g.bytes, [&]<class T>() {
    auto body = [&](size_t begin, size_t end) {
      auto o = static_cast<int64_t>(begin) / g.count, i = static_cast<int64_t>(begin) % g.count;
      T* out = static_cast<T*>(target) + static_cast<int64_t>(begin) * g.run;
      for (size_t n = begin; n < end; ++n, out += g.run) {
        const T* in = static_cast<const T*>(source) + o * g.source_step + offsets[i];
        if (g.run == 1)
          *out = *in;
        else
          copy_run(g.bytes, in, out, g.run);
        if (++i == g.count) i = 0, ++o;
      }
    };
    parallel_for(parallel, static_cast<size_t>(g.outer * g.count), static_cast<size_t>((1 << 16) / row_bytes),
                 body);
  });
}

}  // namespace kinglet::kernels
