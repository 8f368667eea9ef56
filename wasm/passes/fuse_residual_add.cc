#include <algorithm>

#include "ops/registry.h"
#include "passes/match.h"
#include "passes/pass.h"
#include "passes/sample_shapes.h"

namespace kinglet::passes {

namespace {

// The value's producer when it is a Conv or a FusedConv of float32 that can still take a residual.
const Node* open_conv(const Graph& graph, ValueId value) {
  if (value == kNoValue || !is_float32(graph, value) || !read_once(graph, value)) return nullptr;
  const Node* node = graph.producer(value);
  if (node == nullptr || node->outputs.size() != 1) return nullptr;
  if (is_op(*node, "Conv")) return node;
  bool open = is_op(*node, "FusedConv", kMicrosoft) && node->input(3) == kNoValue &&
              !node->attributes.has("activation");
  return open ? node : nullptr;
}

}  // namespace

// A Conv whose result is added to a value of the same shape takes that value as its residual.
Result<bool> fuse_residual_add(Graph& graph) {
  if (find_op(kMicrosoft, "FusedConv") == nullptr) return false;
  std::vector<std::optional<Shape>> shapes;
  bool changed = false;
  for (NodeId id : std::vector<NodeId>(graph.order())) {
    const Node& node = graph.node(id);
    if (!is_op(node, "Add") || node.inputs.size() != 2 || node.inputs[0] == node.inputs[1]) continue;
    const Node* convs[] = {open_conv(graph, node.inputs[0]), open_conv(graph, node.inputs[1])};
    if (convs[0] == nullptr && convs[1] == nullptr) continue;
    if (shapes.empty()) shapes = sample_shapes(graph);
    auto shape = [&](ValueId v) {
      return static_cast<size_t>(v) < shapes.size() ? shapes[static_cast<size_t>(v)] : std::nullopt;
    };
    auto a = shape(node.inputs[0]), b = shape(node.inputs[1]);
    if (!a || !b || *a != *b) continue;
    // Of two, the one that is computed later.
    size_t which = convs[0] == nullptr ? 1 : 0;
    if (convs[0] != nullptr && convs[1] != nullptr) {
      const auto& order = graph.order();
      which = std::ranges::find(order, graph.edge(node.inputs[1]).producer) >
                      std::ranges::find(order, graph.edge(node.inputs[0]).producer)
                  ? 1
                  : 0;
    }
    const Node& conv = *convs[which];
    Patch patch(graph, id);
    Node fused =
        make_node(conv, "FusedConv", {conv.input(0), conv.input(1), conv.input(2), node.inputs[1 - which]},
                  conv.attributes, kMicrosoft);
    fused.def = find_op(kMicrosoft, "FusedConv");
    patch.replace(node.outputs[0], patch.add(std::move(fused)));
    patch.remove(id);
    patch.remove(graph.edge(node.inputs[which]).producer);
    std::move(patch).apply(graph);
    changed = true;
  }
  return changed;
}

}  // namespace kinglet::passes
