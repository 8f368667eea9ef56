#include "kernels/pool/pool.h"
#include "kernels/pool/window.h"
#include "simd/vec.h"

namespace kinglet::kernels {

namespace {

template <PoolKind kind, class T>
T pool_run(const T* in, int64_t count, int64_t p) {
  using W = Window<kind, T>;
  using V = Vec<T>;
  T total = W::kNothing;
  int64_t i = 0;
  if (kind != PoolKind::kLp || p <= 2) {
    V sums[4] = {V::splat(total), V::splat(total), V::splat(total), V::splat(total)};
    for (; i + 4 * V::kLanes <= count; i += 4 * V::kLanes) {
      for (int k = 0; k < 4; ++k) {
        V x = V::load(in + i + k * V::kLanes);
        if (kind == PoolKind::kLp) x = p == 2 ? x * x : max(x, V::splat(T{0}) - x);
        sums[k] = kind == PoolKind::kMax ? max(sums[k], x) : sums[k] + x;
      }
    }
    T lanes[4 * V::kLanes];
    for (int k = 0; k < 4; ++k) sums[k].store(lanes + k * V::kLanes);
    for (T x : lanes) total = W::join(total, x);
  }
  for (; i < count; ++i) total = W::join(total, W::prepare(in[i], p));
  return kind == PoolKind::kAverage ? total / static_cast<T>(count) : W::finish(total, p);
}

template <class T>
void run(PoolKind kind, int64_t p, int64_t planes, int64_t count, const void* in, void* out,
         Parallel& parallel) {
  auto* one = kind == PoolKind::kMax       ? pool_run<PoolKind::kMax, T>
              : kind == PoolKind::kAverage ? pool_run<PoolKind::kAverage, T>
                                           : pool_run<PoolKind::kLp, T>;
  auto grain = static_cast<size_t>((1 << 14) / std::max<int64_t>(count, 1));
  parallel_for(parallel, static_cast<size_t>(planes), grain, [&](size_t begin, size_t end) {
    for (auto i = static_cast<int64_t>(begin); i < static_cast<int64_t>(end); ++i)
      static_cast<T*>(out)[i] = one(static_cast<const T*>(in) + i * count, count, p);
  });
}

}  // namespace

void global_pool(PoolKind kind, int64_t p, DType dtype, int64_t planes, int64_t count, const void* in,
                 void* out, Parallel& parallel) {
  if (dtype == DType::kFloat64)
    run<double>(kind, p, planes, count, in, out, parallel);
  else
    run<float>(kind, p, planes, count, in, out, parallel);
}

}  // namespace kinglet::kernels
