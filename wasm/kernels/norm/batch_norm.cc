#include "kernels/norm/norm.h"
#include "kernels/norm/statistics.h"

namespace kinglet {

namespace {

template <class T>
void run(const BatchNorm& p, const std::byte* x, Operand scale, Operand bias, Operand mean, Operand variance,
         std::byte* y, std::byte* scratch, Parallel& parallel) {
  T* a = reinterpret_cast<T*>(scratch);
  T* b = a + p.channels;
  RunReader<T> scales(scale.dtype, scale.data), biases(bias.dtype, bias.data), means(mean.dtype, mean.data),
      variances(variance.dtype, variance.data);
  for (int64_t c = 0; c < p.channels; ++c) {
    double factor =
        static_cast<double>(scales.one(c)) / std::sqrt(static_cast<double>(variances.one(c)) + p.epsilon);
    a[c] = static_cast<T>(factor);
    b[c] = static_cast<T>(static_cast<double>(biases.one(c)) - static_cast<double>(means.one(c)) * factor);
  }
  if (p.inner != 1) {
    parallel_for(parallel, static_cast<size_t>(p.batch * p.channels), row_grain(p.inner),
                 [&](size_t begin, size_t end) {
                   RunReader<T> reader(p.dtype, x);
                   RunWriter<T> writer(p.dtype, y);
                   for (auto i = static_cast<int64_t>(begin); i < static_cast<int64_t>(end); ++i)
                     scale_shift(reader, writer, i * p.inner, p.inner, a[i % p.channels], b[i % p.channels]);
                 });
    return;
  }
  parallel_for(parallel, static_cast<size_t>(p.batch), row_grain(p.channels), [&](size_t begin, size_t end) {
    RunReader<T> reader(p.dtype, x);
    RunWriter<T> writer(p.dtype, y);
    for (auto row = static_cast<int64_t>(begin); row < static_cast<int64_t>(end); ++row) {
      for (int64_t c = 0; c < p.channels;) {
        size_t n = reader.step(static_cast<size_t>(p.channels - c));
        int64_t at = row * p.channels + c;
        const T* from = reader.at(at, n);
        T* to = writer.at(at);
        for_lanes<T>(n, [&]<class V>(size_t i) {
          auto k = static_cast<size_t>(c) + i;
          madd(V::load(from + i), V::load(a + k), V::load(b + k)).store(to + i);
        });
        writer.done(at, n);
        c += static_cast<int64_t>(n);
      }
    }
  });
}

template <class T>
void statistics(const BatchNorm& p, const std::byte* x, double* mean, double* variance, size_t begin,
                size_t end) {
  RunReader<T> reader(p.dtype, x);
  auto count = static_cast<double>(p.batch * p.inner);
  for (size_t c = begin; c < end; ++c) {
    auto base = [&](int64_t n) { return (n * p.channels + static_cast<int64_t>(c)) * p.inner; };
    double total = 0;
    for (int64_t n = 0; n < p.batch; ++n) total += sum_of(reader, base(n), p.inner);
    mean[c] = total / count;
    total = 0;
    for (int64_t n = 0; n < p.batch; ++n)
      total += sum_of_squares(reader, base(n), p.inner, static_cast<T>(mean[c]));
    variance[c] = total / count;
  }
}

}  // namespace

size_t batch_norm_scratch(const BatchNorm& p) {
  return static_cast<size_t>(p.channels) * 2 * (p.dtype == DType::kFloat64 ? 8 : 4) + 16;
}

void run_batch_norm(const BatchNorm& p, const std::byte* x, Operand scale, Operand bias, Operand mean,
                    Operand variance, std::byte* y, std::byte* scratch, Parallel& parallel) {
  auto* fn = p.dtype == DType::kFloat64 ? run<double> : run<float>;
  fn(p, x, scale, bias, mean, variance, y, scratch, parallel);
}

void channel_statistics(const BatchNorm& p, const std::byte* x, double* mean, double* variance,
                        Parallel& parallel) {
  auto* fn = p.dtype == DType::kFloat64 ? statistics<double> : statistics<float>;
  parallel_for(parallel, static_cast<size_t>(p.channels), row_grain(p.batch * p.inner),
               [&](size_t begin, size_t end) { fn(p, x, mean, variance, begin, end); });
}

}  // namespace kinglet
