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

bool is_square(const Graph& graph, const Node* node, ValueId of) {
  if (node == nullptr || node->inputs.size() != 2 || node->domain != kOnnx) return false;
  if (node->op == "Pow") return node->inputs[0] == of && is_about(scalar(graph, node->inputs[1], 1), 2);
  return node->op == "Mul" && node->inputs[0] == of && node->inputs[1] == of;
}

}  // namespace

// (x - mean) / sqrt(mean of squares + epsilon) * scale + bias over the last axis is LayerNormalization.
Status fuse_layer_norm(const Graph& graph, NodeId id, Patch* patch) {
  const Node& node = graph.node(id);
  if (!is_op(node, "Add") || node.inputs.size() != 2) return {};
  auto is_vector = [&](ValueId v) {
    const Tensor* t = graph.constant(v);
    return t != nullptr && t->rank() == 1;
  };
  auto with_bias = either(node, is_vector);
  const Node* mul = with_bias ? producer(graph, with_bias->first, "Mul") : nullptr;
  if (mul == nullptr || !read_once(graph, with_bias->first)) return {};
  auto with_scale = either(*mul, is_vector);
  if (!with_scale) return {};
  const Tensor& scale = *graph.constant(with_scale->second);
  if (scale.shape() != graph.constant(with_bias->second)->shape()) return {};
  const Node* div = producer(graph, with_scale->first, "Div");
  if (div == nullptr || !read_once(graph, with_scale->first)) return {};
  ValueId centered = div->inputs[0];
  const Node* sub = producer(graph, centered, "Sub");
  const Node* root = producer(graph, div->inputs[1], "Sqrt");
  if (sub == nullptr || root == nullptr || !read_once(graph, div->inputs[1])) return {};
  const Node* sum = producer(graph, root->inputs[0], "Add");
  if (sum == nullptr || !read_once(graph, root->inputs[0])) return {};
  auto with_epsilon = either(*sum, [&](ValueId v) { return scalar(graph, v, 1).has_value(); });
  if (!with_epsilon) return {};
  ValueId squares = mean_of(graph, with_epsilon->first);
  ValueId x = sub->inputs[0];
  bool whole = squares != kNoValue && is_square(graph, graph.producer(squares), centered) &&
               mean_of(graph, sub->inputs[1]) == x && dtype_of(graph, x) == scale.dtype();
  if (!whole || graph.is_output(centered) || graph.is_output(squares)) return {};
  Attributes attributes;
  attributes.set("axis", int64_t{-1});
  attributes.set("epsilon", static_cast<float>(*scalar(graph, with_epsilon->second, 1)));
  patch->replace(node.outputs[0],
                 patch->add(make_node(node, "LayerNormalization", {x, with_scale->second, with_bias->second},
                                      std::move(attributes))));
  patch->remove(id);
  return {};
}

}  // namespace kinglet::passes
