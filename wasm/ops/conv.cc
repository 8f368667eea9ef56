#include "ops/conv_geometry.h"
#include "ops/converted.h"

namespace kinglet::ops {

namespace {

struct ConvParams {
  ConvShape shape;
  ConvKernel kernel = ConvKernel::kCount;
  Activation activation{};
  bool input_relu = false;
  std::shared_ptr<Buffer> packed;  // null: packed in the run, in front of the kernel's scratch
  size_t packed_bytes = 0;
};

Status infer(InferContext& c) {
  KL_ASSIGN(ConvShape shape, conv_shape(c));
  Shape out = conv_output(c, shape);
  KL_REQUIRE(!c.has_input(3) || c.shape(3) == out, kInvalidShape, "Z is ", c.shape(3), ", expected ", out);
  if (c.input_count() > 4 || c.attributes().get_int("input_relu") != 0) {
    const Shape &x = c.shape(0), s = c.has_input(4) ? c.shape(4) : Shape();
    bool each = s.rank() == x.rank() && (s[0] == 1 || s[0] == x[0]) && s[1] == x[1] && s.count(2) == 1;
    bool shifts = !c.has_input(5) || c.shape(5) == Shape{x[1]};
    KL_REQUIRE(
        (each || s == Shape{x[1]}) && shifts && conv_accepts<float>(shape, ConvKernel::k_pointwise_scaled),
        kInvalidShape, "S is ", s);
  }
  c.output(0, c.dtype(0), out);
  return {};
}

template <class T>
Status run(const ConvParams& p, Run& run) {
  Conv<T> call;
  call.shape = p.shape;
  call.x = run.in(0).data<const T>();
  call.bias = run.has_in(2) ? run.in(2).data<const T>() : nullptr;
  call.residual = run.has_in(3) ? run.in(3).data<const T>() : nullptr;
  call.y = run.out(0).data<T>();
  call.activation = p.activation;
  if constexpr (std::is_same_v<T, float>) {
    if (run.has_in(4)) {
      call.input.scale = run.in(4).data<const float>();
      const Shape& s = run.in(4).shape();
      if (s.rank() > 1 && s[0] > 1) call.input.image = static_cast<size_t>(s[1]);
    }
    if (run.has_in(5)) call.input.shift = run.in(5).data<const float>();
    if (p.input_relu) call.input.floor = 0;
  }
  std::byte* scratch = run.scratch();
  if (p.packed) {
    call.w = reinterpret_cast<const T*>(p.packed->data());
  } else {
    conv_pack(p.shape, p.kernel, run.in(1).data<const T>(), reinterpret_cast<T*>(scratch));
    call.w = reinterpret_cast<const T*>(scratch);
    scratch += p.packed_bytes;
  }
  conv(call, p.kernel, scratch, run.parallel());
  return {};
}

// What conv_pack makes for a kernel.
std::string_view form_of(ConvKernel kernel) {
  return kernel == ConvKernel::k_winograd          ? "winograd"
         : kernel == ConvKernel::k_winograd_stored ? "places"
         : kernel == ConvKernel::k_depthwise       ? "depthwise"
                                                   : "product";
}

// `best`, or another kernel where the weights are only left in a form that it cannot take.
ConvKernel possible(const LowerContext& c, ConvKernel best) {
  std::string_view left = c.form(1);
  if (left.empty() || left.starts_with(form_of(best))) return best;
  for (ConvKernel kernel : {ConvKernel::k_winograd, ConvKernel::k_winograd_stored})
    if (left.starts_with(form_of(kernel))) return kernel;
  return ConvKernel::k_im2col;
}

template <class T>
Status pack(LowerContext& c, ConvParams* p) {
  KL_ASSIGN(p->packed_bytes, conv_packed_bytes<T>(p->shape, p->kernel));
  KL_ASSIGN(size_t scratch, conv_scratch_bytes<T>(p->shape, p->kernel, c.threads()));
  if (c.dtype(0) == kDTypeOf<T>) {
    std::string format = str(form_of(p->kernel), " ", p->shape.groups, " ", p->shape.stride[2]);
    // Where Winograd's form may pay at other shapes, elements stay. Depth may make it impossible.
    bool settled = p->kernel == ConvKernel::k_winograd || p->kernel == ConvKernel::k_winograd_stored ||
                   c.fixed() || !conv_accepts<T>(p->shape, ConvKernel::k_winograd_stored);
    if (settled && c.rank(1) <= 4) c.spent(1);
    KL_ASSIGN(p->packed, c.packed(1, format, p->packed_bytes, [&](std::byte* to) {
      conv_pack(p->shape, p->kernel, c.constant(1)->data<const T>(), reinterpret_cast<T*>(to));
    }));
  }
  if (!p->packed) {
    KL_ASSIGN(p->packed_bytes, checked_add(p->packed_bytes, kBufferAlignment - 1));
    p->packed_bytes &= ~(kBufferAlignment - 1);
    KL_ASSIGN(scratch, checked_add(scratch, p->packed_bytes));
  }
  c.scratch(scratch);
  return {};
}

template <class T>
Status prepare(LowerContext& c, ConvParams p) {
  p.kernel = possible(c, c.has_input(4) ? ConvKernel::k_pointwise_scaled : select_conv<T>(p.shape));
  if (!p.shape.empty()) KL_TRY(pack<T>(c, &p));
  if (c.has_input(3)) c.in_place(0, 3);
  const char* name = conv_kernel_name(p.kernel);
  add_float_step<run<T>>(c, name, c.dtype(0), std::move(p));
  return {};
}

Status lower(LowerContext& c) {
  ConvParams p;
  KL_ASSIGN(p.shape, conv_shape(c));
  if (std::string_view name = c.attributes().get_string("activation"); !name.empty()) {
    Activation::Kind kind;
    KL_REQUIRE(activation_from_name(name, false, &kind), kUnsupportedFeature, "activation ", name);
    p.activation = default_activation(kind);
    auto params = c.attributes().get_floats("activation_params");
    if (!params.empty()) p.activation.alpha = params[0];
    if (params.size() > 1) p.activation.beta = params[1];
    p.activation.scale = c.attributes().get_float("activation_scale", 1);
    p.activation.shift = c.attributes().get_float("activation_shift", 0);
  }
  p.input_relu = c.attributes().get_int("input_relu") != 0;
  if (c.dtype(0) == DType::kFloat64) return prepare<double>(c, std::move(p));
  return prepare<float>(c, std::move(p));
}

#define CONV_ATTRIBUTES "auto_pad:s='NOTSET' dilations:is group:i=1 kernel_shape:is pads:is strides:is"

constexpr OpDef kConv[] = {
    {.domain = kOnnx,
     .name = "Conv",
     .signature = "X:T W:T B:T? -> Y:T | T=floats | " CONV_ATTRIBUTES,
     .infer = infer,
     .lower = lower},
    // activation_scale * activation(conv + B + Z) + activation_shift; activation_params: alpha and beta of
    // the function, Clip: its bounds. Scale and shift are made by passes, and so are S, H and input_relu: the
    // convolution, of one tap, reads Relu(S * X + H), S [C] or [N or 1, C, 1, ...], H [C].
    {.domain = kMicrosoft,
     .name = "FusedConv",
     .signature =
         "X:T W:T B:T? Z:T? S:T? H:T? -> Y:T | T=float16,float32 | " CONV_ATTRIBUTES
         " input_relu:i=0 activation:s activation_params:fs activation_scale:f=1 activation_shift:f=0",
     .infer = infer,
     .lower = lower},
};

}  // namespace

std::span<const OpDef> conv() { return kConv; }

}  // namespace kinglet::ops
