#include "kernels/reduce/scan.h"
#include "simd/vec.h"

namespace kinglet {

namespace {

// Whether x takes the place of `best`; later elements ask.
template <class T>
bool wins(T x, T best, bool largest, bool last) {
  if (x == best) return last;
  if (x != x) return best == best || last;
  return best == best && (largest ? x > best : x < best);
}

template <class T>
void columns(const Scan& s, bool largest, bool last, const std::byte* in, int64_t* out, int64_t begin,
             int64_t end) {
  constexpr Compute kCompute = std::is_same_v<T, float>     ? Compute::kF32
                               : std::is_same_v<T, double>  ? Compute::kF64
                               : std::is_same_v<T, int64_t> ? Compute::kI64
                                                            : Compute::kU64;
  T best[kRun], run[kRun];
  int64_t blocks = (s.inner + static_cast<int64_t>(kRun) - 1) / static_cast<int64_t>(kRun);
  for (int64_t block = begin; block < end; ++block) {
    int64_t first = block % blocks * static_cast<int64_t>(kRun);
    int64_t base = block / blocks * s.length * s.inner + first;
    int64_t* index = out + block / blocks * s.inner + first;
    auto n = static_cast<size_t>(std::min(static_cast<int64_t>(kRun), s.inner - first));
    load_run(s.dtype, in, base, kCompute, best, n);
    for (size_t i = 0; i < n; ++i) index[i] = 0;
    for (int64_t r = 1; r < s.length; ++r) {
      load_run(s.dtype, in, base + r * s.inner, kCompute, run, n);
      for (size_t i = 0; i < n; ++i) {
        if (wins(run[i], best[i], largest, last)) best[i] = run[i], index[i] = r;
      }
    }
  }
}

template <class T>
int64_t arg_of(const T* x, int64_t begin, int64_t end, bool largest, bool last, T* best, int64_t index) {
  for (int64_t i = begin; i < end; ++i) {
    if (wins(x[i], *best, largest, last)) *best = x[i], index = i;
  }
  return index;
}

// float32 rows: stretches whose extreme does not win are passed over.
void rows(const Scan& s, bool largest, bool last, const std::byte* in, int64_t* out, int64_t begin,
          int64_t end) {
  using V = vec<float, 8>;
  constexpr int64_t kStretch = 64;
  for (int64_t row = begin; row < end; ++row) {
    const float* x = reinterpret_cast<const float*>(in) + row * s.length;
    float best = x[0];
    int64_t index = 0, i = 0;
    for (; i + kStretch <= s.length; i += kStretch) {
      V a = V::load(x + i);
      for (int64_t j = 8; j < kStretch; j += 8)
        a = largest ? maximum(a, V::load(x + i + j)) : minimum(a, V::load(x + i + j));
      float lanes[8], extreme = best;
      a.store(lanes);
      bool any = false;
      for (float lane : lanes) any |= wins(lane, extreme, largest, last);
      if (any) index = arg_of(x, i, i + kStretch, largest, last, &best, index);
    }
    out[row] = arg_of(x, i, s.length, largest, last, &best, index);
  }
}

}  // namespace

void run_arg(const Scan& s, bool largest, bool last, const std::byte* in, int64_t* out, Parallel& parallel) {
  auto* fn = columns<float>;
  int64_t blocks = s.outer * ((s.inner + static_cast<int64_t>(kRun) - 1) / static_cast<int64_t>(kRun));
  switch (compute_of(s.dtype)) {
    case Compute::kF32:
      if (s.dtype == DType::kFloat32 && s.inner == 1) fn = rows;
      break;
    case Compute::kF64:
      fn = columns<double>;
      break;
    case Compute::kI64:
      fn = columns<int64_t>;
      break;
    case Compute::kU64:
      fn = columns<uint64_t>;
      break;
  }
  auto grain = static_cast<size_t>(1 + 16384 / std::max<int64_t>(1, s.length));
  parallel_for(parallel, static_cast<size_t>(blocks), grain, [&](size_t begin, size_t end) {
    fn(s, largest, last, in, out, static_cast<int64_t>(begin), static_cast<int64_t>(end));
  });
}

}  // namespace kinglet
