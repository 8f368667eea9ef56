#include "kernels/softmax/softmax.h"

#include <algorithm>
#include <limits>

#include "kernels/cast/runs.h"

namespace kinglet {

namespace {

// Into `largest`, element by element. A NaN is never the largest: it makes the sum of exponentials one.
template <class T>
void raise(const T* x, size_t n, T* largest) {
  for_lanes<T>(n, [&]<class V>(size_t i) { max(V::load(largest + i), V::load(x + i)).store(largest + i); });
}

template <class T>
T largest_of(const T* x, size_t n, T largest) {
  size_t i = 0;
  if constexpr (std::is_same_v<T, float>) {
    using V = vec<float, 8>;
    V m = V::splat(largest);
    for (; i + 8 <= n; i += 8) m = max(m, V::load(x + i));
    T lanes[8];
    m.store(lanes);
    for (T lane : lanes) largest = std::max(largest, lane);
  }
  for (; i < n; ++i) largest = std::max(largest, x[i]);
  return largest;
}

// e = exp(x - shift), and its sum.
template <class T>
double exponentials(const T* x, size_t n, T shift, T* e) {
  for_lanes<T>(n, [&]<class V>(size_t i) { lane_exp(V::load(x + i) - V::splat(shift)).store(e + i); });
  return sum_lanes(e, n, [](auto v) { return v; });
}

template <class T>
void rows(const Softmax& s, const std::byte* in, std::byte* out, int64_t begin, int64_t end) {
  RunReader<T> reader(s.dtype, in);
  RunWriter<T> writer(s.dtype, out);
  T scrap[kRun];
  auto length = static_cast<size_t>(s.length);
  // Exponentials stay in `out` where that has room for them.
  bool keep = reader.direct() && !s.log;
  size_t step = keep ? length : std::min(length, kRun);
  for (int64_t row = begin; row < end; ++row) {
    int64_t base = row * s.length;
    T largest = -std::numeric_limits<T>::infinity();
    double total = 0;
    auto pieces = [&](auto body) {
      for (size_t done = 0; done < length; done += step) {
        size_t n = std::min(step, length - done);
        int64_t at = base + static_cast<int64_t>(done);
        body(reader.at(at, n), at, n);
      }
    };
    pieces([&](const T* x, int64_t, size_t n) { largest = largest_of(x, n, largest); });
    pieces([&](const T* x, int64_t at, size_t n) {
      total += exponentials(x, n, largest, keep ? writer.at(at) : scrap);
    });
    // Not added to `largest`, beside which it may vanish.
    T scale = static_cast<T>(1 / total), log_total = static_cast<T>(std::log(total));
    if (keep) {
      T* y = writer.at(base);
      for_lanes<T>(length, [&]<class V>(size_t i) { (V::load(y + i) * V::splat(scale)).store(y + i); });
      continue;
    }
    pieces([&](const T* x, int64_t at, size_t n) {
      T* y = writer.at(at);
      for_lanes<T>(n, [&]<class V>(size_t i) {
        V v = V::load(x + i) - V::splat(largest);
        v = s.log ? v - V::splat(log_total) : lane_exp(v) * V::splat(scale);
        v.store(y + i);
      });
      writer.done(at, n);
    });
  }
}

// Blocks of neighbouring columns.
template <class T>
void columns(const Softmax& s, const std::byte* in, std::byte* out, int64_t begin, int64_t end) {
  RunReader<T> reader(s.dtype, in);
  RunWriter<T> writer(s.dtype, out);
  constexpr size_t kColumns = 64;
  T largest[kColumns], total[kColumns];
  int64_t blocks = (s.inner + static_cast<int64_t>(kColumns) - 1) / static_cast<int64_t>(kColumns);
  for (int64_t block = begin; block < end; ++block) {
    int64_t first = block % blocks * static_cast<int64_t>(kColumns);
    int64_t base = block / blocks * s.length * s.inner + first;
    size_t n = std::min(kColumns, static_cast<size_t>(s.inner - first));
    std::fill_n(largest, n, -std::numeric_limits<T>::infinity());
    std::fill_n(total, n, T{0});
    for (int64_t r = 0; r < s.length; ++r) raise(reader.at(base + r * s.inner, n), n, largest);
    for (int64_t r = 0; r < s.length; ++r) {
      const T* x = reader.at(base + r * s.inner, n);
      for_lanes<T>(n, [&]<class V>(size_t i) {
        (V::load(total + i) + lane_exp(V::load(x + i) - V::load(largest + i))).store(total + i);
      });
    }
    for_lanes<T>(n, [&]<class V>(size_t i) {
      V t = V::load(total + i);
      (s.log ? lane_log(t) : V::splat(1) / t).store(total + i);
    });
    for (int64_t r = 0; r < s.length; ++r) {
      int64_t at = base + r * s.inner;
      const T* x = reader.at(at, n);
      T* y = writer.at(at);
      for_lanes<T>(n, [&]<class V>(size_t i) {
        V v = V::load(x + i) - V::load(largest + i), t = V::load(total + i);
        (s.log ? v - t : lane_exp(v) * t).store(y + i);
      });
      writer.done(at, n);
    }
  }
}

template <class T>
void run(const Softmax& s, const std::byte* in, std::byte* out, Parallel& parallel) {
  bool by_rows = s.inner == 1;
  int64_t blocks = by_rows ? 1 : (s.inner + 63) / 64;
  auto grain =
      static_cast<size_t>(std::max<int64_t>(1, 8192 / std::max<int64_t>(1, s.length * (by_rows ? 1 : 64))));
  parallel_for(parallel, static_cast<size_t>(s.outer * blocks), grain, [&](size_t begin, size_t end) {
    (by_rows ? rows<T> : columns<T>)(s, in, out, static_cast<int64_t>(begin), static_cast<int64_t>(end));
  });
}

}  // namespace

void run_softmax(const Softmax& s, const std::byte* in, std::byte* out, Parallel& parallel) {
  s.dtype == DType::kFloat64 ? run<double>(s, in, out, parallel) : run<float>(s, in, out, parallel);
}

}  // namespace kinglet
