#include "passes/linear.h"

#include <algorithm>
#include <cmath>

namespace kinglet {

namespace {
bool is_wide_float(const Tensor* t) {
  return t != nullptr && (t->dtype() == DType::kFloat32 || t->dtype() == DType::kFloat64);
}
}  // namespace

std::optional<std::vector<double>> per_channel(const Graph& graph, ValueId constant,
                                               const Channels& channels) {
  const Tensor* t = graph.constant(constant);
  if (!is_wide_float(t)) return std::nullopt;
  auto count = static_cast<size_t>(channels.count);
  // More dimensions than the value has would give the result more.
  if (channels.rank >= 0 && t->rank() > channels.rank) return std::nullopt;
  if (t->count() == 1 && (channels.rank >= 0 || t->rank() <= 1))
    return std::vector<double>(count, t->number(0));
  if (t->count() != channels.count) return std::nullopt;
  int from_end = channels.axis < 0 ? -channels.axis : channels.rank - channels.axis;
  bool placed = channels.axis < 0 || channels.rank >= 0;
  if (!placed || from_end > t->rank() || t->shape().at(-from_end) != channels.count) return std::nullopt;
  if (channels.axis < 0 && channels.rank < 0 && t->rank() != 1) return std::nullopt;
  std::vector<double> out(count);
  for (size_t i = 0; i < count; ++i) out[i] = t->number(static_cast<int64_t>(i));
  return out;
}

std::optional<Affine> affine_of(const Graph& graph, const Node& node, ValueId x, const Channels& channels) {
  if (node.domain != kOnnx || node.inputs.size() < 2) return std::nullopt;
  auto count = static_cast<size_t>(channels.count);
  Affine out{std::vector<double>(count, 1), std::vector<double>(count, 0)};
  if (node.op == "BatchNormalization") {
    bool inference = node.attributes.get_int("training_mode") == 0 && node.inputs[0] == x;
    if (!inference || channels.axis != 1 || node.inputs.size() != 5) return std::nullopt;
    std::vector<double> part[4];
    for (size_t i = 0; i < 4; ++i) {
      const Tensor* t = graph.constant(node.inputs[i + 1]);
      if (!is_wide_float(t) || t->count() != channels.count) return std::nullopt;
      for (int64_t c = 0; c < channels.count; ++c) part[i].push_back(t->number(c));
    }
    double epsilon = node.attributes.get_float("epsilon", 1e-5f);
    for (size_t c = 0; c < count; ++c) {
      out.scale[c] = part[0][c] / std::sqrt(part[3][c] + epsilon);
      out.shift[c] = part[1][c] - part[2][c] * out.scale[c];
    }
    return out;
  }
  bool mul = node.op == "Mul", add = node.op == "Add", sub = node.op == "Sub", div = node.op == "Div";
  if (!mul && !add && !sub && !div) return std::nullopt;
  bool first = node.inputs[0] == x;
  if (div && !first) return std::nullopt;
  auto values = per_channel(graph, node.inputs[first ? 1 : 0], channels);
  if (!values) return std::nullopt;
  for (size_t c = 0; c < count; ++c) {
    double v = (*values)[c];
    if (mul) out.scale[c] = v;
    if (div) out.scale[c] = 1 / v;
    if (add) out.shift[c] = v;
    if (sub) out.shift[c] = first ? -v : v;
    if (sub && !first) out.scale[c] = -1;
  }
  return out;
}

std::optional<Linear> linear_producer(const Graph& graph, ValueId result) {
  const Node* node = graph.producer(result);
  if (node == nullptr || !read_once(graph, result) || node->outputs.size() != 1) return std::nullopt;
  Linear out;
  out.node = node;
  out.weights = graph.constant(node->input(1));
  out.bias = graph.constant(node->input(2));
  if (!is_wide_float(out.weights)) return std::nullopt;
  if (node->input(2) != kNoValue && !is_wide_float(out.bias)) return std::nullopt;
  const Shape& w = out.weights->shape();
  bool fused = is_op(*node, "FusedConv", kMicrosoft);
  if (fused &&
      (node->input(3) != kNoValue || node->input(4) != kNoValue || node->attributes.has("activation")))
    return std::nullopt;
  if (is_op(*node, "Conv") || fused) {
    if (w.rank() < 3) return std::nullopt;
    out.channels = {w[0], w.rank(), 1};
  } else if (is_op(*node, "ConvTranspose")) {
    int64_t group = node->attributes.get_int("group", 1);
    if (w.rank() < 3 || group < 1 || group > w[0] || w[0] % group != 0) return std::nullopt;
    out.channels = {w[1] * group, w.rank(), 1};
  } else if (is_op(*node, "Gemm")) {
    if (w.rank() != 2) return std::nullopt;
    out.channels = {w[node->attributes.get_int("transB") != 0 ? 0 : 1], 2, 1};
  } else if (is_op(*node, "MatMul")) {
    if (w.rank() != 2) return std::nullopt;
    out.channels = {w[1], -1, -1};
    out.takes_bias = false;
  } else {
    return std::nullopt;
  }
  return out;
}

namespace {
template <class T>
void multiply_runs(const Tensor& tensor, int64_t run, const std::function<double(int64_t)>& factor,
                   Tensor* out) {
  const T* from = tensor.data<T>();
  T* to = out->data<T>();
  for (int64_t at = 0, count = tensor.count(); at < count;) {
    double by = factor(at);
    for (int64_t end = std::min(at + run, count); at < end; ++at) to[at] = static_cast<T>(from[at] * by);
  }
}
}  // namespace

Result<Tensor> multiplied(const Graph& graph, ValueId constant, int64_t run,
                          const std::function<double(int64_t)>& factor) {
  const Tensor& tensor = *graph.constant(constant);
  bool alone = graph.users(constant).size() == 1 && !graph.is_output(constant) &&
               tensor.buffer().use_count() == 1 && tensor.buffer()->is_separate();
  Tensor out = tensor;
  if (!alone) {
    KL_ASSIGN(out, Tensor::allocate_uninitialized(tensor.dtype(), tensor.shape()));
  }
  if (tensor.dtype() == DType::kFloat64)
    multiply_runs<double>(tensor, run, factor, &out);
  else
    multiply_runs<float>(tensor, run, factor, &out);
  return out;
}

Result<Tensor> vector_like(const Tensor& like, const std::vector<double>& values) {
  KL_ASSIGN(Tensor ones, Tensor::allocate(like.dtype(), {static_cast<int64_t>(values.size())}));
  for (size_t i = 0; i < values.size(); ++i) {
    if (like.dtype() == DType::kFloat64)
      ones.data<double>()[i] = values[i];
    else
      ones.data<float>()[i] = static_cast<float>(values[i]);
  }
  return ones;
}

Result<std::optional<ValueId>> add_scaled(const Linear& linear, const Affine& affine, const Node& name,
                                          Patch* patch) {
  const Node& node = *linear.node;
  const Shape& w = linear.weights->shape();
  bool shifts = std::ranges::any_of(affine.shift, [](double v) { return v != 0; });
  bool scales = std::ranges::any_of(affine.scale, [](double v) { return v != 1; });
  if (shifts && !linear.takes_bias) return std::optional<ValueId>();
  bool gemm = node.op == "Gemm", transposed = node.op == "ConvTranspose";
  double beta = gemm ? node.attributes.get_float("beta", 1) : 1;
  std::vector<double> bias(affine.shift);
  if (linear.bias != nullptr) {
    bool one = linear.bias->count() == 1;
    bool each =
        linear.bias->count() == linear.channels.count && linear.bias->shape().back() == linear.channels.count;
    if (!one && !each) return std::optional<ValueId>();
    for (size_t c = 0; c < bias.size(); ++c)
      bias[c] += affine.scale[c] * beta * linear.bias->number(one ? 0 : static_cast<int64_t>(c));
  }
  ValueId weights = node.inputs[1];
  if (scales) {
    int64_t inner = w.count(1), group_outputs = w[1], spatial = w.count(2);
    int64_t inputs_per_group =
        transposed ? w[0] / std::max<int64_t>(node.attributes.get_int("group", 1), 1) : 1;
    bool rows =
        node.op == "Conv" || node.op == "FusedConv" || (gemm && node.attributes.get_int("transB") != 0);
    auto factor = [&](int64_t i) {
      int64_t channel = rows ? i / inner
                        : transposed
                            ? i / inner / inputs_per_group * group_outputs + i / spatial % group_outputs
                            : i % w[1];
      return affine.scale[static_cast<size_t>(channel)];
    };
    int64_t run = rows ? inner : transposed ? spatial : 1;
    KL_ASSIGN(Tensor scaled, multiplied(patch->graph(), node.inputs[1], run, factor));
    weights = patch->add_constant(patch->graph().edge(node.inputs[1]).name, std::move(scaled));
  }
  Node out = make_node(name, node.op, {node.inputs[0], weights}, node.attributes, node.domain);
  if (linear.bias != nullptr || shifts) {
    KL_ASSIGN(Tensor values, vector_like(*linear.weights, bias));
    out.inputs.push_back(patch->add_constant(str(name.name, ".bias"), std::move(values)));
    if (gemm) out.attributes.erase("beta");
  }
  return std::optional<ValueId>(patch->add(std::move(out)));
}

}  // namespace kinglet
