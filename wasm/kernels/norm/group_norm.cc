#include "kernels/norm/norm.h"
#include "kernels/norm/statistics.h"

namespace kinglet {

namespace {

template <class T>
void groups(const GroupNorm& p, const std::byte* x, Operand scale, Operand bias, std::byte* y, int64_t begin,
            int64_t end) {
  RunReader<T> reader(p.dtype, x), scales(scale.dtype, scale.data), biases(bias.dtype, bias.data);
  RunWriter<T> writer(p.dtype, y);
  int64_t length = p.channels_per_group * p.inner, per_batch = p.channels / p.channels_per_group;
  for (int64_t group = begin; group < end; ++group) {
    int64_t base = group * length;
    double mean = sum_of(reader, base, length) / static_cast<double>(length);
    double variance =
        sum_of_squares(reader, base, length, static_cast<T>(mean)) / static_cast<double>(length);
    double inverse = 1 / std::sqrt(variance + p.epsilon);
    for (int64_t i = 0; i < p.channels_per_group; ++i) {
      int64_t channel = group % per_batch * p.channels_per_group + i;
      double a = static_cast<double>(scales.one(channel)) * inverse;
      double b = static_cast<double>(biases.one(channel)) - mean * a;
      scale_shift(reader, writer, base + i * p.inner, p.inner, static_cast<T>(a), static_cast<T>(b));
    }
  }
}

}  // namespace

void run_group_norm(const GroupNorm& p, const std::byte* x, Operand scale, Operand bias, std::byte* y,
                    Parallel& parallel) {
  auto* fn = p.dtype == DType::kFloat64 ? groups<double> : groups<float>;
  auto total = static_cast<size_t>(p.batch * (p.channels / p.channels_per_group));
  parallel_for(parallel, total, row_grain(p.channels_per_group * p.inner), [&](size_t begin, size_t end) {
    fn(p, x, scale, bias, y, static_cast<int64_t>(begin), static_cast<int64_t>(end));
  });
}

}  // namespace kinglet
