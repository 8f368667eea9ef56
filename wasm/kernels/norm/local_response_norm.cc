#include "kernels/norm/norm.h"
#include "kernels/norm/statistics.h"

namespace kinglet {

namespace {

constexpr int64_t kBlock = 64;

template <class T>
void blocks(const LocalResponseNorm& p, const std::byte* x, std::byte* y, int64_t begin, int64_t end) {
  RunReader<T> reader(p.dtype, x);
  RunWriter<T> writer(p.dtype, y);
  T total[kBlock];
  int64_t per_plane = ceil_div(p.inner, kBlock);
  int64_t before = (p.size - 1) / 2, after = p.size - 1 - before;
  const T factor = static_cast<T>(p.alpha / static_cast<double>(p.size)), bias = static_cast<T>(p.bias),
          beta = static_cast<T>(-p.beta);
  for (int64_t block = begin; block < end; ++block) {
    int64_t first = block % per_plane * kBlock, plane = block / per_plane;
    int64_t channel = plane % p.channels, batch = plane / p.channels;
    auto n = static_cast<size_t>(std::min(kBlock, p.inner - first));
    auto place = [&](int64_t c) { return (batch * p.channels + c) * p.inner + first; };
    std::fill_n(total, n, T{0});
    int64_t last = std::min(p.channels - 1, channel + after);
    for (int64_t c = std::max<int64_t>(0, channel - before); c <= last; ++c) {
      const T* from = reader.at(place(c), n);
      for_lanes<T>(n, [&]<class V>(size_t i) {
        V v = V::load(from + i);
        madd(v, v, V::load(total + i)).store(total + i);
      });
    }
    const T* from = reader.at(place(channel), n);
    T* to = writer.at(place(channel));
    if (p.beta == 0.75) {
      // What networks have: a power of two roots.
      for_lanes<T>(n, [&]<class V>(size_t i) {
        V root = sqrt(madd(V::load(total + i), V::splat(factor), V::splat(bias)));
        (V::load(from + i) / (root * sqrt(root))).store(to + i);
      });
    } else {
      for_lanes<T>(n, [&]<class V>(size_t i) {
        V base = madd(V::load(total + i), V::splat(factor), V::splat(bias));
        (V::load(from + i) * lane_exp(V::splat(beta) * lane_log(base))).store(to + i);
      });
    }
    writer.done(place(channel), n);
  }
}

}  // namespace

void run_local_response_norm(const LocalResponseNorm& p, const std::byte* x, std::byte* y,
                             Parallel& parallel) {
  auto* fn = p.dtype == DType::kFloat64 ? blocks<double> : blocks<float>;
  auto total = static_cast<size_t>(p.batch * p.channels * ceil_div(p.inner, kBlock));
  parallel_for(parallel, total, 16, [&](size_t begin, size_t end) {
    fn(p, x, y, static_cast<int64_t>(begin), static_cast<int64_t>(end));
  });
}

}  // namespace kinglet
