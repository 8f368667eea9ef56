#include "kernels/norm/norm.h"
#include "ops/elementwise.h"
#include "ops/expand.h"

namespace kinglet::ops {

namespace {

// RMSNormalization and SimplifiedLayerNormalization do not subtract the mean.
bool centers(const OpContext& c) { return c.node().def->name == "LayerNormalization"; }
DType stash_type(const OpContext& c) { return static_cast<DType>(c.attributes().get_int("stash_type", 1)); }

Status infer(InferContext& c) {
  const Shape& shape = c.shape(0);
  KL_ASSIGN(int axis, normalize_axis(c.attributes().get_int("axis", -1), shape.rank()));
  DType stash = stash_type(c);
  KL_REQUIRE(stash == DType::kFloat32 || stash == DType::kBFloat16 || stash == DType::kFloat16 ||
                 stash == DType::kFloat64,
             kInvalidGraph, "stash_type is ", c.attributes().get_int("stash_type", 1));
  for (int i = 1; i < c.input_count(); ++i) {
    if (!c.has_input(i)) continue;
    KL_ASSIGN(Shape both, broadcast(shape, c.shape(i)));
    KL_REQUIRE(both == shape, kInvalidShape, "scale or bias of shape ", c.shape(i), " does not broadcast to ",
               shape);
  }
  Shape rows = shape;
  for (int d = axis; d < shape.rank(); ++d) rows[static_cast<size_t>(d)] = 1;
  bool by_input = !centers(c) && c.node().def->name == "RMSNormalization";
  c.output(0, by_input ? c.dtype(1) : c.dtype(0), shape);
  if (c.output_count() > 1) c.output(1, stash, rows);
  if (c.output_count() > 2) c.output(2, stash, rows);
  return {};
}

struct LayerNormStep {
  LayerNorm norm;
  DType stash;
  bool direct;              // scale and bias are as long as a row
  Elementwise scale, bias;  // if not
};

Status run_step(const LayerNormStep& s, Run& run) {
  auto operand = [&](int i) {
    return run.has_in(i) ? Operand{run.in(i).dtype(), run.in(i).data()} : Operand{};
  };
  auto output = [&](int i) { return run.has_out(i) ? run.out(i).data() : nullptr; };
  std::byte* y = run.out(0).data();
  bool center = s.norm.center;
  run_layer_norm(s.norm, run.in(0).data(), s.direct ? operand(1) : Operand{},
                 s.direct ? operand(2) : Operand{}, y, s.stash, center ? output(1) : nullptr,
                 output(center ? 2 : 1), run.parallel());
  if (s.direct) return {};
  for (int i = 1; i <= 2; ++i) {
    const std::byte* in[] = {y, operand(i).data};
    if (in[1] != nullptr) run_elementwise(i == 1 ? s.scale : s.bias, in, y, nullptr, run.parallel());
  }
  return {};
}

Elementwise combine(LowerContext& c, int i, const char* op) {
  const Function& f = *find_binary(op);
  Elementwise e;
  DType dtype = c.out_dtype(0);
  Compute compute = f.compute(dtype);
  const Shape shapes[] = {c.shape(0), c.shape(i)};
  e.loop = broadcast_loop(c.shape(0), shapes);
  e.fn = f.kernel(compute);
  e.in[0] = e.out = computed(dtype, compute);
  e.in[1] = computed(c.dtype(i), compute);
  return e;
}

Status lower(LowerContext& c) {
  const Shape& shape = c.shape(0);
  KL_ASSIGN(int axis, normalize_axis(c.attributes().get_int("axis", -1), shape.rank()));
  LayerNormStep s;
  s.norm.dtype = c.dtype(0);
  s.norm.out = c.out_dtype(0);
  s.norm.rows = shape.count(0, axis);
  s.norm.length = shape.count(axis);
  s.norm.epsilon = static_cast<double>(c.attributes().get_float("epsilon", 1e-5f));
  s.norm.center = centers(c);
  s.stash = stash_type(c);
  s.direct = true;
  for (int i = 1; i <= 2; ++i) s.direct &= !c.has_input(i) || c.shape(i).count() == s.norm.length;
  // As many elements as a row, but spread over other axes.
  for (int i = 1; i <= 2; ++i) {
    if (!c.has_input(i)) continue;
    int outer = c.rank(i) - (shape.rank() - axis);
    s.direct &= outer <= 0 || c.shape(i).count(0, outer) == 1;
    (i == 1 ? s.scale : s.bias) = combine(c, i, i == 1 ? "Mul" : "Add");
  }
  c.step<run_step>(s.norm.center ? "norm/layer" : "norm/rms", s);
  if (c.dtype(0) == c.out_dtype(0)) c.in_place(0, 0);
  return {};
}

// com.microsoft: the sum of input, skip (and bias), normalised over the last axis.
template <bool kCenter>
Status expand_skip(ExpandContext& c) {
  constexpr size_t kBias = kCenter ? 4 : 3;
  ValueId sum = c.op("Add", {c.input(0), c.input(1)});
  if (c.has_input(kBias)) sum = c.op("Add", {sum, c.input(kBias)});
  auto outputs = c.ops(kCenter ? "LayerNormalization" : "SimplifiedLayerNormalization",
                       {sum, c.input(2), kCenter ? c.input(3) : kNoValue}, kCenter ? 3 : 2,
                       {{"epsilon", c.attributes().get_float("epsilon", 1e-12f)}});
  c.output(0, outputs[0]);
  if (kCenter) c.output(1, outputs[1]);
  c.output(2, outputs.back());
  c.output(3, sum);
  return {};
}

constexpr OpDef kLayerNorm[] = {
    {kOnnx, "LayerNormalization",
     "X:T Scale:T B:T? -> Y:T Mean:U? InvStdDev:U? | T=floats U=floats | axis:i=-1 epsilon:f=1e-05 "
     "stash_type:i=1",
     infer, lower},
    {kOnnx, "RMSNormalization",
     "X:T scale:V -> Y:V | T=floats V=floats | axis:i=-1 epsilon:f=1e-05 stash_type:i=1", infer, lower},
    {kOnnx, "SimplifiedLayerNormalization",
     "X:T scale:T -> Y:T inv_std_var:U? | T=floats U=floats | axis:i=-1 epsilon:f=1e-05 stash_type:i=1",
     infer, lower},
    {.domain = kMicrosoft,
     .name = "SkipLayerNormalization",
     .signature = "input:T skip:T gamma:T beta:T? bias:T? -> output:T mean:float32? inv_std_var:float32? "
                  "input_skip_bias_sum:T? | T=floats | epsilon:f=1e-12",
     .expand = expand_skip<true>},
    {.domain = kMicrosoft,
     .name = "SkipSimplifiedLayerNormalization",
     .signature = "input:T skip:T gamma:T bias:T? -> output:T mean:float32? inv_std_var:float32? "
                  "input_skip_bias_sum:T? | T=floats | epsilon:f=1e-12",
     .expand = expand_skip<false>},
};

}  // namespace

std::span<const OpDef> layer_norm() { return kLayerNorm; }

}  // namespace kinglet::ops
