#include "kernels/copy/copy.h"
#include "ops/axes.h"
#include "ops/converted.h"
#include "ops/element.h"

namespace kinglet::ops {

namespace {

struct Params {
  Shape whole;  // what the indices count the elements of; it lies at the origin of the output
};

// The output's element for element `index` of p.whole.
Result<int64_t> place_of(const Params& p, int64_t index, const Shape& out) {
  KL_REQUIRE(index >= 0 && index < p.whole.count(), kIndexOutOfRange, "index ", index, " is outside ",
             p.whole);
  int64_t place = 0, step = 1;
  for (int d = out.rank() - 1; d >= 0; --d) {
    int64_t at = index % p.whole.at(d);
    KL_REQUIRE(at < out.at(d), kIndexOutOfRange, "index ", index, " of ", p.whole, " is outside ", out);
    place += at * step;
    step *= out.at(d);
    index /= p.whole.at(d);
  }
  return place;
}

Status run(const Params& p, Run& run) {
  const Tensor &in = run.in(0), &places = run.in(1), &out = run.out(0);
  static constexpr uint64_t kZero = 0;
  int bytes = element_bytes(out.dtype());
  kernels::fill(bytes, &kZero, out.data(), out.count(), run.parallel());
  for (int64_t i = 0; i < in.count(); ++i) {
    KL_ASSIGN(int64_t place, place_of(p, places.data<int64_t>()[i], out.shape()));
    kernels::copy_run(bytes, in.data() + i * bytes, out.data() + place * bytes, 1);
  }
  return {};
}

// The shape of the input of the pooling that is undone.
Result<Shape> whole_of(const OpContext& c) {
  const Shape& in = c.shape(0);
  int axes = in.rank() - 2;
  KL_REQUIRE(axes >= 1 && c.shape(1) == in, kInvalidShape, "X is ", in, ", I is ", c.shape(1));
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
  KL_ASSIGN([[maybe_unused]] int64_t count, checked_count(out));
  return out;
}

Status infer(InferContext& c) {
  KL_ASSIGN(Shape out, whole_of(c));
  if (c.has_input(2)) {
    const Tensor* wanted = c.constant(2);
    if (wanted == nullptr) return c.later();
    KL_REQUIRE(wanted->count() == out.rank(), kInvalidShape, "output_shape has ", wanted->count(),
               " entries");
    KL_ASSIGN(out, wanted->to_ints());
  }
  c.output(0, c.dtype(0), out);
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(Shape whole, whole_of(c));
  c.step<run>("scatter/unpool", Params{whole});
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
