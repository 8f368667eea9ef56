#include "passes/match.h"
#include "passes/pass.h"

namespace kinglet::passes {

namespace {

// x when `value` is x * clip(x + 3, 0, 6).
ValueId six_times_hard_swish(const Graph& graph, ValueId value) {
  const Node* mul = producer(graph, value, "Mul");
  if (mul == nullptr || mul->inputs.size() != 2 || !read_once(graph, value)) return kNoValue;
  for (size_t i : {size_t{0}, size_t{1}}) {
    ValueId x = mul->inputs[1 - i];
    const Node* clip = producer(graph, mul->inputs[i], "Clip");
    if (clip == nullptr || !read_once(graph, mul->inputs[i])) continue;
    if (scalar(graph, clip->input(1), 1) != 0.0 || !is_about(scalar(graph, clip->input(2), 1), 6)) continue;
    const Node* add = producer(graph, clip->input(0), "Add");
    if (add == nullptr || !read_once(graph, clip->input(0))) continue;
    auto sum = either(*add, [&](ValueId v) { return is_about(scalar(graph, v, 1), 3); });
    if (sum && sum->first == x) return x;
  }
  return kNoValue;
}

}  // namespace

// x * HardSigmoid(x) with alpha 1/6 and beta 1/2, or x * clip(x + 3, 0, 6) / 6, is HardSwish.
Status fuse_hard_swish(const Graph& graph, NodeId id, Patch* patch) {
  const Node& node = graph.node(id);
  ValueId x = kNoValue;
  if (is_op(node, "Mul") && node.inputs.size() == 2) {
    for (size_t i : {size_t{0}, size_t{1}}) {
      const Node* gate = producer(graph, node.inputs[i], "HardSigmoid");
      if (gate != nullptr && read_once(graph, node.inputs[i]) && gate->inputs[0] == node.inputs[1 - i] &&
          is_about(gate->attributes.get_float("alpha", 0.2f), 1.0 / 6) &&
          is_about(gate->attributes.get_float("beta", 0.5f), 0.5))
        x = gate->inputs[0];
    }
    auto sixth = either(node, [&](ValueId v) { return is_about(scalar(graph, v, 1), 1.0 / 6); });
    if (x == kNoValue && sixth) x = six_times_hard_swish(graph, sixth->first);
  } else if (is_op(node, "Div") && node.inputs.size() == 2 && is_about(scalar(graph, node.inputs[1], 1), 6)) {
    x = six_times_hard_swish(graph, node.inputs[0]);
  }
  if (x == kNoValue) return {};
  patch->replace(node.outputs[0], patch->add(make_node(node, "HardSwish", {x})));
  patch->remove(id);
  return {};
}

}  // namespace kinglet::passes
