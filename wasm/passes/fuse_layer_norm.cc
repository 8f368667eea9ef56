#include "passes/match.h"
#include "passes/pass.h"

namespace kinglet::passes {

namespace {

// x when `value` is the mean of x over its last axis, which is kept.
ValueId mean_of(const Graph& graph, ValueId value) {
  const Node* mean = producer(graph, value, "ReduceMean");
  if (mean == nullptr || mean->attributes.get_int("keepdims", 1) == 0) return kNoValue;
  auto axes = constant_ints(graph, mean->input(1));
  if (!axes || axes->rank() != 1) return kNoValue;
  int rank = rank_of(graph, mean->inputs[0]);
  return (*axes)[0] == -1 || (rank > 0 && (*axes)[0] == rank - 1) ? mean->inputs[0] : kNoValue;
}

// The value whose square `value` is.
ValueId root_of_square(const Graph& graph, ValueId value) {
  const Node* node = graph.producer(value);
  if (node == nullptr || node->domain != kOnnx || node->inputs.size() != 2) return kNoValue;
  bool square = node->op == "Pow" ? is_about(scalar(graph, node->inputs[1], 1), 2)
                                  : node->op == "Mul" && node->inputs[0] == node->inputs[1];
  return square ? node->inputs[0] : kNoValue;
}

// x normalised over its last axis: (x - mean) / sqrt(mean of squares + epsilon), or x by its own squares.
struct Norm {
  ValueId x = kNoValue, mean = kNoValue;  // without a mean where it is not taken off
  double epsilon = 0;
};

// What is squared in `value` = squares' mean + epsilon.
ValueId deviation_of(const Graph& graph, ValueId value, Norm* norm) {
  const Node* add = producer(graph, value, "Add");
  auto parts = add == nullptr ? std::nullopt
                              : either(*add, [&](ValueId v) { return scalar(graph, v, 1).has_value(); });
  if (!parts) return kNoValue;
  norm->epsilon = *scalar(graph, parts->second, 1);
  ValueId squares = mean_of(graph, parts->first);
  return squares == kNoValue ? kNoValue : root_of_square(graph, squares);
}

// The same for `value` = 1 / sqrt(...) (`inverse`) or sqrt(...).
ValueId rooted(const Graph& graph, ValueId value, bool inverse, Norm* norm) {
  const Node* node = graph.producer(value);
  if (node == nullptr || node->domain != kOnnx) return kNoValue;
  if (node->op == "Pow" && is_about(scalar(graph, node->input(1), 1), inverse ? -0.5 : 0.5))
    return deviation_of(graph, node->inputs[0], norm);
  if (!inverse) return node->op == "Sqrt" ? deviation_of(graph, node->inputs[0], norm) : kNoValue;
  if (node->op == "Reciprocal") return rooted(graph, node->inputs[0], false, norm);
  bool one_over = node->op == "Div" && is_about(scalar(graph, node->inputs[0], 1), 1);
  return one_over ? rooted(graph, node->inputs[1], false, norm) : kNoValue;
}

// Sets x and mean from the value that is divided by the root of its own squares' mean.
void take_mean_apart(const Graph& graph, ValueId centred, Norm* norm) {
  const Node* sub = producer(graph, centred, "Sub");
  norm->x = centred;
  if (sub != nullptr && mean_of(graph, sub->inputs[1]) == sub->inputs[0]) {
    norm->x = sub->inputs[0];
    norm->mean = sub->inputs[1];
  }
}

std::optional<Norm> normalized(const Graph& graph, ValueId value) {
  const Node* node = graph.producer(value);
  if (node == nullptr || node->domain != kOnnx || node->inputs.size() != 2) return std::nullopt;
  Norm norm;
  bool div = node->op == "Div";
  if (!div && node->op != "Mul") return std::nullopt;
  for (size_t i : {size_t{1}, size_t{0}}) {
    ValueId centred = node->inputs[1 - i];
    if ((div && i == 0) || rooted(graph, node->inputs[i], !div, &norm) != centred) continue;
    take_mean_apart(graph, centred, &norm);
    return norm;
  }
  return std::nullopt;
}

// A constant with an entry for each element of the last axis, that adds no dimension to x.
bool is_row(const Graph& graph, ValueId v, ValueId x) {
  const Tensor* t = graph.constant(v);
  if (t == nullptr || t->rank() < 1 || t->shape().back() != t->count() || t->dtype() != dtype_of(graph, x))
    return false;
  return t->rank() == 1 || t->rank() <= rank_of(graph, x);
}

Node norm_node(const Node& like, const Norm& norm, ValueId scale, ValueId bias = kNoValue) {
  Attributes attributes;
  attributes.set("axis", int64_t{-1});
  attributes.set("epsilon", static_cast<float>(norm.epsilon));
  const char* op = norm.mean == kNoValue ? "RMSNormalization" : "LayerNormalization";
  Node out = make_node(like, op, {norm.x, scale}, std::move(attributes));
  if (bias != kNoValue) out.inputs.push_back(bias);
  return out;
}

// gamma when `value` is gamma / sqrt(...) of a norm whose mean is taken off.
ValueId scaled_root(const Graph& graph, ValueId value, Norm* norm) {
  const Node* mul = producer(graph, value, "Mul");
  if (mul == nullptr) return kNoValue;
  auto parts = either(*mul, [&](ValueId v) { return graph.constant(v) != nullptr; });
  ValueId centred = parts ? rooted(graph, parts->first, true, norm) : kNoValue;
  if (centred == kNoValue) return kNoValue;
  take_mean_apart(graph, centred, norm);
  return norm->mean != kNoValue && is_row(graph, parts->second, norm->x) ? parts->second : kNoValue;
}

// x * g + (bias - mean * g), where g is gamma / sqrt(...).
std::optional<Node> rearranged(const Graph& graph, const Node& add) {
  for (size_t i : {size_t{0}, size_t{1}}) {
    const Node* scaled = producer(graph, add.input(i), "Mul");
    const Node* sub = producer(graph, add.input(1 - i), "Sub");
    const Node* shift = sub == nullptr ? nullptr : producer(graph, sub->inputs[1], "Mul");
    if (scaled == nullptr || shift == nullptr) continue;
    for (size_t j : {size_t{0}, size_t{1}}) {
      Norm norm;
      ValueId g = scaled->inputs[j], gamma = scaled_root(graph, g, &norm);
      if (gamma == kNoValue || scaled->inputs[1 - j] != norm.x || !is_row(graph, sub->inputs[0], norm.x))
        continue;
      auto parts = either(*shift, [&](ValueId v) { return v == g; });
      if (parts && parts->first == norm.mean) return norm_node(add, norm, gamma, sub->inputs[0]);
    }
  }
  return std::nullopt;
}

}  // namespace

// (x - mean) / sqrt(mean of squares + epsilon) * scale + bias over the last axis, spelled out in its usual
// ways, is LayerNormalization; without the mean RMSNormalization.
Status fuse_layer_norm(const Graph& graph, NodeId id, Patch* patch) {
  const Node& node = graph.node(id);
  std::optional<Node> whole;
  if (is_op(node, "Mul") && node.inputs.size() == 2) {
    std::optional<Norm> norm;
    auto parts = either(node, [&](ValueId v) { return graph.constant(v) != nullptr; });
    if (parts && read_once(graph, parts->first)) norm = normalized(graph, parts->first);
    if (norm && is_row(graph, parts->second, norm->x)) whole = norm_node(node, *norm, parts->second);
  } else if (is_op(node, "Add") && node.inputs.size() == 2) {
    auto parts = either(node, [&](ValueId v) { return graph.constant(v) != nullptr; });
    const Node* before = parts ? producer(graph, parts->first, "LayerNormalization") : nullptr;
    bool open = before != nullptr && before->inputs.size() == 2 && before->outputs.size() == 1 &&
                read_once(graph, parts->first);
    const Tensor* scale = open ? graph.constant(before->inputs[1]) : nullptr;
    if (scale != nullptr && before->attributes.get_int("axis", -1) == -1 &&
        is_row(graph, parts->second, before->inputs[0]) &&
        scale->count() == graph.constant(parts->second)->count()) {
      whole = make_node(*before, before->op, {before->inputs[0], before->inputs[1], parts->second},
                        before->attributes);
    } else if (!parts) {
      whole = rearranged(graph, node);
    }
  }
  if (!whole) return {};
  patch->replace(node.outputs[0], patch->add(std::move(*whole)));
  patch->remove(id);
  return {};
}

}  // namespace kinglet::passes
