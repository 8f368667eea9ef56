#include <cmath>

#include "ops/converted.h"

namespace kinglet::ops {

namespace {

struct Params {
  size_t order;
};

// The product of pivots of Gaussian elimination with the largest one of each column. `m` is changed.
double determinant(double* m, size_t n, const Parallel& pool) {
  double product = 1;
  for (size_t k = 0; k < n && !cancelled(pool); ++k) {
    size_t best = k;
    for (size_t i = k + 1; i < n; ++i) {
      if (!(std::fabs(m[i * n + k]) <= std::fabs(m[best * n + k]))) best = i;
    }
    double pivot = m[best * n + k];
    product *= best == k ? pivot : -pivot;
    if (pivot == 0) return product;
    double *row = m + k * n, *with = m + best * n;
    for (size_t j = k; j < n; ++j) std::swap(row[j], with[j]);
    for (size_t i = k + 1; i < n; ++i) {
      double factor = m[i * n + k] / pivot;
      for (size_t j = k + 1; j < n; ++j) m[i * n + j] -= factor * row[j];
    }
  }
  return product;
}

template <class T>
void determinants(const Params& p, Run& run) {
  const T* in = run.in(0).data<T>();
  T* out = run.out(0).data<T>();
  auto* scratch = reinterpret_cast<double*>(run.scratch());
  size_t elements = p.order * p.order;
  for (int64_t i = 0; i < run.out(0).count(); ++i, in += elements) {
    for (size_t j = 0; j < elements; ++j) scratch[j] = static_cast<double>(in[j]);
    out[i] = static_cast<T>(determinant(scratch, p.order, run.parallel()));
  }
}

Status run(const Params& p, Run& run) {
  if (run.in(0).dtype() == DType::kFloat64)
    determinants<double>(p, run);
  else
    determinants<float>(p, run);
  return {};
}

Status infer(InferContext& c) {
  Shape out = c.shape(0);
  KL_REQUIRE(out.rank() >= 2 && out.at(-1) == out.at(-2), kInvalidShape, "X has shape ", out,
             ", not square matrices");
  out.resize(out.rank() - 2);
  c.output(0, c.dtype(0), out);
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(auto order, checked_narrow<size_t>(c.shape(0).back()));
  KL_ASSIGN(size_t elements, checked_mul(order, order));
  KL_ASSIGN(size_t bytes, checked_mul(elements, sizeof(double)));
  c.scratch(bytes);
  add_float_step<run>(c, "det", c.dtype(0), Params{order});
  return {};
}

}  // namespace

extern const OpDef det{
    .domain = kOnnx, .name = "Det", .signature = "X:T -> Y:T | T=floats", .infer = infer, .lower = lower};

}  // namespace kinglet::ops
