#include <algorithm>

#include "kernels/pool/pool.h"
#include "kernels/pool/window.h"

namespace kinglet::kernels {

namespace {

template <PoolKind kind, class T>
void pool_reference(const Pool& pool, const void* in, void* out, void*, Parallel&) {
  using W = Window<kind, T>;
  const T* source = static_cast<const T*>(in);
  T* target = static_cast<T*>(out);
  int64_t in_size = 1, out_size = 1, taps = 1;
  for (const PoolAxis& a : pool.axes) in_size *= a.in, out_size *= a.out, taps *= a.kernel;
  for (int64_t plane = 0; plane < pool.planes; ++plane, source += in_size) {
    for (int64_t o = 0; o < out_size; ++o) {
      T value = W::kNothing;
      int64_t counted = 0;
      for (int64_t t = 0; t < taps; ++t) {
        int64_t out_rest = o, tap_rest = t, place = 0, step = 1;
        bool inside = true;
        for (size_t i = pool.axes.size(); i-- > 0;) {
          const PoolAxis& a = pool.axes[i];
          int64_t at = out_rest % a.out * a.stride + tap_rest % a.kernel * a.dilation - a.pad_begin;
          out_rest /= a.out;
          tap_rest /= a.kernel;
          inside &= at >= 0 && at < a.in;
          place += at * step;
          step *= a.in;
        }
        if (inside) value = W::join(value, W::prepare(source[place], pool.p));
        counted += inside || pool.count_include_pad;
      }
      if (kind == PoolKind::kAverage) value /= static_cast<T>(std::max<int64_t>(counted, 1));
      *target++ = W::finish(value, pool.p);
    }
  }
}

}  // namespace

PoolFn find_pool_reference(PoolKind kind, DType dtype) {
#define POOL(name, type) \
  if (kind == PoolKind::k##name && dtype == kDTypeOf<type>) return pool_reference<PoolKind::k##name, type>;
#include "kernels/pool/pool.inc"
#undef POOL
  return nullptr;
}

}  // namespace kinglet::kernels
