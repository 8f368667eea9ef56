#include "kernels/quant/linear.h"
#include "ops/quant.h"

namespace kinglet::ops {

namespace {

// Scale is input 1, the zero point input 2.
[[gnu::noinline]] Result<QuantLayout> layout_of(const OpContext& c) {
  const Shape &x = c.shape(0), &scale = c.shape(1);
  int64_t block = c.attributes().get_int("block_size");
  if (c.has_input(2)) {
    bool same = c.shape(2) == scale || (c.shape(2).count() == 1 && scale.count() == 1);
    KL_REQUIRE(same, kInvalidShape, "the zero point is ", c.shape(2), ", the scale ", scale);
  }
  QuantLayout layout;
  if (block == 0 && scale.rank() <= 1 && scale.count() == 1) {
    layout.extent = x.count();
    return layout;
  }
  KL_ASSIGN(int axis, normalize_axis(c.attributes().get_int("axis", 1), x.rank()));
  layout.outer = x.count(0, axis);
  layout.extent = x.at(axis);
  layout.inner = x.count(axis + 1);
  if (block == 0) {
    KL_REQUIRE(scale == Shape{layout.extent}, kInvalidShape, "the scale is ", scale, " for ", layout.extent,
               " elements of axis ", axis);
    layout.kind = QuantLayout::kAxis;
    return layout;
  }
  KL_REQUIRE(block > 0, kInvalidArgument, "block_size is ", block);
  Shape expected = x;
  expected[static_cast<size_t>(axis)] = layout.extent / block + (layout.extent % block != 0 ? 1 : 0);
  KL_REQUIRE(scale == expected, kInvalidShape, "the scale is ", scale, " for input ", x, " in blocks of ",
             block, ", expected ", expected);
  layout.kind = QuantLayout::kBlocks;
  layout.block = std::min(block, std::max<int64_t>(layout.extent, 1));
  return layout;
}

[[gnu::noinline]] Result<DType> declared(const OpContext& c, const char* name, DType absent) {
  int64_t number = c.attributes().get_int(name);
  if (number == 0) return absent;
  KL_REQUIRE(is_dtype(number), kInvalidGraph, name, " is ", number, ", which is no data type");
  return static_cast<DType>(number);
}

struct LinearParams {
  QuantLayout layout;
  bool saturate = true;
  DType precision = DType::kFloat32;
};

QuantTensor in_of(const Run& run, int i) {
  if (!run.has_in(i)) return {};
  return {run.in(i).dtype(), run.in(i).data()};
}
QuantTensor out_of(const Run& run) { return {run.out(0).dtype(), run.out(0).data()}; }

Status run_quantize(const LinearParams& p, Run& run) {
  if (run.out(0).count() == 0) return {};
  quantize(p.layout, in_of(run, 0), in_of(run, 1), in_of(run, 2), out_of(run), p.saturate, p.precision,
           run.parallel());
  return {};
}
Status run_dequantize(const LinearParams& p, Run& run) {
  if (run.out(0).count() == 0) return {};
  dequantize(p.layout, in_of(run, 0), in_of(run, 1), in_of(run, 2), out_of(run), run.parallel());
  return {};
}

bool is_quantized(DType d) {
  return d != DType::kFloat8E8M0 && dtype_bits(d) <= 16 && dtype_bits(d) > 0 &&
         (dtype_kind(d) != 'f' || dtype_bits(d) <= 8) && d != DType::kBool;
}

Status infer_quantize(InferContext& c) {
  KL_ASSIGN([[maybe_unused]] QuantLayout layout, layout_of(c));
  DType zero = c.has_input(2) ? c.dtype(2) : DType::kUInt8;
  KL_ASSIGN(DType dtype, declared(c, "output_dtype", zero));
  KL_REQUIRE(!c.has_input(2) || dtype == zero, kInvalidGraph, "output_dtype is ", dtype,
             ", the zero point is ", zero);
  KL_REQUIRE(is_quantized(dtype), kUnsupportedType, "quantisation to ", dtype);
  c.output(0, dtype, c.shape(0));
  return {};
}

Status lower_quantize(LowerContext& c) {
  LinearParams p;
  KL_ASSIGN(p.layout, layout_of(c));
  p.saturate = c.attributes().get_int("saturate", 1) != 0;
  KL_ASSIGN(p.precision, declared(c, "precision", DType::kFloat32));
  KL_REQUIRE(dtype_kind(p.precision) == 'f' && dtype_bits(p.precision) >= 16, kInvalidGraph, "precision is ",
             p.precision);
  c.step<run_quantize>("quant/quantize", p);
  return {};
}

Status infer_dequantize(InferContext& c) {
  KL_ASSIGN([[maybe_unused]] QuantLayout layout, layout_of(c));
  KL_REQUIRE(!c.has_input(2) || c.dtype(2) == c.dtype(0), kInvalidGraph, "the zero point is ", c.dtype(2),
             ", the input ", c.dtype(0));
  KL_ASSIGN(DType dtype, declared(c, "output_dtype", c.dtype(1)));
  KL_REQUIRE(dtype_kind(dtype) == 'f' && dtype_bits(dtype) >= 16, kInvalidGraph, "output_dtype is ", dtype);
  c.output(0, dtype, c.shape(0));
  return {};
}

Status lower_dequantize(LowerContext& c) {
  KL_ASSIGN(QuantLayout layout, layout_of(c));
  c.step<run_dequantize>("quant/dequantize", LinearParams{.layout = layout});
  return {};
}

struct Nothing {};

Status run_dynamic(const Nothing&, Run& run) {
  const Tensor& x = run.in(0);
  float scale;
  uint8_t zero;
  auto count = static_cast<size_t>(x.count());
  dynamic_range(x.data<const float>(), count, &scale, &zero, run.parallel());
  if (run.has_out(0)) {
    auto* y = run.out(0).data<uint8_t>();
    parallel_for(run.parallel(), count, 1 << 14, [&](size_t begin, size_t end) {
      quantize_bytes(x.data<const float>() + begin, end - begin, scale, zero, false, y + begin);
    });
  }
  if (run.has_out(1)) *run.out(1).data<float>() = scale;
  if (run.has_out(2)) *run.out(2).data<uint8_t>() = zero;
  return {};
}

Status infer_dynamic(InferContext& c) {
  c.output(0, DType::kUInt8, c.shape(0));
  c.output(1, DType::kFloat32, {});
  c.output(2, DType::kUInt8, {});
  return {};
}

Status lower_dynamic(LowerContext& c) {
  c.step<run_dynamic>("quant/dynamic", Nothing{});
  return {};
}

#define KL_QUANTIZED "int8,uint8,int16,uint16,int4,uint4,int2,uint2,narrow8,float4e2m1"
#define KL_SCALES "float32,float16,bfloat16"
#define KL_QUANTIZE(domain, attributes)                                                         \
  {domain, "QuantizeLinear",                                                                    \
   "x:T1 y_scale:T2 y_zero_point:T3? -> y:T3 | T1=float32,float16,bfloat16,int32 T2=" KL_SCALES \
   ",int32 T3=" KL_QUANTIZED " | axis:i=1 block_size:i=0 " attributes,                          \
   infer_quantize, lower_quantize}
#define KL_DEQUANTIZE(domain, attributes)                                                                \
  {domain, "DequantizeLinear",                                                                           \
   "x:T1 x_scale:T2 x_zero_point:T1? -> y:T3 | T1=" KL_QUANTIZED ",int32 T2=" KL_SCALES " T3=" KL_SCALES \
   " | axis:i=1 block_size:i=0 " attributes,                                                             \
   infer_dequantize, lower_dequantize}

constexpr OpDef kLinear[] = {
    KL_QUANTIZE(kOnnx, "output_dtype:i=0 precision:i=0 saturate:i=1"),
    KL_DEQUANTIZE(kOnnx, "output_dtype:i=0"),
    KL_QUANTIZE(kMicrosoft, ""),
    KL_DEQUANTIZE(kMicrosoft, ""),
    {kOnnx, "DynamicQuantizeLinear", "x:float32 -> y:uint8 y_scale:float32 y_zero_point:uint8", infer_dynamic,
     lower_dynamic},
};

}  // namespace

std::span<const OpDef> quantize_linear() { return kLinear; }

}  // namespace kinglet::ops
