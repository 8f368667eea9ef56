#include "kernels/norm/norm.h"
#include "kernels/norm/statistics.h"

namespace kinglet {

namespace {

template <class T>
void rows(const LayerNorm& p, const std::byte* x, Operand scale, Operand bias, std::byte* y, DType stash,
          std::byte* means, std::byte* deviations, int64_t begin, int64_t end) {
  RunReader<T> reader(p.dtype, x), scales(scale.dtype, scale.data), biases(bias.dtype, bias.data);
  RunWriter<T> writer(p.out, y);
  for (int64_t row = begin; row < end; ++row) {
    int64_t base = row * p.length;
    auto count = static_cast<double>(p.length);
    double mean = p.center ? sum_of(reader, base, p.length) / count : 0;
    double variance = sum_of_squares(reader, base, p.length, static_cast<T>(mean)) / count;
    double inverse = 1 / std::sqrt(variance + p.epsilon);
    if (means) store_run(Compute::kF64, &mean, stash, means, row, 1);
    if (deviations) store_run(Compute::kF64, &inverse, stash, deviations, row, 1);
    const T m = static_cast<T>(mean), d = static_cast<T>(inverse);
    for (int64_t done = 0; done < p.length;) {
      size_t n = reader.step(static_cast<size_t>(p.length - done));
      if (p.out != p.dtype) n = std::min(n, kRun);
      if (scale.data) n = std::min(n, scales.step(n));
      if (bias.data) n = std::min(n, biases.step(n));
      const T* from = reader.at(base + done, n);
      const T* s = scale.data ? scales.at(done, n) : nullptr;
      const T* b = bias.data ? biases.at(done, n) : nullptr;
      T* to = writer.at(base + done);
      for_lanes<T>(n, [&]<class V>(size_t i) {
        V v = (V::load(from + i) - V::splat(m)) * V::splat(d);
        if (s) v = v * V::load(s + i);
        if (b) v = v + V::load(b + i);
        v.store(to + i);
      });
      writer.done(base + done, n);
      done += static_cast<int64_t>(n);
    }
  }
}

}  // namespace

void run_layer_norm(const LayerNorm& p, const std::byte* x, Operand scale, Operand bias, std::byte* y,
                    DType stash, std::byte* mean, std::byte* deviation, Parallel& parallel) {
  auto* fn = p.dtype == DType::kFloat64 || p.out == DType::kFloat64 ? rows<double> : rows<float>;
  parallel_for(parallel, static_cast<size_t>(p.rows), row_grain(p.length), [&](size_t begin, size_t end) {
    fn(p, x, scale, bias, y, stash, mean, deviation, static_cast<int64_t>(begin), static_cast<int64_t>(end));
  });
}

}  // namespace kinglet
