#include <algorithm>

#include "passes/linear.h"
#include "passes/pass.h"
#include "passes/sample_shapes.h"

namespace kinglet::passes {

namespace {

// Whether the convolution never sees the zeros of a border.
bool has_no_padding(const Node& node) {
  std::string_view automatic = node.attributes.get_string("auto_pad", "NOTSET");
  if (automatic != "NOTSET" && automatic != "VALID") return false;
  return std::ranges::all_of(node.attributes.get_ints("pads"), [](int64_t p) { return p == 0; });
}

// Whether multiplying `x` with, or adding, `constant` leaves the number of channels as it is: a constant of
// one channel each may give one channel many.
bool keeps_channels(const Graph& graph, ValueId x, ValueId constant, int64_t channels) {
  if (graph.constant(constant)->count() == 1) return true;
  auto shape = sample_shapes(graph)[static_cast<size_t>(x)];
  return shape && shape->rank() > 1 && (*shape)[1] == channels;
}

}  // namespace

// Constants that are multiplied with, or added to, the channels that only a Conv reads go into its weights;
// added ones only where the border is not padded with zeros.
Status fold_scale_into_next_conv(const Graph& graph, NodeId id, Patch* patch) {
  const Node& node = graph.node(id);
  if (!is_op(node, "Conv") || node.input(0) == kNoValue) return {};
  const Node* before = graph.producer(node.inputs[0]);
  const Tensor* weights = graph.constant(node.input(1));
  const Tensor* bias = graph.constant(node.input(2));
  if (before == nullptr || !read_once(graph, node.inputs[0]) || weights == nullptr || weights->rank() < 3)
    return {};
  if (weights->dtype() != DType::kFloat32 && weights->dtype() != DType::kFloat64) return {};
  if (before->op == "BatchNormalization" || (node.input(2) != kNoValue && bias == nullptr)) return {};
  int64_t group = node.attributes.get_int("group", 1);
  const Shape& w = weights->shape();
  if (group < 1 || group > w[0] || w[0] % group != 0 || w[1] > (int64_t{1} << 24)) return {};
  if (bias != nullptr && bias->count() != w[0]) return {};
  Channels channels{w[1] * group, w.rank(), 1};
  for (ValueId x : before->inputs) {
    if (x == kNoValue || graph.edge(x).is_constant()) continue;
    auto affine = affine_of(graph, *before, x, channels);
    if (!affine || !keeps_channels(graph, x, before->inputs[before->inputs[0] == x ? 1 : 0], channels.count))
      continue;
    bool shifts = std::ranges::any_of(affine->shift, [](double v) { return v != 0; });
    if (shifts && !has_no_padding(node)) continue;
    int64_t inner = w.count(1), spatial = w.count(2), outputs = w[0] / group;
    auto channel = [&](int64_t i) {
      return static_cast<size_t>(i / inner / outputs * w[1] + i / spatial % w[1]);
    };
    std::vector<double> sums(static_cast<size_t>(w[0]), 0);
    for (int64_t m = 0; m < w[0] && bias != nullptr; ++m) sums[static_cast<size_t>(m)] = bias->number(m);
    for (int64_t i = 0; i < weights->count() && shifts; ++i)
      sums[static_cast<size_t>(i / inner)] += weights->number(i) * affine->shift[channel(i)];
    Node changed = node;
    changed.def = nullptr;
    changed.inputs[0] = x;
    if (std::ranges::any_of(affine->scale, [](double v) { return v != 1; })) {
      KL_ASSIGN(Tensor scaled, multiplied(graph, node.inputs[1], spatial,
                                          [&](int64_t i) { return affine->scale[channel(i)]; }));
      changed.inputs[1] = patch->add_constant(graph.edge(node.inputs[1]).name, std::move(scaled));
    }
    if (shifts) {
      KL_ASSIGN(Tensor values, vector_like(*weights, sums));
      changed.inputs.resize(3, kNoValue);
      changed.inputs[2] = patch->add_constant(str(node.name, ".bias"), std::move(values));
    }
    patch->replace(node.outputs[0], patch->add(std::move(changed)));
    patch->remove(id);
    return {};
  }
  return {};
}

}  // namespace kinglet::passes
