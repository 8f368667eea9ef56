#include "ops/quant.h"

#include "kernels/cast/convert.h"

namespace kinglet {

namespace {

template <class T, class From>
void read(const Tensor& tensor, Compute compute, T* out, size_t n) {
  From run[kRun];
  for (size_t i = 0; i < n; i += kRun) {
    size_t part = std::min(n - i, kRun);
    load_run(tensor.dtype(), tensor.data(), static_cast<int64_t>(i), compute, run, part);
    for (size_t j = 0; j < part; ++j) out[i + j] = static_cast<T>(run[j]);
  }
}

}  // namespace

void read_ints(const Tensor& tensor, int32_t* out, size_t n) {
  read<int32_t, int64_t>(tensor, Compute::kI64, out, n);
}
void read_floats(const Tensor& tensor, float* out, size_t n) {
  read<float, float>(tensor, Compute::kF32, out, n);
}

bool all_equal(const int32_t* values, size_t n) {
  size_t i = 1;
  while (i < n && values[i] == values[0]) ++i;
  return i >= n;
}

int32_t zero_point(const Run& run, int input) {
  int32_t zero = 0;
  if (run.has_in(input)) read_ints(run.in(input), &zero, 1);
  return zero;
}
float scale_of(const Run& run, int input) {
  float scale = 1;
  if (run.has_in(input)) read_floats(run.in(input), &scale, 1);
  return scale;
}

Status require_single(const OpContext& c, int input, std::string_view name) {
  KL_REQUIRE(!c.has_input(input) || c.shape(input).count() == 1, kInvalidShape, name, " is ", c.shape(input),
             ", expected one element");
  return {};
}

QuantResult quant_result(DType dtype) {
  switch (dtype) {
    case DType::kInt8:
      return QuantResult::kInt8;
    case DType::kUInt8:
      return QuantResult::kUInt8;
    case DType::kInt32:
      return QuantResult::kInt32;
    default:
      return QuantResult::kFloat32;
  }
}

}  // namespace kinglet
