#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/evaluate.h"
#include "passes/match.h"
#include "passes/pass.h"

namespace kinglet::passes {

namespace {

// A value that DequantizeLinear made of 8-bit integers, or what QuantizeLinear makes of one.
struct Quantised {
  ValueId value = kNoValue, scale = kNoValue, zero = kNoValue;
  const Tensor* scales = nullptr;
  DType dtype = DType::kNone;
  int64_t axis = 1;
  bool whole = true;  // one scale for all
};

bool is_byte(DType d) { return d == DType::kInt8 || d == DType::kUInt8; }
bool is_either(const Node* node, std::string_view op) {
  return node != nullptr && (is_op(*node, op) || is_op(*node, op, kMicrosoft));
}

// Scale and zero point of a QuantizeLinear or DequantizeLinear: constants, the scale float32.
std::optional<Quantised> parameters(const Graph& graph, const Node& node, DType dtype) {
  Quantised q;
  q.scale = node.input(1);
  q.zero = node.input(2);
  q.scales = graph.constant(q.scale);
  q.dtype = dtype;
  bool known = q.scales != nullptr && q.scales->dtype() == DType::kFloat32 && is_byte(dtype) &&
               (q.zero == kNoValue || graph.constant(q.zero) != nullptr);
  if (!known || q.scales->count() == 0 || node.attributes.get_int("block_size") != 0) return std::nullopt;
  q.whole = q.scales->count() == 1;
  q.axis = node.attributes.get_int("axis", 1);
  return q;
}

[[gnu::noinline]] std::optional<Quantised> dequantised(const Graph& graph, ValueId id) {
  const Node* node = graph.producer(id);
  if (!is_either(node, "DequantizeLinear") || node->attributes.get_int("output_dtype") > 1)
    return std::nullopt;
  auto q = parameters(graph, *node, dtype_of(graph, node->input(0)));
  if (q) q->value = node->input(0);
  return q;
}

std::optional<Quantised> quantised(const Graph& graph, const Node& node) {
  DType dtype = dtype_of(graph, node.outputs[0]);
  auto q = parameters(graph, node, dtype);
  return q && q->whole ? q : std::nullopt;
}

// An 8-bit constant: as it is, or one that a QuantizeLinear makes of a constant.
Result<const Tensor*> constant_bytes(const Graph& graph, ValueId id, Tensor* made) {
  const Tensor* value = graph.constant(id);
  const Node* node = graph.producer(id);
  if (value != nullptr || !is_either(node, "QuantizeLinear") || node->def == nullptr) return value;
  std::vector<Value> inputs(node->inputs.size()), outputs;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (node->inputs[i] == kNoValue) continue;
    const Tensor* t = graph.constant(node->inputs[i]);
    if (t == nullptr) return value;
    inputs[i] = *t;
  }
  KL_TRY(evaluate(*node, inputs, &outputs, nullptr));
  *made = *outputs[0].tensor();
  return static_cast<const Tensor*>(made);
}

[[gnu::noinline]] Result<ValueId> zero_of(const Quantised& q, Patch* patch) {
  if (q.zero != kNoValue) return q.zero;
  KL_ASSIGN(Tensor zero, Tensor::allocate(q.dtype, {}));
  return patch->add_constant("zero", std::move(zero));
}

// `result` is what `op` of `inputs` gives instead; `like` names it.
[[gnu::noinline]] void replace(Patch* patch, ValueId result, const Node& like, std::string_view op,
                               std::vector<ValueId> inputs, Attributes attributes, bool microsoft) {
  patch->replace(result, patch->add(make_node(like, op, std::move(inputs), std::move(attributes),
                                              microsoft ? kMicrosoft : kOnnx)));
}

// The three inputs of a quantised operator that describe `q`.
[[gnu::noinline]] Status append(const Quantised& q, Patch* patch, std::vector<ValueId>* inputs) {
  KL_ASSIGN(ValueId zero, zero_of(q, patch));
  if (q.value != kNoValue) inputs->push_back(q.value);
  inputs->insert(inputs->end(), {q.scale, zero});
  return {};
}

// The weights of a product or convolution: constant, one scale or one for each index of `axis`.
Result<std::optional<Quantised>> weights(const Graph& graph, ValueId id, int64_t axis, Patch* patch) {
  auto q = dequantised(graph, id);
  if (!q) return std::optional<Quantised>();
  Tensor made;
  KL_ASSIGN(const Tensor* bytes, constant_bytes(graph, q->value, &made));
  if (bytes == nullptr || bytes->rank() < 2) return std::optional<Quantised>();
  int64_t given = q->axis < 0 ? q->axis + bytes->rank() : q->axis;
  if (!q->whole && given != (axis < 0 ? axis + bytes->rank() : axis)) return std::optional<Quantised>();
  if (bytes == &made) q->value = patch->add_constant(graph.edge(q->value).name, std::move(made));
  return q;
}

// The bias as int32 in steps of x's scale times those of the weights; nothing when its value is not known or
// too large.
Result<std::optional<ValueId>> integer_bias(const Graph& graph, ValueId id, const Quantised& x,
                                            const Quantised& w, double factor, Patch* patch) {
  if (id == kNoValue) return std::optional<ValueId>(kNoValue);
  const Tensor *values = graph.constant(id), *scale = nullptr, *zero = nullptr;
  const Node* node = graph.producer(id);
  if (is_either(node, "DequantizeLinear")) {
    values = graph.constant(node->input(0));
    scale = graph.constant(node->input(1));
    zero = graph.constant(node->input(2));
    if (scale == nullptr || (zero == nullptr && node->input(2) != kNoValue)) return std::optional<ValueId>();
  }
  if (values == nullptr || values->rank() != 1) return std::optional<ValueId>();
  int64_t count = values->count();
  auto fits = [&](const Tensor* t) { return t == nullptr || t->count() == 1 || t->count() == count; };
  if (!fits(scale) || !fits(zero) || !fits(w.scales)) return std::optional<ValueId>();
  auto at = [](const Tensor* t, int64_t i, double absent) {
    return t == nullptr ? absent : t->number(t->count() == 1 ? 0 : i);
  };
  KL_ASSIGN(Tensor bias, Tensor::allocate(DType::kInt32, {count}));
  for (int64_t i = 0; i < count; ++i) {
    double real = (values->number(i) - at(zero, i, 0)) * at(scale, i, 1);
    double step = factor * x.scales->number(0) * at(w.scales, i, 1);
    double whole = std::nearbyint(real / step);
    if (!(std::abs(whole) < 2147483647.0)) return std::optional<ValueId>();
    bias.data<int32_t>()[i] = static_cast<int32_t>(whole);
  }
  return std::optional<ValueId>(patch->add_constant(graph.edge(id).name, std::move(bias)));
}

Attributes copied(const Node& node, std::initializer_list<std::string_view> names) {
  Attributes out;
  for (std::string_view name : names) {
    if (const AttributeValue* value = node.attributes.find(name)) out.set(name, *value);
  }
  return out;
}

// y = QuantizeLinear(Conv(x, w, b)); `to` is absent for a Gemm whose result stays float.
Status fuse_linear(const Graph& graph, const Node& node, ValueId result, const Quantised* to, Patch* patch) {
  auto x = dequantised(graph, node.input(0));
  if (!x || !x->whole) return {};
  bool conv = is_op(node, "Conv"), gemm = is_op(node, "Gemm");
  int64_t axis = conv || (gemm && node.attributes.get_int("transB") != 0) ? 0 : -1;
  KL_ASSIGN(std::optional<Quantised> w, weights(graph, node.input(1), axis, patch));
  if (!w && is_op(node, "MatMul")) {
    w = dequantised(graph, node.input(1));
    if (w && !w->whole) w.reset();
  }
  if (!w) return {};
  std::vector<ValueId> inputs;
  if (is_op(node, "MatMul")) {
    if (to == nullptr) {
      KL_ASSIGN(ValueId x_zero, zero_of(*x, patch));
      KL_ASSIGN(ValueId w_zero, zero_of(*w, patch));
      inputs = {x->value, w->value, x->scale, w->scale, x_zero, w_zero};
      replace(patch, result, node, "MatMulIntegerToFloat", std::move(inputs), {}, true);
      return {};
    }
    KL_TRY(append(*x, patch, &inputs));
    KL_TRY(append(*w, patch, &inputs));
    KL_TRY(append(*to, patch, &inputs));
    replace(patch, result, node, "QLinearMatMul", std::move(inputs), {}, false);
    return {};
  }
  double factor = gemm ? static_cast<double>(node.attributes.get_float("alpha", 1)) : 1.0;
  if (gemm && node.input(2) != kNoValue && node.attributes.get_float("beta", 1) != 1) return {};
  KL_ASSIGN(std::optional<ValueId> bias, integer_bias(graph, node.input(2), *x, *w, factor, patch));
  if (!bias) return {};
  KL_TRY(append(*x, patch, &inputs));
  KL_TRY(append(*w, patch, &inputs));
  if (gemm) {
    inputs.push_back(*bias);
    if (to != nullptr) KL_TRY(append(*to, patch, &inputs));
    replace(patch, result, node, "QGemm", std::move(inputs), copied(node, {"alpha", "transA", "transB"}),
            true);
    return {};
  }
  KL_TRY(append(*to, patch, &inputs));
  if (*bias != kNoValue) inputs.push_back(*bias);
  replace(patch, result, node, "QLinearConv", std::move(inputs), node.attributes, false);
  return {};
}

// Operators that only move elements, or take the largest: the same on the integers when both sides have one
// scale and zero point.
bool keeps_values(const Node& node) {
  static constexpr std::string_view kMoving[] = {"Reshape",      "Transpose",    "Flatten", "Squeeze",
                                                 "Unsqueeze",    "MaxPool",      "Slice",   "Gather",
                                                 "DepthToSpace", "SpaceToDepth", "Identity"};
  return node.domain == kOnnx && node.outputs.size() == 1 &&
         std::ranges::find(kMoving, node.op) != std::end(kMoving);
}

bool same_number(const Graph& graph, ValueId a, ValueId b) {
  auto number = [&](ValueId id) { return id == kNoValue ? std::optional<double>(0) : scalar(graph, id, 1); };
  return a == b || (number(a) && number(a) == number(b));
}

// Whether QuantizeLinear makes the bounds of the clamp the extremes of its type: saturation then takes away
// all that the clamp does.
bool clamp_is_covered(const Graph& graph, const Node& node, const Quantised& to) {
  double lowest = to.dtype == DType::kInt8 ? -128 : 0;
  double zero = to.zero == kNoValue ? 0 : graph.constant(to.zero)->number(0);
  auto scale = static_cast<float>(to.scales->number(0));
  auto whole = [&](double bound) { return std::nearbyint(static_cast<float>(bound) / scale) + zero; };
  if (is_op(node, "Relu")) return zero <= lowest;
  auto low = scalar(graph, node.input(1), kMaxRank), high = scalar(graph, node.input(2), kMaxRank);
  bool known = (low || node.input(1) == kNoValue) && (high || node.input(2) == kNoValue);
  return is_op(node, "Clip") && known && (!low || whole(*low) <= lowest) &&
         (!high || whole(*high) >= lowest + 255);
}

Status fuse_quantised(const Graph& graph, const Node& quantize, Patch* patch) {
  auto to = quantised(graph, quantize);
  ValueId y = quantize.input(0), result = quantize.outputs[0];
  const Node* node = graph.producer(y);
  if (!to || node == nullptr || !read_once(graph, y) || node->outputs.size() != 1) return {};
  if (is_op(*node, "Relu") || is_op(*node, "Clip")) {
    if (!clamp_is_covered(graph, *node, *to)) return {};
    y = node->input(0);
    const Node* before = graph.producer(y);
    if (before == nullptr || !read_once(graph, y) || before->outputs.size() != 1) return {};
    node = before;
  }
  if (is_op(*node, "Conv") || is_op(*node, "MatMul") || is_op(*node, "Gemm"))
    return fuse_linear(graph, *node, result, &*to, patch);
  auto x = dequantised(graph, node->input(0));
  if (!x || !x->whole || x->dtype != to->dtype) return {};
  std::vector<ValueId> inputs;
  if (keeps_values(*node)) {
    if (!same_number(graph, x->scale, to->scale) || !same_number(graph, x->zero, to->zero)) return {};
    inputs = node->inputs;
    inputs[0] = x->value;
    replace(patch, result, *node, node->op, std::move(inputs), node->attributes, false);
    return {};
  }
  bool add = is_op(*node, "Add"), mul = is_op(*node, "Mul");
  if (!add && !mul && !is_op(*node, "Sigmoid") && !is_op(*node, "LeakyRelu")) return {};
  KL_TRY(append(*x, patch, &inputs));
  if (add || mul) {
    auto other = dequantised(graph, node->input(1));
    if (!other || !other->whole || other->dtype != to->dtype) return {};
    KL_TRY(append(*other, patch, &inputs));
  }
  KL_TRY(append(*to, patch, &inputs));
  replace(patch, result, *node, str("QLinear", node->op), std::move(inputs), copied(*node, {"alpha"}), true);
  return {};
}

}  // namespace

// Operators between DequantizeLinear and QuantizeLinear become operators on the integers.
Status fuse_qdq(const Graph& graph, NodeId id, Patch* patch) {
  const Node& node = graph.node(id);
  if (is_either(&node, "QuantizeLinear")) {
    KL_TRY(fuse_quantised(graph, node, patch));
  } else if (is_op(node, "MatMul") || is_op(node, "Gemm")) {
    // What a QuantizeLinear reads is for the case above.
    for (NodeId user : graph.users(node.outputs[0])) {
      const Node& reader = graph.node(user);
      if (is_either(&reader, "QuantizeLinear") || is_op(reader, "Relu") || is_op(reader, "Clip")) return {};
    }
    KL_TRY(fuse_linear(graph, node, node.outputs[0], nullptr, patch));
  }
  if (patch->empty()) return {};
  patch->remove(id);
  // Nothing else reads what led to a QuantizeLinear: gone, it does not keep others from being seen as dead.
  for (const Node* n = &node; is_either(n, "QuantizeLinear") || is_op(*n, "Relu") || is_op(*n, "Clip");) {
    NodeId before = graph.edge(n->input(0)).producer;
    patch->remove(before);
    n = &graph.node(before);
  }
  return {};
}

}  // namespace kinglet::passes
