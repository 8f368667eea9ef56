// QLinearAdd, QLinearMul, QLinearSigmoid, QLinearLeakyRelu.
#include "kernels/matmul/activation.h"
#include "kernels/quant/linear.h"
#include "kernels/quant/pointwise.h"
#include "ops/elementwise.h"
#include "ops/quant.h"

namespace kinglet::ops {

namespace {

Status check_single(const OpContext& c, std::initializer_list<int> inputs) {
  for (int i : inputs) KL_TRY(require_single(c, i, "a scale or zero point"));
  return {};
}

Status infer_binary(InferContext& c) {
  KL_TRY(check_single(c, {1, 2, 4, 5, 6, 7}));
  KL_ASSIGN(Shape shape, broadcast(c.shape(0), c.shape(3)));
  c.output(0, c.dtype(0), shape);
  return {};
}

Status run_binary(const Elementwise& kernel, Run& run) {
  QuantBinary q{scale_of(run, 1),
                scale_of(run, 4),
                scale_of(run, 6),
                zero_point(run, 2),
                zero_point(run, 5),
                zero_point(run, 7),
                run.in(0).dtype() == DType::kInt8};
  const std::byte* in[] = {run.in(0).data(), run.in(3).data()};
  run_elementwise(kernel, in, run.out(0).data(), &q, run.parallel());
  return {};
}

Status lower_binary(LowerContext& c, RowFn fn, const char* name) {
  Elementwise kernel;
  const Shape shapes[] = {c.shape(0), c.shape(3)};
  kernel.loop = broadcast_loop(c.out_shape(0), shapes);
  kernel.fn = fn;
  kernel.in[0] = kernel.in[1] = kernel.out = stored(c.dtype(0));
  c.step<run_binary>(name, kernel);
  for (int i : {0, 3})
    if (c.shape(i) == c.out_shape(0)) c.in_place(0, i);
  return {};
}

Status infer_table(InferContext& c) {
  KL_TRY(check_single(c, {1, 2, 3, 4}));
  return infer_same(c);
}

// The function of all 256 inputs, then a look-up for each element.
Status run_table(const Activation& activation, Run& run) {
  bool is_signed = run.in(0).dtype() == DType::kInt8;
  uint8_t table[256];
  float values[256];
  for (int i = 0; i < 256; ++i) table[i] = static_cast<uint8_t>(i);
  dequantize_bytes(table, 256, scale_of(run, 1), zero_point(run, 2), is_signed, values);
  activate(activation, values, 256);
  quantize_bytes(values, 256, scale_of(run, 3), zero_point(run, 4), is_signed, table);
  look_up(run.in(0).data<const uint8_t>(), static_cast<size_t>(run.in(0).count()), table,
          run.out(0).data<uint8_t>(), run.parallel());
  return {};
}

Status lower_table(LowerContext& c, Activation activation) {
  c.step<run_table>("quant/table", activation);
  c.in_place(0, 0);
  return {};
}

#define KL_BINARY                                                                            \
  "A:T A_scale:float32 A_zero_point:T? B:T B_scale:float32 B_zero_point:T? C_scale:float32 " \
  "C_zero_point:T? -> C:T | T=int8,uint8"
#define KL_UNARY "X:T X_scale:float32 X_zero_point:T? Y_scale:float32 Y_zero_point:T? -> Y:T | T=int8,uint8"

constexpr OpDef kPointwise[] = {
    {kMicrosoft, "QLinearAdd", KL_BINARY, infer_binary,
     [](LowerContext& c) { return lower_binary(c, quant_add(), "quant/add"); }},
    {kMicrosoft, "QLinearMul", KL_BINARY, infer_binary,
     [](LowerContext& c) { return lower_binary(c, quant_mul(), "quant/mul"); }},
    {kMicrosoft, "QLinearSigmoid", KL_UNARY, infer_table,
     [](LowerContext& c) { return lower_table(c, {Activation::kSigmoid}); }},
    {kMicrosoft, "QLinearLeakyRelu", KL_UNARY " | alpha:f=0.01", infer_table,
     [](LowerContext& c) {
       return lower_table(c, {Activation::kLeakyRelu, c.attributes().get_float("alpha", 0.01f)});
     }},
};

}  // namespace

std::span<const OpDef> qlinear_pointwise() { return kPointwise; }

}  // namespace kinglet::ops
