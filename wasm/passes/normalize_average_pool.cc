#include <algorithm>

#include "passes/match.h"
#include "passes/pass.h"

namespace kinglet::passes {

namespace {

// The product of the extents in a list of attributes, which are all 1 where it is not given.
int64_t product_of(const Node& node, std::string_view name) {
  constexpr int64_t kMost = 1 << 20;
  int64_t product = 1;
  for (int64_t v : node.attributes.get_ints(name))
    product = std::min(product * std::clamp<int64_t>(v, 0, kMost), kMost);
  return product;
}

bool has_no_padding(const Node& node) {
  return node.attributes.get_string("auto_pad", "NOTSET") == "NOTSET" &&
         std::ranges::all_of(node.attributes.get_ints("pads"), [](int64_t p) { return p == 0; });
}

}  // namespace

// A mean over places and the convolution of one tap before it may change their order: the mean comes first
// where that is less work, most of all where it has strides, which leave fewer places to the convolution.
Status normalize_average_pool(const Graph& graph, NodeId id, Patch* patch) {
  const Node& pool = graph.node(id);
  if (!is_op(pool, "AveragePool") || !has_no_padding(pool) || pool.attributes.get_int("ceil_mode") != 0)
    return {};
  const Node* conv = producer(graph, pool.input(0), "Conv");
  if (conv == nullptr || !read_once(graph, pool.input(0)) || !is_float32(graph, pool.input(0))) return {};
  const Tensor* w = graph.constant(conv->input(1));
  if (w == nullptr || w->rank() < 3 || w->count() == 0 || w->shape().count(2) != 1) return {};
  if (!has_no_padding(*conv) || product_of(*conv, "strides") != 1) return {};
  // In products for each place of the input: a mean, and a pass over channels that the convolution could have
  // scaled itself, take as long as so many for each channel.
  constexpr int64_t kMean = 20, kPass = 40;
  int64_t places = product_of(pool, "strides"), outputs = w->shape()[0], depth = w->shape()[1];
  int64_t channels = depth * conv->attributes.get_int("group", 1);
  int64_t saved = outputs * depth / std::max<int64_t>(places, 1) * (places - 1);
  if (saved <= kPass * channels + kMean * (channels - outputs)) return {};
  Node first = make_node(pool, pool.op, {conv->input(0)}, pool.attributes);
  Node second = make_node(*conv, conv->op, conv->inputs, conv->attributes);
  second.inputs[0] = patch->add(std::move(first));
  patch->replace(pool.outputs[0], patch->add(std::move(second)));
  patch->remove(id);
  patch->remove(graph.edge(pool.input(0)).producer);
  return {};
}

}  // namespace kinglet::passes
