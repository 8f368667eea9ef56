#include "kernels/elementwise/arithmetic.h"
#include "kernels/reduce/scan.h"

namespace kinglet {

namespace {

// Beside the other types' forms, which an overload of this name alone would hide.
using kinglet::wrapping_add;
inline float wrapping_add(float a, float b) { return a + b; }

// Of one row or of a block of columns; unsigned integers are summed as signed ones of the same bits.
template <class T>
void scan(const Scan& s, bool exclusive, bool reverse, const std::byte* in, std::byte* out, int64_t begin,
          int64_t end) {
  constexpr Compute kCompute = std::is_same_v<T, float>    ? Compute::kF32
                               : std::is_same_v<T, double> ? Compute::kF64
                                                           : Compute::kI64;
  T run[kRun], total[kRun];
  auto limit = static_cast<int64_t>(kRun);
  if (s.inner == 1) {
    for (int64_t row = begin; row < end; ++row) {
      total[0] = 0;
      for (int64_t done = 0; done < s.length; done += limit) {
        int64_t n = std::min(limit, s.length - done);
        int64_t at = row * s.length + (reverse ? s.length - done - n : done);
        load_run(s.dtype, in, at, kCompute, run, static_cast<size_t>(n));
        for (int64_t i = 0; i < n; ++i) {
          T& x = run[reverse ? n - 1 - i : i];
          T before = total[0];
          total[0] = wrapping_add(total[0], x);
          x = exclusive ? before : total[0];
        }
        store_run(kCompute, run, s.dtype, out, at, static_cast<size_t>(n));
      }
    }
    return;
  }
  int64_t blocks = (s.inner + limit - 1) / limit;
  for (int64_t block = begin; block < end; ++block) {
    int64_t first = block % blocks * limit;
    auto n = static_cast<size_t>(std::min(limit, s.inner - first));
    std::fill_n(total, n, T{0});
    for (int64_t r = 0; r < s.length; ++r) {
      int64_t at = (block / blocks * s.length + (reverse ? s.length - 1 - r : r)) * s.inner + first;
      load_run(s.dtype, in, at, kCompute, run, n);
      for (size_t i = 0; i < n; ++i) {
        T before = total[i];
        total[i] = wrapping_add(total[i], run[i]);
        run[i] = exclusive ? before : total[i];
      }
      store_run(kCompute, run, s.dtype, out, at, n);
    }
  }
}

}  // namespace

void run_cumsum(const Scan& s, bool exclusive, bool reverse, const std::byte* in, std::byte* out,
                Parallel& parallel) {
  Compute compute = compute_of(s.dtype);
  auto* fn = compute == Compute::kF32 ? scan<float> : compute == Compute::kF64 ? scan<double> : scan<int64_t>;
  int64_t blocks = s.outer * ((s.inner + static_cast<int64_t>(kRun) - 1) / static_cast<int64_t>(kRun));
  auto grain = static_cast<size_t>(1 + 16384 / std::max<int64_t>(1, s.length));
  parallel_for(parallel, static_cast<size_t>(blocks), grain, [&](size_t begin, size_t end) {
    fn(s, exclusive, reverse, in, out, static_cast<int64_t>(begin), static_cast<int64_t>(end));
  });
}

}  // namespace kinglet
