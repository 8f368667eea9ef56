#include "ops/conv_geometry.h"
#include "ops/converted.h"
#include "ops/expand.h"

namespace kinglet::ops {

namespace {

struct ConvTransposeParams {
  ConvShape shape;
  std::shared_ptr<Buffer> packed;  // null: packed in the run, in front of the kernel's scratch
  size_t packed_bytes = 0;
};

Status infer(InferContext& c) {
  KL_ASSIGN(ConvShape shape, conv_transpose_shape(c));
  c.output(0, c.dtype(0), conv_output(c, shape));
  return {};
}

template <class T>
Status run(const ConvTransposeParams& p, Run& run) {
  Conv<T> call;
  call.shape = p.shape;
  call.x = run.in(0).data<const T>();
  call.bias = run.has_in(2) ? run.in(2).data<const T>() : nullptr;
  call.y = run.out(0).data<T>();
  std::byte* scratch = run.scratch();
  if (p.packed) {
    call.w = reinterpret_cast<const T*>(p.packed->data());
  } else {
    conv_transpose_pack(p.shape, run.in(1).data<const T>(), reinterpret_cast<T*>(scratch));
    call.w = reinterpret_cast<const T*>(scratch);
    scratch += p.packed_bytes;
  }
  conv_transpose(call, scratch, run.parallel());
  return {};
}

template <class T>
Status prepare(LowerContext& c, ConvTransposeParams p) {
  KL_ASSIGN(p.packed_bytes, conv_transpose_packed_bytes<T>(p.shape));
  KL_ASSIGN(size_t scratch, conv_transpose_scratch_bytes<T>(p.shape, c.threads()));
  if (c.dtype(0) == kDTypeOf<T>) {
    c.spent(1);
    KL_ASSIGN(p.packed,
              c.packed(1, str("conv_transpose ", p.shape.groups), p.packed_bytes, [&](std::byte* to) {
                conv_transpose_pack(p.shape, c.constant(1)->data<const T>(), reinterpret_cast<T*>(to));
              }));
  }
  if (!p.packed) {
    KL_ASSIGN(p.packed_bytes, checked_add(p.packed_bytes, kBufferAlignment - 1));
    p.packed_bytes &= ~(kBufferAlignment - 1);
    KL_ASSIGN(scratch, checked_add(scratch, p.packed_bytes));
  }
  c.scratch(scratch);
  add_float_step<run<T>>(c, "conv_transpose", c.dtype(0), std::move(p));
  return {};
}

Status lower(LowerContext& c) {
  ConvTransposeParams p;
  KL_ASSIGN(p.shape, conv_transpose_shape(c));
  if (c.dtype(0) == DType::kFloat64) return prepare<double>(c, std::move(p));
  return prepare<float>(c, std::move(p));
}

// Pads that only the run knows: what they cut off is cut off behind.
Status expand_dynamic_pads(ExpandContext& c) {
  ValueId whole =
      c.op("ConvTranspose", std::vector<ValueId>{c.input(0), c.input(1), c.input(3)}, c.attributes());
  if (!c.has_input(2)) {
    c.output(0, whole);
    return {};
  }
  ValueId outer = c.ints({0, 0});
  auto pads =
      c.ops("Split", {c.op("Reshape", {c.input(2), c.ints({-1})})}, 2, {{"axis", 0}, {"num_outputs", 2}});
  ValueId begin = c.op("Concat", {outer, pads[0]}, {{"axis", 0}});
  ValueId behind = c.op("Concat", {outer, pads[1]}, {{"axis", 0}});
  c.output(0, c.op("Slice", {whole, begin, c.op("Sub", {c.op("Shape", {whole}), behind})}));
  return {};
}

constexpr OpDef kConvTranspose[] = {
    {.domain = kOnnx,
     .name = "ConvTranspose",
     .signature =
         "X:T W:T B:T? -> Y:T | T=floats | auto_pad:s='NOTSET' dilations:is group:i=1 kernel_shape:is "
         "output_padding:is output_shape:is pads:is strides:is",
     .infer = infer,
     .lower = lower},
    {.domain = kMicrosoft,
     .name = "ConvTransposeWithDynamicPads",
     .signature = "X:T W:T Pads:int64? B:T? -> Y:T | T=floats | auto_pad:s='NOTSET' dilations:is group:i=1 "
                  "kernel_shape:is output_padding:is strides:is",
     .expand = expand_dynamic_pads},
};

}  // namespace

std::span<const OpDef> conv_transpose() { return kConvTranspose; }

}  // namespace kinglet::ops
