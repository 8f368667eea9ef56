#include <cmath>
#include <numbers>

#include "kernels/cast/convert.h"
#include "ops/context.h"

namespace kinglet::ops {

namespace {

struct Params {
  // value(i) = a0 + a1 cos(2 pi i / n) + a2 cos(4 pi i / n)
  double a0, a1, a2;
  bool periodic;
};

Status run(const Params& p, Run& run) {
  const Tensor& out = run.out(0);
  double n = static_cast<double>(out.count()) - (p.periodic ? 0 : 1), values[kRun];
  for (int64_t at = 0; at < out.count(); at += kRun) {
    auto count = static_cast<size_t>(std::min<int64_t>(kRun, out.count() - at));
    for (size_t i = 0; i < count; ++i) {
      double t = 2 * std::numbers::pi * static_cast<double>(at + static_cast<int64_t>(i)) / n;
      // A symmetric window of one element has no period.
      values[i] = n > 0 ? p.a0 + p.a1 * std::cos(t) + p.a2 * std::cos(2 * t) : 1;
    }
    store_run(Compute::kF64, values, out.dtype(), out.data(), at, count);
  }
  return {};
}

Status infer(InferContext& c) {
  int64_t dtype = c.attributes().get_int("output_datatype", 1);
  KL_REQUIRE(
      is_dtype(dtype) && dtype_bits(static_cast<DType>(dtype)) >= 8 &&
          std::string_view("fiu").find(dtype_kind(static_cast<DType>(dtype))) != std::string_view::npos,
      kUnsupportedType, "output_datatype is ", dtype);
  const Tensor* size = c.constant(0);
  if (size == nullptr) return c.later();
  KL_REQUIRE(size->count() == 1, kInvalidShape, "size has shape ", size->shape(), ", not one element");
  KL_ASSIGN(Shape extents, size->to_ints());
  c.output(0, static_cast<DType>(dtype), {extents[0]});
  return {};
}

Status lower(LowerContext& c) {
  std::string_view name = c.node().def->name;
  Params p{0.5, -0.5, 0, c.attributes().get_int("periodic", 1) != 0};
  if (name == "HammingWindow") p.a0 = 25.0 / 46, p.a1 = -21.0 / 46;
  if (name == "BlackmanWindow") p.a0 = 0.42, p.a2 = 0.08;
  c.step<run>("window", p);
  return {};
}

#define KL_WINDOW(name) \
  {kOnnx, name, "size:int32,int64 -> output:T | T=numeric | output_datatype:i=1 periodic:i=1", infer, lower}
constexpr OpDef kWindows[] = {KL_WINDOW("BlackmanWindow"), KL_WINDOW("HammingWindow"),
                              KL_WINDOW("HannWindow")};
#undef KL_WINDOW

}  // namespace

std::span<const OpDef> windows() { return kWindows; }

}  // namespace kinglet::ops
