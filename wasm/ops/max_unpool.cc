#include "kernels/copy/copy.h"
#include "ops/axes.h"
#include "ops/converted.h"
#include "ops/element.h"

namespace kinglet::ops {

namespace {

struct Params {};

Status run(const Params&, Run& run) {
  const Tensor &in = run.in(0), &places = run.in(1), &out = run.out(0);
  static constexpr uint64_t kZero = 0;
  int bytes = element_bytes(out.dtype());
  kernels::fill(bytes, &kZero, out.data(), out.count(), run.parallel());
  for (int64_t i = 0; i < in.count(); ++i) {
    int64_t place = places.data<int64_t>()[i];
    KL_REQUIRE(place >= 0 && place < out.count(), kIndexOutOfRange, "index ", place,
               " is outside an output of ", out.count(), " elements");
    kernels::copy_run(bytes, in.data() + i * bytes, out.data() + place * bytes, 1);
  }
  return {};
}

Status infer(InferContext& c) {
  const Shape& in = c.shape(0);
  int axes = in.rank() - 2;
  KL_REQUIRE(axes >= 1 && c.shape(1) == in, kInvalidShape, "X is ", in, ", I is ", c.shape(1));
  if (c.has_input(2)) {
    const Tensor* wanted = c.constant(2);
    if (wanted == nullptr) return c.later();
    KL_REQUIRE(wanted->count() == in.rank(), kInvalidShape, "output_shape has ", wanted->count(), " entries");
    KL_ASSIGN(Shape out, wanted->to_ints());
    c.output(0, c.dtype(0), out);
    return {};
  }
  auto kernel = c.attributes().get_ints("kernel_shape"), strides = c.attributes().get_ints("strides"),
       pads = c.attributes().get_ints("pads");
  auto n = static_cast<size_t>(axes);
  KL_REQUIRE(kernel.size() == n && (strides.empty() || strides.size() == n) &&
                 (pads.empty() || pads.size() == 2 * n),
             kInvalidShape, "kernel_shape, strides or pads do not fit input ", in);
  Shape out{in[0], in[1]};
  for (size_t i = 0; i < n; ++i) {
    KL_ASSIGN(int64_t extent, checked_mul(in[i + 2] - 1, strides.empty() ? 1 : strides[i]));
    KL_ASSIGN(extent, checked_add(extent, kernel[i]));
    if (!pads.empty()) {
      KL_REQUIRE(pads[i] >= 0 && pads[i + n] >= 0, kInvalidArgument, "pads has a negative entry");
      KL_ASSIGN(int64_t both, checked_add(pads[i], pads[i + n]));
      KL_ASSIGN(extent, checked_add(extent, -both));
    }
    KL_REQUIRE(extent >= 0, kInvalidShape, "axis ", i + 2, " would have the extent ", extent);
    out.push_back(extent);
  }
  c.output(0, c.dtype(0), out);
  return {};
}

Status lower(LowerContext& c) {
  c.step<run>("scatter/unpool", Params{});
  return {};
}

}  // namespace

extern const OpDef max_unpool{
    .domain = kOnnx,
    .name = "MaxUnpool",
    .signature =
        "X:T I:int64 output_shape:int64? -> output:T | T=floats | kernel_shape:is! pads:is strides:is",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
