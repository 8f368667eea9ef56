#include "ops/elementwise.h"

namespace kinglet::ops {

namespace {

Status infer_same_types(InferContext& c) {
  KL_TRY(require_same_dtypes(c));
  return infer_broadcast(c);
}
Status infer_bool(InferContext& c) {
  KL_TRY(require_same_dtypes(c));
  return infer_broadcast(c, DType::kBool);
}

Status lower(LowerContext& c) { return lower_binary(c, *find_binary(c.node().def->name)); }

Status lower_compare(LowerContext& c) {
  if (c.dtype(0) != DType::kString) return lower_binary(c, *find_compare(c.node().def->name), true);
  ElementwiseStep step;
  Elementwise& kernel = step.kernels.emplace_back();
  const Shape shapes[] = {c.shape(0), c.shape(1)};
  kernel.loop = broadcast_loop(c.out_shape(0), shapes);
  kernel.fn = equal_strings;
  kernel.in[0] = kernel.in[1] = stored(DType::kString);
  kernel.out = stored(DType::kBool);
  c.step<run_elementwise_step>("elementwise/EqualStrings", std::move(step));
  return {};
}

Status lower_mod(LowerContext& c) {
  return lower_binary(c, *find_binary(c.attributes().get_int("fmod") != 0 ? "ModTrunc" : "ModFloor"));
}

Status infer_shift(InferContext& c) {
  std::string_view direction = c.attributes().get_string("direction");
  KL_REQUIRE(direction == "LEFT" || direction == "RIGHT", kInvalidGraph, "direction is ", direction,
             ", not LEFT or RIGHT");
  return infer_same_types(c);
}
Status lower_shift(LowerContext& c) {
  return lower_binary(
      c, *find_binary(c.attributes().get_string("direction") == "LEFT" ? "ShiftLeft" : "ShiftRight"));
}

Status infer_prelu(InferContext& c) {
  KL_ASSIGN(Shape shape, broadcast(c.shape(0), c.shape(1)));
  KL_REQUIRE(shape == c.shape(0), kInvalidShape, "slope ", c.shape(1), " does not broadcast to ", c.shape(0));
  KL_TRY(require_same_dtypes(c));
  return infer_same(c);
}

Status lower_mean(LowerContext& c);

#define KL_ARITHMETIC(name, types) {kOnnx, name, "A:T B:T -> C:T | T=" types, infer_same_types, lower}
#define KL_COMPARE(name, types) {kOnnx, name, "A:T B:T -> C:bool | T=" types, infer_bool, lower_compare}
constexpr OpDef kBinary[] = {
    KL_ARITHMETIC("Add", "numeric"),
    KL_ARITHMETIC("Sub", "numeric"),
    KL_ARITHMETIC("Mul", "numeric"),
    KL_ARITHMETIC("Div", "numeric"),
    KL_ARITHMETIC("And", "bool"),
    KL_ARITHMETIC("Or", "bool"),
    KL_ARITHMETIC("Xor", "bool"),
    KL_ARITHMETIC("BitwiseAnd", "integers"),
    KL_ARITHMETIC("BitwiseOr", "integers"),
    KL_ARITHMETIC("BitwiseXor", "integers"),
    KL_COMPARE("Equal", "numeric,bool,string"),
    KL_COMPARE("Greater", "numeric"),
    KL_COMPARE("GreaterOrEqual", "numeric"),
    KL_COMPARE("Less", "numeric"),
    KL_COMPARE("LessOrEqual", "numeric"),
    {kOnnx, "Mod", "A:T B:T -> C:T | T=numeric | fmod:i=0", infer_same_types, lower_mod},
    {kOnnx, "BitShift", "X:T Y:T -> Z:T | T=uints | direction:s!", infer_shift, lower_shift},
    {kOnnx, "PRelu", "X:T slope:T -> Y:T | T=floats,int32,int64,uint32,uint64", infer_prelu, lower},
    {kOnnx, "Max", "data_0:T* -> max:T | T=numeric", infer_same_types, lower},
    {kOnnx, "Min", "data_0:T* -> min:T | T=numeric", infer_same_types, lower},
    {kOnnx, "Sum", "data_0:T* -> sum:T | T=floats", infer_same_types,
     [](LowerContext& c) { return lower_binary(c, *find_binary("Add")); }},
    {kOnnx, "Mean", "data_0:T* -> mean:T | T=floats", infer_same_types, lower_mean},
};
#undef KL_ARITHMETIC
#undef KL_COMPARE

struct MeanStep {
  ElementwiseStep sum;
  Elementwise divide;
  alignas(8) std::byte count[8];  // the divisor, in the dtype of the inputs
};
Status run_mean(const MeanStep& step, Run& run) {
  KL_TRY(run_elementwise_step(step.sum, run));
  std::byte* out = run.out(0).data();
  const std::byte* in[] = {out, step.count};
  run_elementwise(step.divide, in, out, nullptr, run.parallel());
  return {};
}

Status lower_mean(LowerContext& c) {
  if (c.input_count() == 1) {
    c.alias(0, 0);
    return {};
  }
  MeanStep step;
  DType dtype = c.dtype(0);
  const Function &add = *find_binary("Add"), &divide = *find_binary("Div");
  Compute compute = add.compute(dtype);
  for (int i = 1; i < c.input_count(); ++i) {
    const Shape shapes[] = {i == 1 ? c.shape(0) : c.out_shape(0), c.shape(i)};
    Elementwise& kernel = step.sum.kernels.emplace_back();
    kernel.loop = broadcast_loop(c.out_shape(0), shapes);
    kernel.fn = add.kernel(compute);
    kernel.in[0] = kernel.in[1] = kernel.out = computed(dtype, compute);
  }
  step.divide = step.sum.kernels[0];
  step.divide.fn = divide.kernel(compute);
  const Shape shapes[] = {c.out_shape(0), Shape()};
  step.divide.loop = broadcast_loop(c.out_shape(0), shapes);
  double count = c.input_count();
  store_run(Compute::kF64, &count, dtype, step.count, 0, 1);
  c.step<run_mean>("elementwise/Mean", std::move(step));
  for (int i = 0; i < 2; ++i) allow_in_place(c, i);
  return {};
}

}  // namespace

std::span<const OpDef> binary() { return kBinary; }

}  // namespace kinglet::ops
