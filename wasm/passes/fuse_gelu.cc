#include <cmath>

#include "passes/match.h"
#include "passes/pass.h"

namespace kinglet::passes {

namespace {

// x when `value` is 1 + erf(x / sqrt(2)).
ValueId one_plus_erf(const Graph& graph, ValueId value) {
  const Node* add = producer(graph, value, "Add");
  if (add == nullptr || !read_once(graph, value)) return kNoValue;
  auto one = either(*add, [&](ValueId v) { return is_about(scalar(graph, v, 1), 1); });
  const Node* erf = one ? producer(graph, one->first, "Erf") : nullptr;
  if (erf == nullptr || !read_once(graph, one->first)) return kNoValue;
  const Node* inner = graph.producer(erf->inputs[0]);
  if (inner == nullptr || inner->domain != kOnnx || !read_once(graph, erf->inputs[0])) return kNoValue;
  if (inner->op == "Div" && is_about(scalar(graph, inner->input(1), 1), std::sqrt(2.0)))
    return inner->inputs[0];
  if (inner->op != "Mul") return kNoValue;
  auto scaled = either(*inner, [&](ValueId v) { return is_about(scalar(graph, v, 1), std::sqrt(0.5)); });
  return scaled ? scaled->first : kNoValue;
}

}  // namespace

// x * (1 + erf(x / sqrt(2))) / 2, its factors in any order, is Gelu.
Status fuse_gelu(const Graph& graph, NodeId id, Patch* patch) {
  const Node& node = graph.node(id);
  if (!is_op(node, "Mul") || node.inputs.size() != 2) return {};
  auto is_half = [&](ValueId v) { return is_about(scalar(graph, v, 1), 0.5); };
  ValueId x = kNoValue;
  // (x * erf) * 0.5
  if (auto half = either(node, is_half)) {
    const Node* product = producer(graph, half->first, "Mul");
    if (product == nullptr || !read_once(graph, half->first)) return {};
    for (size_t i : {size_t{0}, size_t{1}}) {
      ValueId inner = one_plus_erf(graph, product->inputs[i]);
      if (inner != kNoValue && inner == product->inputs[1 - i]) x = inner;
    }
  }
  // (x * 0.5) * erf, x * (erf * 0.5)
  for (size_t i : {size_t{0}, size_t{1}}) {
    if (x != kNoValue) break;
    ValueId one = node.inputs[i], other = node.inputs[1 - i];
    if (ValueId inner = one_plus_erf(graph, one); inner != kNoValue) {
      const Node* halved = producer(graph, other, "Mul");
      auto parts = halved && read_once(graph, other) ? either(*halved, is_half) : std::nullopt;
      if (parts && parts->first == inner) x = inner;
    } else if (const Node* halved = producer(graph, one, "Mul"); halved != nullptr && read_once(graph, one)) {
      auto parts = either(*halved, is_half);
      if (parts && one_plus_erf(graph, parts->first) == other) x = other;
    }
  }
  if (x == kNoValue) return {};
  patch->replace(node.outputs[0], patch->add(make_node(node, "Gelu", {x})));
  patch->remove(id);
  return {};
}

}  // namespace kinglet::passes
