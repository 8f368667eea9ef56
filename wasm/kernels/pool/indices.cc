#include <algorithm>
#include <array>

#include "base/shape.h"
#include "kernels/pool/pool.h"
#include "kernels/pool/window.h"

namespace kinglet::kernels {

namespace {

template <class T>
void plane_indices(const Pool& pool, bool column_major, int64_t base, const T* in, T* out, int64_t* places) {
  size_t rank = pool.axes.size();
  std::array<int64_t, kMaxRank> at{}, tap{}, begin{}, end{}, step{}, place_step{};
  int64_t stride = 1;
  for (size_t i = rank; i-- > 0; stride *= pool.axes[i].in) step[i] = stride;
  place_step = step;
  if (column_major) {
    stride = 1;
    for (size_t i = 0; i < rank; stride *= pool.axes[i++].in) place_step[i] = stride;
  }
  for (bool more_outputs = true; more_outputs;) {
    T best = Window<PoolKind::kMax, T>::kNothing;
    int64_t best_place = -1;
    bool more = true;
    for (size_t i = 0; i < rank; ++i) {
      const PoolAxis& a = pool.axes[i];
      int64_t first = at[i] * a.stride - a.pad_begin;
      begin[i] = first >= 0 ? 0 : (a.dilation - 1 - first) / a.dilation;
      end[i] = std::min(a.kernel, first >= a.in ? 0 : (a.in - first + a.dilation - 1) / a.dilation);
      tap[i] = begin[i];
      more &= begin[i] < end[i];
    }
    while (more) {
      int64_t source = 0, place = base;
      for (size_t i = 0; i < rank; ++i) {
        int64_t x = at[i] * pool.axes[i].stride - pool.axes[i].pad_begin + tap[i] * pool.axes[i].dilation;
        source += x * step[i];
        place += x * place_step[i];
      }
      if (best_place < 0 || best < in[source]) best = in[source], best_place = place;
      more = false;
      for (size_t i = rank; i-- > 0 && !more;) {
        more = ++tap[i] < end[i];
        if (!more) tap[i] = begin[i];
      }
    }
    *out++ = best;
    *places++ = std::max<int64_t>(best_place, 0);
    more_outputs = false;
    for (size_t i = rank; i-- > 0 && !more_outputs;) {
      more_outputs = ++at[i] < pool.axes[i].out;
      if (!more_outputs) at[i] = 0;
    }
  }
}

template <class T>
void run(const Pool& pool, bool column_major, const void* in, void* out, int64_t* places,
         Parallel& parallel) {
  int64_t in_size = 1, out_size = 1;
  for (const PoolAxis& a : pool.axes) in_size *= a.in, out_size *= a.out;
  parallel_for(parallel, static_cast<size_t>(pool.planes), 1, [&](size_t begin, size_t end) {
    for (auto i = static_cast<int64_t>(begin); i < static_cast<int64_t>(end); ++i)
      plane_indices(pool, column_major, i * in_size, static_cast<const T*>(in) + i * in_size,
                    static_cast<T*>(out) + i * out_size, places + i * out_size);
  });
}

}  // namespace

void max_pool_indices(const Pool& pool, DType dtype, bool column_major, const void* in, void* out,
                      int64_t* places, Parallel& parallel) {
  switch (dtype) {
    case DType::kFloat64:
      return run<double>(pool, column_major, in, out, places, parallel);
    case DType::kInt8:
      return run<int8_t>(pool, column_major, in, out, places, parallel);
    case DType::kUInt8:
      return run<uint8_t>(pool, column_major, in, out, places, parallel);
    default:
      return run<float>(pool, column_major, in, out, places, parallel);
  }
}

}  // namespace kinglet::kernels
