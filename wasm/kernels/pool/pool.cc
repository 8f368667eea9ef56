#include "kernels/pool/pool.h"

#include <algorithm>
#include <array>

#include "base/checked.h"
#include "base/shape.h"
#include "kernels/pool/window.h"
#include "simd/interleave.h"

namespace kinglet::kernels {

namespace {

// Elements of the padded row that the windows along the last axis read.
int64_t row_length(const PoolAxis& a) { return (a.out - 1) * a.stride + a.reach(); }

template <PoolKind kind, class V>
V join(V a, V b) {
  if constexpr (kind == PoolKind::kMax)
    return max(a, b);
  else
    return a + b;
}

// to[i] = the join over r < rows of from[r * step + i], and of to[i] unless `first`; elements as W::prepare
// makes them.
template <PoolKind kind, class T>
void join_rows(const T* __restrict from, int64_t step, int64_t rows, bool first, int64_t p, T* __restrict to,
               int64_t n) {
  using W = Window<kind, T>;
  int64_t i = 0;
  if constexpr (sizeof(T) < 8) {
    constexpr int kLanes = sizeof(T) == 1 ? 16 : 8;
    using V = vec<T, kLanes>;
    const int64_t vectors = kind == PoolKind::kLp && p != 2 ? 0 : n;
    // A row that is written for the first time ends with a whole vector, part of it once more.
    const int64_t last = first ? vectors - kLanes : vectors;
#pragma nounroll
    for (; i + kLanes <= vectors; i = i < last ? std::min(i + kLanes, last) : i + kLanes) {
      V sum = first ? V::splat(W::kNothing) : V::load(to + i);
#pragma nounroll
      for (int64_t r = 0; r < rows; ++r) {
        V x = V::load(from + r * step + i);
        if constexpr (kind == PoolKind::kLp) x = x * x;
        sum = join<kind>(sum, x);
      }
      sum.store(to + i);
    }
  }
  if (first) std::fill(to + i, to + n, W::kNothing);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t j = i; j < n; ++j) to[j] = W::join(to[j], W::prepare(from[r * step + j], p));
}

// out[i] = join over k of row[i * stride + k * dilation]; averages divide that by share * counts[i].
template <PoolKind kind, class T>
void join_along(const PoolAxis& a, const T* __restrict row, const T* __restrict counts, T share,
                T* __restrict out) {
  using W = Window<kind, T>;
  if constexpr (sizeof(T) < 8) {
    using V = Vec<T>;
    constexpr int64_t lanes = V::kLanes;
    if (a.stride <= 2 && a.out >= lanes) {
#pragma nounroll
      for (int64_t i = 0; i < a.out; i += lanes) {
        i = std::min(i, a.out - lanes);
        const T* r = row + i * a.stride;
        auto tap = [&] { return a.stride == 1 ? V::load(r) : even(V::load(r), V::load(r + lanes)); };
        V all = tap();
#pragma nounroll
        for (int64_t k = 1; k < a.kernel; ++k) {
          r += a.dilation;
          all = join<kind>(all, tap());
        }
        if constexpr (kind == PoolKind::kAverage) all = all / (V::splat(share) * V::load(counts + i));
        all.store(out + i);
      }
      return;
    }
  }
  for (int64_t k = 0; k < a.kernel; ++k) {
    const T* r = row + k * a.dilation;
    for (int64_t i = 0; i < a.out; ++i) out[i] = k == 0 ? r[i * a.stride] : W::join(out[i], r[i * a.stride]);
  }
  if constexpr (kind == PoolKind::kAverage) {
    for (int64_t i = 0; i < a.out; ++i) out[i] = out[i] / (share * counts[i]);
  }
}

// Every output row is the join of a window of input rows, gathered first; then joined along the row.
template <PoolKind kind, class T>
void pool_plane(const Pool& pool, const T* in, T* out, T* row) {
  using W = Window<kind, T>;
  size_t outer = pool.axes.size() - 1;
  const PoolAxis& last = pool.axes[outer];
  T* counts = row + row_length(last) + 8;
  if (kind == PoolKind::kAverage) {
    for (int64_t i = 0; i < last.out; ++i)
      counts[i] =
          static_cast<T>(pool.count_include_pad ? last.kernel : std::max<int64_t>(tap_count(last, i), 1));
  }
  int64_t visible = std::clamp<int64_t>(row_length(last) - last.pad_begin, 0, last.in);
  std::array<int64_t, kMaxRank> at{}, tap{}, begin{}, end{}, step{};
  int64_t stride = last.in;
  for (size_t i = outer; i-- > 0; stride *= pool.axes[i].in) step[i] = stride;

  // The border stays as it is; the rest is written for each row of outputs.
  std::fill_n(row, row_length(last), W::kNothing);
  // Rows of the last axis but one are joined together; this loop walks the taps of those before it.
  const size_t walked = std::max<size_t>(outer, 1) - 1;
  const int64_t row_step = outer > 0 ? pool.axes[walked].dilation * step[walked] : 0;
  for (bool more_rows = true; more_rows;) {
    T taken = 1;
    bool any = true;
    for (size_t i = 0; i < outer; ++i) {
      const PoolAxis& a = pool.axes[i];
      int64_t first = at[i] * a.stride - a.pad_begin;
      begin[i] = first >= 0 ? 0 : (a.dilation - 1 - first) / a.dilation;
      end[i] = std::min(a.kernel, first >= a.in ? 0 : (a.in - first + a.dilation - 1) / a.dilation);
      tap[i] = begin[i];
      any &= begin[i] < end[i];
      if (kind == PoolKind::kAverage)
        taken *= static_cast<T>(pool.count_include_pad ? a.kernel : tap_count(a, at[i]));
    }
    if (!any) std::fill_n(row + last.pad_begin, visible, W::kNothing);
    bool first = true;
    for (bool more = any; more; first = false) {
      const T* source = in;
      for (size_t i = 0; i < outer; ++i) {
        const PoolAxis& a = pool.axes[i];
        source += (at[i] * a.stride - a.pad_begin + tap[i] * a.dilation) * step[i];
      }
      join_rows<kind>(source, row_step, outer > 0 ? end[walked] - begin[walked] : 1, first, pool.p,
                      row + last.pad_begin, visible);
      more = false;
      for (size_t i = walked; i-- > 0 && !more;) {
        more = ++tap[i] < end[i];
        if (!more) tap[i] = begin[i];
      }
    }
    join_along<kind>(last, row, counts, taken == 0 ? T{1} : taken, out);
    if (kind == PoolKind::kLp) {
      for (int64_t i = 0; i < last.out; ++i) out[i] = W::finish(out[i], pool.p);
    }
    out += last.out;
    more_rows = false;
    for (size_t i = outer; i-- > 0 && !more_rows;) {
      more_rows = ++at[i] < pool.axes[i].out;
      if (!more_rows) at[i] = 0;
    }
  }
}

int64_t plane_size(const Pool& pool, int64_t PoolAxis::* extent) {
  int64_t n = 1;
  for (const PoolAxis& a : pool.axes) n *= a.*extent;
  return n;
}

// Scratch of one plane in elements.
int64_t worker_length(const PoolAxis& last) { return row_length(last) + last.out + 16; }

template <PoolKind kind, class T>
void pool_all(const Pool& pool, const void* in, void* out, void* scratch, Parallel& parallel) {
  int64_t in_size = plane_size(pool, &PoolAxis::in), out_size = plane_size(pool, &PoolAxis::out);
  int64_t work = in_size + out_size, length = worker_length(pool.axes.back());
  // Each range of planes has its own part of scratch: there are at most `threads` ranges.
  int64_t ranges = std::min<int64_t>(parallel.threads(), pool.planes);
  int64_t share = ceil_div(pool.planes, std::max<int64_t>(ranges, 1));
  auto body = [&](size_t first, size_t last) {
    for (size_t range = first; range < last; ++range) {
      T* row = static_cast<T*>(scratch) + static_cast<int64_t>(range) * length;
      int64_t end = std::min(pool.planes, static_cast<int64_t>(range + 1) * share);
      for (int64_t i = static_cast<int64_t>(range) * share; i < end; ++i) {
        if (work > (1 << 20) && parallel.cancel != nullptr && parallel.cancel->set()) return;
        pool_plane<kind>(pool, static_cast<const T*>(in) + i * in_size, static_cast<T*>(out) + i * out_size,
                         row);
      }
    }
  };
  parallel_for(parallel, static_cast<size_t>(ranges), 1, body);
}

}  // namespace

size_t pool_scratch_bytes(const Pool& pool, DType dtype, int threads) {
  int64_t bytes = worker_length(pool.axes.back());
  if (mul_overflows(bytes, int64_t{dtype_bits(dtype) / 8} * threads, &bytes) || !fits<size_t>(bytes))
    return 0;
  return static_cast<size_t>(bytes);
}

std::span<const PoolVariant> pool_variants() {
  static constexpr PoolVariant kVariants[] = {
#define POOL(kind, type) \
  {"pool/" #kind "_" #type, PoolKind::k##kind, kDTypeOf<type>, pool_all<PoolKind::k##kind, type>},
#include "kernels/pool/pool.inc"
#undef POOL
  };
  return kVariants;
}

const PoolVariant* find_pool(PoolKind kind, DType dtype) {
  for (const PoolVariant& v : pool_variants()) {
    if (v.kind == kind && v.dtype == dtype) return &v;
  }
  return nullptr;
}

}  // namespace kinglet::kernels
