#include "ops/converted.h"

namespace kinglet::ops {

namespace {

struct Params {
  bool align_corners;
};

// For each place (.., y, x) of the output the vector theta * (x, y, .., 1), coordinates running from -1 to 1.
template <class T>
void write_grid(bool align_corners, const Tensor& theta, const Tensor& out) {
  int axes = theta.rank() == 3 ? static_cast<int>(theta.shape()[1]) : 0;
  auto n = static_cast<size_t>(axes);
  const T* matrix = theta.data<T>();
  T* target = out.data<T>();
  int64_t places = out.shape().count(1, axes + 1);
  for (int64_t batch = 0; batch < out.shape()[0]; ++batch, matrix += n * (n + 1)) {
    for (int64_t place = 0; place < places; ++place, target += n) {
      T at[3] = {};
      int64_t rest = place;
      for (int i = axes; i >= 1; --i) {
        int64_t extent = out.shape().at(i), index = rest % extent;
        rest /= extent;
        double x = align_corners
                       ? (extent > 1 ? 2.0 * static_cast<double>(index) / static_cast<double>(extent - 1) : 0)
                       : (2.0 * static_cast<double>(index) + 1) / static_cast<double>(extent);
        at[axes - i] = static_cast<T>(x - 1);
      }
      for (size_t r = 0; r < n; ++r) {
        T sum = matrix[r * (n + 1) + n];
        for (size_t k = 0; k < n; ++k) sum += matrix[r * (n + 1) + k] * at[k];
        target[r] = sum;
      }
    }
  }
}

Status run(const Params& p, Run& run) {
  if (run.out(0).dtype() == DType::kFloat64)
    write_grid<double>(p.align_corners, run.in(0), run.out(0));
  else
    write_grid<float>(p.align_corners, run.in(0), run.out(0));
  return {};
}

Status infer(InferContext& c) {
  const Tensor* wanted = c.constant(1);
  if (wanted == nullptr) return c.later();
  KL_ASSIGN(Shape size, wanted->to_ints());
  int axes = size.rank() - 2;
  KL_REQUIRE(axes == 2 || axes == 3, kInvalidShape, "size has ", size.rank(), " entries, expected 4 or 5");
  KL_REQUIRE(c.shape(0) == (Shape{size[0], axes, axes + 1}), kInvalidShape, "theta has shape ", c.shape(0),
             " for size ", size);
  Shape out = size;
  out.erase(1);
  out.push_back(axes);
  c.output(0, c.dtype(0), out);
  return {};
}

Status lower(LowerContext& c) {
  add_float_step<run>(c, "affine_grid", c.dtype(0), Params{c.attributes().get_int("align_corners") != 0});
  return {};
}

}  // namespace

extern const OpDef affine_grid{.domain = kOnnx,
                               .name = "AffineGrid",
                               .signature = "theta:T size:int64 -> grid:T | T=floats | align_corners:i=0",
                               .infer = infer,
                               .lower = lower};

}  // namespace kinglet::ops
