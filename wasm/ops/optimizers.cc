// ai.onnx.preview.training: inputs are R, T, then the tensors, then their gradients, then each kind of state;
// outputs are the tensors' new values, then each kind of state.
#include "ops/scalar_like.h"

namespace kinglet::ops {

namespace {

// Arithmetic on the graph; numbers have the dtype of the tensor at hand.
struct Maker {
  ExpandContext& c;
  size_t like;
  Status status{};
  ValueId number(double value) {
    auto id = scalar_like(c, like, value);
    if (id.ok()) return *id;
    status = std::move(id.status());
    return kNoValue;
  }
  ValueId attribute(std::string_view name, float absent = 0) {
    return number(static_cast<double>(c.attributes().get_float(name, absent)));
  }
  ValueId cast(ValueId x) { return c.op("CastLike", {x, c.input(like)}); }
  ValueId add(ValueId a, ValueId b) { return c.op("Add", {a, b}); }
  ValueId sub(ValueId a, ValueId b) { return c.op("Sub", {a, b}); }
  ValueId mul(ValueId a, ValueId b) { return c.op("Mul", {a, b}); }
  ValueId div(ValueId a, ValueId b) { return c.op("Div", {a, b}); }
  ValueId sqrt(ValueId x) { return c.op("Sqrt", {x}); }
  // a * x + (1 - a) * y
  ValueId blend(std::string_view name, float absent, ValueId x, ValueId y) {
    double a = static_cast<double>(c.attributes().get_float(name, absent));
    return add(mul(number(a), x), mul(number(1 - a), y));
  }
  ValueId regularized(ValueId x, ValueId gradient) {
    float norm = c.attributes().get_float("norm_coefficient");
    return norm == 0 ? gradient : add(mul(number(static_cast<double>(norm)), x), gradient);
  }
  // T > 0 ? a : b
  ValueId if_started(ValueId a, ValueId b) {
    auto zero = Tensor::scalar(int64_t{0});
    if (!zero.ok()) return status = std::move(zero.status()), kNoValue;
    return c.op("Where", {c.op("Greater", {c.input(1), c.constant(std::move(*zero))}), a, b});
  }
};

// Calls update(maker, tensor, gradient, state 0, state 1 or none, outputs[3]) for each tensor.
template <class Update>
Status for_each_tensor(ExpandContext& c, size_t states, Update&& update) {
  size_t kinds = 2 + states, count = c.node().inputs.size() - 2;
  KL_REQUIRE(c.node().inputs.size() > 2 && count % kinds == 0, kInvalidGraph, count,
             " tensors behind R and T, not ", kinds, " for each");
  count /= kinds;
  KL_REQUIRE(c.node().outputs.size() == count * (1 + states), kInvalidGraph, c.node().outputs.size(),
             " outputs for ", count, " tensors");
  for (size_t i = 0; i < count; ++i) {
    ValueId out[3] = {kNoValue, kNoValue, kNoValue};
    auto in = [&](size_t kind) { return c.input(2 + kind * count + i); };
    Maker m{c, 2 + i};
    update(m, in(0), in(1), in(2), states > 1 ? in(3) : kNoValue, out);
    KL_TRY(std::move(m.status));
    for (size_t kind = 0; kind <= states; ++kind) c.output(kind * count + i, out[kind]);
  }
  return {};
}

Status expand_adagrad(ExpandContext& c) {
  return for_each_tensor(c, 1, [&](Maker& m, ValueId x, ValueId g, ValueId h, ValueId, ValueId* out) {
    ValueId rate =
        m.div(m.cast(c.input(0)), m.add(m.number(1), m.mul(m.cast(c.input(1)), m.attribute("decay_factor"))));
    g = m.regularized(x, g);
    out[1] = m.add(h, m.mul(g, g));
    out[0] = m.sub(x, m.div(m.mul(rate, g), m.add(m.sqrt(out[1]), m.attribute("epsilon"))));
  });
}

Status expand_adam(ExpandContext& c) {
  return for_each_tensor(c, 2, [&](Maker& m, ValueId x, ValueId g, ValueId v, ValueId h, ValueId* out) {
    ValueId rate = m.cast(c.input(0)), t = m.cast(c.input(1));
    auto rest = [&](std::string_view name, float absent) {
      return m.sub(m.number(1), c.op("Pow", {m.attribute(name, absent), t}));
    };
    rate = m.if_started(m.div(m.mul(rate, m.sqrt(rest("beta", 0.999f))), rest("alpha", 0.9f)), rate);
    g = m.regularized(x, g);
    out[1] = m.blend("alpha", 0.9f, v, g);
    out[2] = m.blend("beta", 0.999f, h, m.mul(g, g));
    x = m.sub(x, m.div(m.mul(rate, out[1]), m.add(m.sqrt(out[2]), m.attribute("epsilon"))));
    out[0] = m.mul(m.sub(m.number(1), m.attribute("norm_coefficient_post")), x);
  });
}

Status expand_momentum(ExpandContext& c) {
  std::string_view mode = c.attributes().get_string("mode");
  KL_REQUIRE(mode == "standard" || mode == "nesterov", kInvalidGraph, "mode is ", mode,
             ", not standard or nesterov");
  return for_each_tensor(c, 1, [&](Maker& m, ValueId x, ValueId g, ValueId v, ValueId, ValueId* out) {
    g = m.regularized(x, g);
    ValueId alpha = m.attribute("alpha");
    ValueId beta = m.if_started(m.attribute("beta"), m.number(1));
    out[1] = m.add(m.mul(alpha, v), m.mul(beta, g));
    ValueId step = mode == "nesterov" ? m.add(g, m.mul(alpha, out[1])) : out[1];
    out[0] = m.sub(x, m.mul(m.cast(c.input(0)), step));
  });
}

#define KL_OPTIMIZER(op, parameters, function)                                           \
  {.domain = kTraining,                                                                  \
   .name = op,                                                                           \
   .signature = "R:F T:int64 inputs:F# -> outputs:F# | F=float32,float64 | " parameters, \
   .expand = function}
constexpr OpDef kOptimizers[] = {
    KL_OPTIMIZER("Adagrad", "decay_factor:f=0 epsilon:f=1e-06 norm_coefficient:f=0", expand_adagrad),
    KL_OPTIMIZER("Adam",
                 "alpha:f=0.9 beta:f=0.999 epsilon:f=1e-06 norm_coefficient:f=0 norm_coefficient_post:f=0",
                 expand_adam),
    KL_OPTIMIZER("Momentum", "alpha:f! beta:f! mode:s! norm_coefficient:f!", expand_momentum),
};
#undef KL_OPTIMIZER

}  // namespace

std::span<const OpDef> optimizers() { return kOptimizers; }

}  // namespace kinglet::ops
