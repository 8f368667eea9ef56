#include <algorithm>
#include <cmath>

#include "ops/converted.h"

namespace kinglet::ops {

namespace {

struct Params {
  int64_t matrices, n;
};

// Gauss-Jordan with the largest pivot of each column; `a` becomes the identity and `y` the inverse. A
// singular matrix gives infinities and NaN.
void invert(int64_t n, double* a, double* y) {
  std::fill_n(y, n * n, 0.0);
  for (int64_t i = 0; i < n; ++i) y[i * n + i] = 1;
  for (int64_t c = 0; c < n; ++c) {
    int64_t pivot = c;
    for (int64_t r = c + 1; r < n; ++r)
      if (std::fabs(a[r * n + c]) > std::fabs(a[pivot * n + c])) pivot = r;
    if (pivot != c) {
      std::swap_ranges(a + c * n, a + c * n + n, a + pivot * n);
      std::swap_ranges(y + c * n, y + c * n + n, y + pivot * n);
    }
    double scale = 1 / a[c * n + c];
    for (int64_t j = 0; j < n; ++j) a[c * n + j] *= scale, y[c * n + j] *= scale;
    for (int64_t r = 0; r < n; ++r) {
      double factor = a[r * n + c];
      if (r == c || factor == 0) continue;
      for (int64_t j = 0; j < n; ++j)
        a[r * n + j] -= factor * a[c * n + j], y[r * n + j] -= factor * y[c * n + j];
    }
  }
}

template <class T>
Status run_as(const Params& p, Run& run) {
  int64_t size = p.n * p.n;
  auto* work = reinterpret_cast<double*>(run.scratch());
  double* inverse = work + size;
  for (int64_t m = 0; m < p.matrices; ++m) {
    if (run.cancelled()) return fail(Code::kCancelled, "in matrix ", m);
    std::copy_n(run.in(0).data<T>() + m * size, size, work);
    invert(p.n, work, inverse);
    T* y = run.out(0).data<T>() + m * size;
    for (int64_t i = 0; i < size; ++i) y[i] = static_cast<T>(inverse[i]);
  }
  return {};
}

Status run(const Params& p, Run& run) {
  return run.out(0).dtype() == DType::kFloat64 ? run_as<double>(p, run) : run_as<float>(p, run);
}

Status infer(InferContext& c) {
  const Shape& x = c.shape(0);
  KL_REQUIRE(x.rank() >= 2 && x.at(-1) == x.at(-2), kInvalidShape, "X is ", x, ", expected square matrices");
  c.output(0, c.dtype(0), x);
  return {};
}

Status lower(LowerContext& c) {
  const Shape& x = c.shape(0);
  Params p{x.count(0, x.rank() - 2), x.back()};
  KL_ASSIGN(size_t bytes, checked_narrow<size_t>(p.n * p.n * 16));
  c.scratch(bytes);
  add_float_step<run>(c, "inverse", c.dtype(0), p);
  return {};
}

}  // namespace

extern const OpDef inverse{.domain = kMicrosoft,
                           .name = "Inverse",
                           .signature = "X:T -> Y:T | T=floats",
                           .infer = infer,
                           .lower = lower};

}  // namespace kinglet::ops
