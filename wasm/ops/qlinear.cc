// Quantised operators of com.microsoft that others spell: dequantise, compute, quantise.
#include "ops/expand.h"
#include "ops/scalar_like.h"

namespace kinglet::ops {

namespace {

// Calls without temporaries, which expansions are made of.
[[gnu::noinline]] ValueId add(ExpandContext& c, std::string_view op, std::initializer_list<ValueId> inputs) {
  return c.op(op, inputs);
}
[[gnu::noinline]] ValueId add(ExpandContext& c, std::string_view op, std::initializer_list<ValueId> inputs,
                              std::string_view attribute, int64_t value) {
  Attributes a;
  a.set(attribute, value);
  return c.op(op, inputs, std::move(a));
}

ValueId constant_ints(ExpandContext& c, std::initializer_list<int64_t> values, Status* status) {
  auto t = Tensor::ints(std::span(values.begin(), values.size()));
  if (!t.ok()) {
    *status = std::move(t.status());
    return kNoValue;
  }
  return c.constant(std::move(*t));
}

// Inputs i, i + 1 and i + 2 are a tensor, its scale and its zero point.
[[gnu::noinline]] ValueId dequantized(ExpandContext& c, size_t i, size_t scale, size_t zero) {
  return add(c, "DequantizeLinear", {c.input(i), c.input(scale), c.input(zero)});
}
ValueId dequantized(ExpandContext& c, size_t i) { return dequantized(c, i, i + 1, i + 2); }

// Output 0 is `value` with the scale and zero point of inputs i and i + 1; without the latter it has the type
// of input `like`.
Status quantize(ExpandContext& c, ValueId value, size_t i, size_t like = 0) {
  ValueId zero = c.input(i + 1);
  if (zero == kNoValue) {
    KL_ASSIGN(zero, scalar_like(c, like, 0));
  }
  c.output(0, add(c, "QuantizeLinear", {value, c.input(i), zero}));
  return {};
}

// Transposed for operators that want channels second, or back. `rank` counts all dimensions.
[[gnu::noinline]] ValueId transposed(ExpandContext& c, ValueId x, int64_t rank, bool channels_second) {
  std::vector<int64_t> perm{0};
  if (channels_second) perm.push_back(rank - 1);
  for (int64_t d = channels_second ? 1 : 2; d < (channels_second ? rank - 1 : rank); ++d) perm.push_back(d);
  if (!channels_second) perm.push_back(1);
  Attributes a;
  a.set("perm", std::move(perm));
  return c.op("Transpose", {x}, std::move(a));
}
ValueId channels_second(ExpandContext& c, ValueId x, int64_t rank) { return transposed(c, x, rank, true); }
ValueId channels_last(ExpandContext& c, ValueId x, int64_t rank) { return transposed(c, x, rank, false); }

Attributes without_layout(const ExpandContext& c) {
  Attributes a = c.attributes();
  a.erase("channels_last");
  return a;
}

int64_t pool_rank(const ExpandContext& c) {
  return static_cast<int64_t>(c.attributes().get_ints("kernel_shape").size()) + 2;
}

Status average_pool(ExpandContext& c) {
  bool last = c.attributes().get_int("channels_last") != 0;
  ValueId x = dequantized(c, 0);
  if (last) x = channels_second(c, x, pool_rank(c));
  x = c.op("AveragePool", {x}, without_layout(c));
  if (last) x = channels_last(c, x, pool_rank(c));
  return quantize(c, x, 3);
}

// With channels last the pooled axes are [1, rank - 1), counted by the shape of the input.
Status global_average_pool(ExpandContext& c) {
  ValueId x = dequantized(c, 0);
  if (c.attributes().get_int("channels_last") == 0) return quantize(c, add(c, "GlobalAveragePool", {x}), 3);
  KL_ASSIGN(Tensor one, Tensor::scalar<int64_t>(1));
  KL_ASSIGN(Tensor minus_one, Tensor::scalar<int64_t>(-1));
  ValueId rank = add(c, "Size", {add(c, "Shape", {x})});
  ValueId end = add(c, "Add", {rank, c.constant(std::move(minus_one))});
  ValueId step = c.constant(std::move(one));
  return quantize(c, add(c, "ReduceMean", {x, add(c, "Range", {step, end, step})}), 3);
}

Status max_pool(ExpandContext& c) {
  int64_t rank = pool_rank(c);
  ValueId x = c.op("MaxPool", {channels_second(c, c.input(0), rank)}, c.attributes());
  c.output(0, channels_last(c, x, rank));
  return {};
}

Status conv(ExpandContext& c) {
  std::vector<ValueId> inputs = c.node().inputs;
  if (c.attributes().get_int("channels_last") == 0) {
    c.output(0, c.op("QLinearConv", std::move(inputs), without_layout(c)));
    return {};
  }
  auto kernel = c.attributes().get_ints("kernel_shape");
  const Tensor* w = c.constant(3);
  KL_REQUIRE(!kernel.empty() || w != nullptr, kUnsupportedFeature,
             "channels_last without kernel_shape and constant weights");
  int64_t rank = w != nullptr ? w->rank() : static_cast<int64_t>(kernel.size()) + 2;
  inputs[0] = channels_second(c, inputs[0], rank);
  c.output(0, channels_last(c, c.op("QLinearConv", std::move(inputs), without_layout(c)), rank));
  return {};
}

Status concat(ExpandContext& c) {
  size_t count = c.node().inputs.size();
  KL_REQUIRE(count >= 5 && count % 3 == 2, kInvalidGraph, "QLinearConcat has ", count,
             " inputs, expected tensor, scale and zero point of each part");
  std::vector<ValueId> parts;
  for (size_t i = 2; i < count; i += 3) parts.push_back(dequantized(c, i));
  ValueId all = c.op("Concat", std::move(parts), c.attributes());
  c.output(0, add(c, "QuantizeLinear", {all, c.input(0), c.input(1)}));
  return {};
}

Status softmax(ExpandContext& c) {
  ValueId x = dequantized(c, 0);
  if (c.attributes().get_int("opset") >= 13) {
    return quantize(c, add(c, "Softmax", {x}, "axis", c.attributes().get_int("axis", -1)), 3);
  }
  // The input is a matrix whose columns are everything from `axis` on.
  ValueId flat = add(c, "Flatten", {x}, "axis", c.attributes().get_int("axis", 1));
  flat = add(c, "Softmax", {flat}, "axis", -1);
  return quantize(c, add(c, "Reshape", {flat, add(c, "Shape", {x})}), 3);
}

Status reduce_mean(ExpandContext& c) {
  auto axes = c.attributes().get_ints("axes");
  KL_ASSIGN(Tensor list, Tensor::ints(axes));
  ValueId x = add(c, "ReduceMean", {dequantized(c, 0), c.constant(std::move(list))}, "keepdims",
                  c.attributes().get_int("keepdims", 1));
  return quantize(c, x, 3);
}

Status where(ExpandContext& c) {
  ValueId z = add(c, "Where", {c.input(0), dequantized(c, 1), dequantized(c, 4)});
  return quantize(c, z, 7, 1);
}

Status dynamic_matmul(ExpandContext& c) {
  std::vector<ValueId> a = c.ops("DynamicQuantizeLinear", {c.input(0)}, 3);
  c.output(0, c.op("MatMulIntegerToFloat", {a[0], c.input(1), a[1], c.input(2), a[2], c.input(3), c.input(4)},
                   {}, kMicrosoft));
  return {};
}

// The projection on integers; what follows is in float32.
Status attention(ExpandContext& c) {
  KL_REQUIRE(c.attributes().get_int("do_rotary") == 0, kUnsupportedFeature, "QAttention with do_rotary");
  ValueId qkv = c.op("MatMulIntegerToFloat",
                     {c.input(0), c.input(1), c.input(3), c.input(4), c.input(6), c.input(7), c.input(2)}, {},
                     kMicrosoft);
  Attributes rest = c.attributes();
  rest.erase("do_rotary");
  rest.erase("past_present_share_buffer");
  std::vector<ValueId> out =
      c.ops("ProjectedAttention", {qkv, c.input(5), c.input(8)}, 2, std::move(rest), kMicrosoft);
  for (size_t i = 0; i < 2; ++i) c.output(i, out[i]);
  return {};
}

// Rows of the embeddings are looked up before they are dequantised.
Status embed_layer_norm(ExpandContext& c) {
  Status status;
  auto parameters = [&](ValueId rows, size_t scale, size_t zero) {
    return add(c, "DequantizeLinear", {rows, c.input(scale), c.input(zero)});
  };
  ValueId ids = c.input(0);
  ValueId length = add(c, "Shape", {ids}, "start", 1);
  ValueId words = parameters(add(c, "Gather", {c.input(2), ids}), 8, 13);
  ValueId places =
      add(c, "Slice", {c.input(3), constant_ints(c, {0}, &status), length, constant_ints(c, {0}, &status)});
  ValueId sum = add(c, "Add", {words, parameters(places, 9, 14)});
  if (c.has_input(1) && c.has_input(4))
    sum = add(c, "Add", {sum, parameters(add(c, "Gather", {c.input(4), c.input(1)}), 10, 15)});
  Attributes epsilon;
  epsilon.set("epsilon", c.attributes().get_float("epsilon", 1e-12f));
  c.output(0, c.op("LayerNormalization", {sum, dequantized(c, 5, 11, 16), dequantized(c, 6, 12, 17)},
                   std::move(epsilon)));
  if (c.has_output(1)) {
    // How many words the mask has; without a mask 0.
    ValueId mask = c.has_input(7) ? c.input(7) : add(c, "Sub", {ids, ids});
    mask = add(c, "Cast", {mask}, "to", static_cast<int64_t>(DType::kInt32));
    c.output(1, add(c, "ReduceSum", {mask, constant_ints(c, {1}, &status)}, "keepdims", 0));
  }
  return status;
}

#define KL_BYTES " | T=int8,uint8"
#define KL_POOL "auto_pad:s='NOTSET' ceil_mode:i=0 kernel_shape:is! pads:is strides:is"
#define KL_UNARY "X:T x_scale:float32 x_zero_point:T? y_scale:float32 y_zero_point:T? -> Y:T" KL_BYTES

constexpr OpDef kComposed[] = {
    {.domain = kMicrosoft,
     .name = "QLinearAveragePool",
     .signature = KL_UNARY " | channels_last:i=0 count_include_pad:i=0 " KL_POOL,
     .expand = average_pool},
    {.domain = kMicrosoft,
     .name = "QLinearGlobalAveragePool",
     .signature = KL_UNARY " | channels_last:i=0",
     .expand = global_average_pool},
    {.domain = kMicrosoft,
     .name = "NhwcMaxPool",
     .signature = "x:T -> y:T" KL_BYTES " | dilations:is " KL_POOL,
     .expand = max_pool},
    {.domain = kMicrosoft,
     .name = "QLinearConv",
     .signature = "x:T1 x_scale:float32 x_zero_point:T1 w:T2 w_scale:float32 w_zero_point:T2 "
                  "y_scale:float32 y_zero_point:T3 B:int32? -> y:T3 | T1=int8,uint8 T2=int8,uint8 "
                  "T3=int8,uint8 | auto_pad:s='NOTSET' channels_last:i=0 dilations:is group:i=1 "
                  "kernel_shape:is pads:is strides:is",
     .expand = conv},
    {.domain = kMicrosoft,
     .name = "QLinearConcat",
     .signature = "Y_scale:float32 Y_zero_point:T inputs:int8,uint8,float32# -> Y:T" KL_BYTES " | axis:i!",
     .expand = concat},
    {.domain = kMicrosoft,
     .name = "QLinearSoftmax",
     .signature = KL_UNARY " | axis:i opset:i!",
     .expand = softmax},
    {.domain = kMicrosoft,
     .name = "QLinearReduceMean",
     .signature = "data:T data_scale:float32 data_zero_point:T? reduced_scale:float32 "
                  "reduced_zero_point:T? -> reduced:T" KL_BYTES " | axes:is! keepdims:i!",
     .expand = reduce_mean},
    {.domain = kMicrosoft,
     .name = "QLinearWhere",
     .signature = "condition:bool X:T x_scale:float32 x_zero_point:T Y:T y_scale:float32 y_zero_point:T "
                  "z_scale:float32 z_zero_point:T -> Z:T" KL_BYTES,
     .expand = where},
    {.domain = kMicrosoft,
     .name = "DynamicQuantizeMatMul",
     .signature = "A:float32 B:T b_scale:float32 b_zero_point:T? bias:float32? -> Y:float32" KL_BYTES,
     .expand = dynamic_matmul},
    {.domain = kMicrosoft,
     .name = "QAttention",
     .signature =
         "input:T1 weight:T2 bias:T3 input_scale:T3 weight_scale:T3 mask_index:int32? "
         "input_zero_point:T1? weight_zero_point:T2? past:T3? -> output:T3 present:T3? | T1=int8,uint8 "
         "T2=int8,uint8 T3=float32,float16 | do_rotary:i=0 mask_filter_value:f=-10000 num_heads:i! "
         "past_present_share_buffer:i=0 scale:f unidirectional:i=0",
     .expand = attention},
    {.domain = kMicrosoft,
     .name = "QEmbedLayerNormalization",
     .signature = "input_ids:int32 segment_ids:int32? word_embedding_quant:T position_embedding_quant:T "
                  "segment_embedding:T? gamma_quant:T beta_quant:T mask:int32? word_embedding_scale:float32 "
                  "position_embedding_scale:float32 segment_embedding_scale:float32? gamma_scale:float32 "
                  "beta_scale:float32 word_embedding_zero_point:T position_embedding_zero_point:T "
                  "segment_embedding_zero_point:T? gamma_zero_point:T beta_zero_point:T -> "
                  "layernorm_out:float32 mask_index_out:int32" KL_BYTES " | epsilon:f=1e-12",
     .expand = embed_layer_norm},
};

}  // namespace

std::span<const OpDef> qlinear() { return kComposed; }

}  // namespace kinglet::ops
