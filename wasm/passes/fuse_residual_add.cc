#include <algorithm>

#include "ops/product.h"
#include "ops/registry.h"
#include "passes/match.h"
#include "passes/pass.h"
#include "passes/sample_shapes.h"

namespace kinglet::passes {

namespace {

// The value's producer when it is a convolution or product that can still take a residual.
const Node* open_linear(const Graph& graph, ValueId value) {
  if (value == kNoValue || !read_once(graph, value)) return nullptr;
  const Node* node = graph.producer(value);
  if (node == nullptr || node->outputs.size() != 1) return nullptr;
  bool wide = dtype_of(graph, value) == DType::kFloat64;
  if (!wide && !is_float32(graph, value)) return nullptr;
  if (is_op(*node, "MatMul") || (is_op(*node, "Conv") && !wide)) return node;
  if (is_op(*node, "Gemm")) return node->attributes.get_float("beta", 1) == 1 ? node : nullptr;
  bool fused = (is_op(*node, "FusedConv", kMicrosoft) && !wide) || is_op(*node, "FusedMatMul", kMicrosoft);
  return fused && node->input(3) == kNoValue && node->input(4) == kNoValue &&
                 !node->attributes.has("activation")
             ? node
             : nullptr;
}

}  // namespace

// A convolution or product whose result is added to a value of the same shape takes that value as its
// residual; a product also a value that has one column.
Result<bool> fuse_residual_add(Graph& graph) {
  std::vector<std::optional<Shape>> shapes;
  bool changed = false;
  for (NodeId id : std::vector<NodeId>(graph.order())) {
    const Node& node = graph.node(id);
    if (!is_op(node, "Add") || node.inputs.size() != 2 || node.inputs[0] == node.inputs[1]) continue;
    const Node* linear[] = {open_linear(graph, node.inputs[0]), open_linear(graph, node.inputs[1])};
    if (linear[0] == nullptr && linear[1] == nullptr) continue;
    if (shapes.empty()) shapes = sample_shapes(graph);
    auto shape = [&](ValueId v) {
      return static_cast<size_t>(v) < shapes.size() ? shapes[static_cast<size_t>(v)] : std::nullopt;
    };
    auto a = shape(node.inputs[0]), b = shape(node.inputs[1]);
    if (!a || !b) continue;
    size_t which = linear[0] == nullptr ? 1 : 0;
    if (*a != *b) {
      which = is_column_of(*a, *b) ? 1 : 0;
      bool column = which == 1 || is_column_of(*b, *a);
      if (!column || linear[which] == nullptr || linear[which]->op.ends_with("Conv")) continue;
    } else if (linear[0] != nullptr && linear[1] != nullptr) {
      // Of two, the one that is computed later.
      const auto& order = graph.order();
      which = std::ranges::find(order, graph.edge(node.inputs[1]).producer) >
                      std::ranges::find(order, graph.edge(node.inputs[0]).producer)
                  ? 1
                  : 0;
    }
    const Node& sum = *linear[which];
    if (is_op(sum, "Gemm") && sum.input(2) != kNoValue &&
        shape(sum.input(2)) != Shape{(which == 0 ? a : b)->back()})
      continue;
    const char* op = sum.op.ends_with("Conv") ? "FusedConv" : "FusedMatMul";
    Patch patch(graph, id);
    Node fused = make_node(sum, op, {sum.input(0), sum.input(1), sum.input(2), node.inputs[1 - which]},
                           sum.attributes, kMicrosoft);
    fused.attributes.erase("beta");
    fused.def = find_op(kMicrosoft, op);
    patch.replace(node.outputs[0], patch.add(std::move(fused)));
    patch.remove(id);
    patch.remove(graph.edge(node.inputs[which]).producer);
    std::move(patch).apply(graph);
    changed = true;
  }
  return changed;
}

}  // namespace kinglet::passes
