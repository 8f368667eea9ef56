#include "ops/elementwise.h"

#include <cstring>

#include "base/number.h"

namespace kinglet::ops {

Status run_elementwise_step(const ElementwiseStep& step, Run& run) {
  std::byte* out = run.out(0).data();
  int next = 0;
  for (const Elementwise& kernel : step.kernels) {
    const std::byte* in[kMaxOperands] = {out, out, out};
    bool first = &kernel == step.kernels.data();
    for (int k = first ? 0 : 1; k < kernel.loop.operands; ++k) in[k] = run.in(next++).data();
    run_elementwise(kernel, in, out, step.params.data(), run.parallel());
  }
  return {};
}

Status infer_same(InferContext& c) {
  c.output(0, c.dtype(0), c.shape(0));
  return {};
}

Status infer_broadcast(InferContext& c, DType dtype) {
  Shape shape = c.shape(0);
  for (int i = 1; i < c.input_count(); ++i) {
    KL_ASSIGN(shape, broadcast(shape, c.shape(i)));
  }
  c.output(0, dtype, shape);
  return {};
}

Status infer_broadcast(InferContext& c) { return infer_broadcast(c, c.dtype(0)); }

Status require_same_dtypes(const OpContext& c) {
  for (int i = 1; i < c.input_count(); ++i) {
    KL_REQUIRE(!c.has_input(i) || c.dtype(i) == c.dtype(0), kInvalidGraph, "input ", i, " is ", c.dtype(i),
               " where ", c.dtype(0), " is needed");
  }
  return {};
}

void allow_in_place(LowerContext& c, int i) {
  if (c.shape(i) == c.out_shape(0) && dtype_bits(c.dtype(i)) == dtype_bits(c.out_dtype(0)) &&
      c.dtype(i) != DType::kString)
    c.in_place(0, i);
}

Status lower_unary(LowerContext& c, const Function& f, std::span<const double> values) {
  DType dtype = c.dtype(0), to = c.out_dtype(0);
  Compute compute = f.compute(dtype);
  ElementwiseStep step;
  Elementwise& kernel = step.kernels.emplace_back();
  kernel.loop = broadcast_loop(c.out_shape(0), {&c.shape(0), 1});
  kernel.fn = f.kernel(compute);
  kernel.in[0] = computed(dtype, compute);
  kernel.out = to == DType::kBool && dtype != DType::kBool ? stored(to) : computed(to, compute);
  for (size_t i = 0; i < values.size(); ++i) {
    if (compute == Compute::kF32) {
      float value = static_cast<float>(values[i]);
      std::memcpy(step.params.data() + i * 4, &value, 4);
    } else {
      std::memcpy(step.params.data() + i * 8, &values[i], 8);
    }
  }
  c.step<run_elementwise_step>(f.name, std::move(step));
  allow_in_place(c, 0);
  return {};
}

Status lower_binary(LowerContext& c, const Function& f, bool compares) {
  DType dtype = c.dtype(0), to = c.out_dtype(0);
  if (c.input_count() == 1) {
    c.alias(0, 0);
    return {};
  }
  Compute compute = f.compute(dtype);
  ElementwiseStep step;
  for (int i = 1; i < c.input_count(); ++i) {
    Elementwise& kernel = step.kernels.emplace_back();
    const Shape shapes[] = {i == 1 ? c.shape(0) : c.out_shape(0), c.shape(i)};
    kernel.loop = broadcast_loop(c.out_shape(0), shapes);
    kernel.fn = f.kernel(compute);
    kernel.in[0] = kernel.in[1] = computed(dtype, compute);
    kernel.out = compares ? stored(to) : computed(to, compute);
  }
  c.step<run_elementwise_step>(f.name, std::move(step));
  // Later inputs are read when part of the output is written.
  for (int i = 0; i < 2; ++i) allow_in_place(c, i);
  return {};
}

void float_attributes(const OpContext& c, std::span<double> values) {
  std::string_view text = c.node().def->signature;
  text.remove_prefix(text.rfind('|') + 1);
  for (size_t i = 0; i < values.size();) {
    size_t colon = text.find(':');
    if (colon == std::string_view::npos) return;
    size_t begin = text.rfind(' ', colon) + 1;
    std::string_view name = text.substr(begin, colon - begin), rest = text.substr(colon + 1);
    if (rest.starts_with("f")) {
      bool given = rest.starts_with("f=");
      double absent = given ? parse_number(rest.substr(2, rest.find(' ') - 2), true).value_or(0) : 0;
      values[i++] = static_cast<double>(c.attributes().get_float(name, static_cast<float>(absent)));
    }
    text = rest;
  }
}

}  // namespace kinglet::ops
