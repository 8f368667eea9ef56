// ConvInteger, QLinearConv.
#include "kernels/quant/conv.h"
#include "ops/conv_geometry.h"
#include "ops/expand.h"
#include "ops/quant.h"

namespace kinglet::ops {

namespace {

// Which input is what; -1 where the operator has none.
struct Roles {
  int w, x_scale, x_zero, w_scale, w_zero, y_scale, y_zero, bias;
};
constexpr Roles kConvInteger = {1, -1, 2, -1, 3, -1, -1, -1};
constexpr Roles kQLinearConv = {3, 1, 2, 4, 5, 6, 7, 8};

struct Params {
  Roles roles;
  QuantConv call;
  QuantConvKernel kernel = QuantConvKernel::kProduct;
  size_t channels = 0;
  bool many_scales = false;
  std::shared_ptr<Buffer> packed;  // null: packed in the run
  size_t lists_bytes = 0, packed_bytes = 0;
};

Status run(const Params& p, Run& run) {
  const Roles& r = p.roles;
  QuantConv call = p.call;
  call.x = run.in(0).data<const uint8_t>();
  call.y = run.out(0).data();
  call.x_zero = zero_point(run, r.x_zero);
  if (r.y_zero >= 0) call.y_zero = zero_point(run, r.y_zero);
  if (r.bias >= 0 && run.has_in(r.bias)) call.bias = run.in(r.bias).data<const int32_t>();
  auto* zeros = reinterpret_cast<int32_t*>(run.scratch());
  auto* scales = reinterpret_cast<float*>(zeros + p.channels + 1);
  if (run.has_in(r.w_zero)) {
    read_ints(run.in(r.w_zero), zeros, call.w_zero_channels ? p.channels : 1);
    call.w_zero = zeros;
    call.w_zero_channels = call.w_zero_channels && !all_equal(zeros, p.channels);
  }
  if (r.x_scale >= 0) {
    size_t count = p.many_scales ? p.channels : 1;
    read_floats(run.in(r.w_scale), scales, count);
    float x_scale = scale_of(run, r.x_scale), y_scale = scale_of(run, r.y_scale);
    for (size_t i = 0; i < count; ++i) scales[i] = x_scale * scales[i] / y_scale;
    call.scale = scales[0];
    if (p.many_scales) call.channel_scale = scales;
  }
  std::byte* scratch = run.scratch() + p.lists_bytes;
  if (p.packed) {
    call.w = reinterpret_cast<const uint8_t*>(p.packed->data());
  } else {
    auto* packed = reinterpret_cast<uint8_t*>(scratch);
    call.w = run.in(r.w).data<const uint8_t>();
    quant_conv_pack(call, p.kernel, packed);
    call.w = packed;
    scratch += p.packed_bytes;
  }
  quant_conv(call, p.kernel, scratch, run.parallel());
  return {};
}

// Whether the input has a value for each output channel; fails unless it has that or one.
Result<bool> per_channel(const OpContext& c, int input, const ConvShape& shape) {
  if (input < 0 || !c.has_input(input)) return false;
  auto channels = static_cast<int64_t>(shape.groups * shape.out_channels);
  bool many = c.shape(input) == Shape{channels} && channels != 1;
  KL_REQUIRE(many || c.shape(input).count() == 1, kInvalidShape, "a scale or zero point of W is ",
             c.shape(input), " for ", channels, " channels");
  return many;
}

[[gnu::noinline]] Status infer(InferContext& c, const Roles& r, DType dtype) {
  KL_ASSIGN(ConvShape shape, conv_shape(c, r.w, r.bias));
  KL_ASSIGN([[maybe_unused]] bool many_zeros, per_channel(c, r.w_zero, shape));
  KL_ASSIGN([[maybe_unused]] bool many_scales, per_channel(c, r.w_scale, shape));
  for (int i : {r.x_scale, r.x_zero, r.y_scale, r.y_zero})
    if (i >= 0) KL_TRY(require_single(c, i, "a scale or zero point"));
  c.output(0, dtype, conv_output(c, shape));
  return {};
}

// What quant_conv_pack makes for a kernel, by kernel.
constexpr std::string_view kForms[] = {"quant product", "quant depthwise", "quant winograd"};

// The kernel for the form in which alone the weights are left.
QuantConvKernel kernel_of(std::string_view form) {
  size_t i = 0;
  while (!form.starts_with(kForms[i])) ++i;
  return static_cast<QuantConvKernel>(i);
}

[[gnu::noinline]] Status lower(LowerContext& c, const Roles& r) {
  Params p;
  p.roles = r;
  QuantConv& call = p.call;
  KL_ASSIGN(call.shape, conv_shape(c, r.w, r.bias));
  KL_ASSIGN(call.w_zero_channels, per_channel(c, r.w_zero, call.shape));
  KL_ASSIGN(p.many_scales, per_channel(c, r.w_scale, call.shape));
  call.x_signed = c.dtype(0) == DType::kInt8;
  call.w_signed = c.dtype(r.w) == DType::kInt8;
  call.result = quant_result(c.out_dtype(0));
  p.channels = call.shape.groups * call.shape.out_channels;
  KL_ASSIGN(size_t lists, checked_mul(p.channels + 1, sizeof(int32_t) + sizeof(float)));
  p.lists_bytes = align_up(lists, kBufferAlignment);
  QuantConv constant = call;
  std::vector<int32_t> zeros(p.channels + 1);
  const Tensor* w_zero = r.w_zero >= 0 ? c.constant(r.w_zero) : nullptr;
  if (w_zero != nullptr) {
    read_ints(*w_zero, zeros.data(), call.w_zero_channels ? p.channels : 1);
    constant.w_zero = zeros.data();
  }
  std::string_view left = c.form(r.w);
  if (left.empty() && c.constant(r.w) != nullptr && (w_zero != nullptr || !c.has_input(r.w_zero)))
    constant.w = c.constant(r.w)->data<const uint8_t>();
  p.kernel = left.empty() ? select_quant_conv(constant) : kernel_of(left);
  const char* name = quant_conv_name(call.shape, p.kernel);
  size_t packed_bytes = 0, scratch = 0;
  if (!call.shape.empty()) {
    KL_ASSIGN(packed_bytes, quant_conv_packed_bytes(call.shape, p.kernel));
    KL_ASSIGN(scratch, quant_conv_scratch_bytes(call.shape, p.kernel, c.threads()));
    bool winograd = p.kernel == QuantConvKernel::kWinograd;
    std::string format =
        str(kForms[static_cast<size_t>(p.kernel)], " ", call.shape.groups, " ", winograd ? zeros[0] : 0);
    // Other shapes may need a product where this one does with Winograd's form, or the other way round.
    bool settled = c.fixed() || (c.rank(r.w) <= 4 &&
                                 (winograd || !quant_conv_accepts(constant, QuantConvKernel::kWinograd)));
    if (settled) c.spent(r.w);
    KL_ASSIGN(p.packed, c.packed(r.w, format, packed_bytes, [&](std::byte* to) {
      constant.w = c.constant(r.w)->data<const uint8_t>();
      quant_conv_pack(constant, p.kernel, reinterpret_cast<uint8_t*>(to));
    }));
  }
  KL_ASSIGN(scratch, checked_add(scratch, p.lists_bytes));
  if (!p.packed) {
    KL_ASSIGN(packed_bytes, checked_add<size_t>(packed_bytes, kBufferAlignment - 1));
    p.packed_bytes = packed_bytes / kBufferAlignment * kBufferAlignment;
    KL_ASSIGN(scratch, checked_add(scratch, p.packed_bytes));
  }
  c.scratch(scratch);
  c.step<run>(name, std::move(p));
  return {};
}

#define CONV_ATTRIBUTES "auto_pad:s='NOTSET' dilations:is group:i=1 kernel_shape:is pads:is strides:is"
#define CONV_INPUTS                                                                            \
  "x:T1 x_scale:float32 x_zero_point:T1 w:T2 w_scale:float32 w_zero_point:T2 y_scale:float32 " \
  "y_zero_point:T3 B:int32? -> y:T3 | T1=int8,uint8 T2=int8,uint8 T3=int8,uint8 | " CONV_ATTRIBUTES

constexpr OpDef kConvs[] = {
    {kOnnx, "ConvInteger",
     "x:T1 w:T2 x_zero_point:T1? w_zero_point:T2? -> y:int32 | T1=int8,uint8 T2=int8,uint8 "
     "| " CONV_ATTRIBUTES,
     [](InferContext& c) { return infer(c, kConvInteger, DType::kInt32); },
     [](LowerContext& c) { return lower(c, kConvInteger); }},
    {kOnnx, "QLinearConv", CONV_INPUTS,
     [](InferContext& c) { return infer(c, kQLinearConv, c.dtype(kQLinearConv.y_zero)); },
     [](LowerContext& c) { return lower(c, kQLinearConv); }},
};

}  // namespace

std::span<const OpDef> integer_conv() { return kConvs; }

}  // namespace kinglet::ops
