#include <algorithm>

#include "ops/registry.h"
#include "passes/linear.h"
#include "passes/pass.h"
#include "passes/sample_shapes.h"

namespace kinglet::passes {

namespace {

// A convolution of float32 with a kernel of one tap, stride 1 and no padding, that reads its input as it is.
bool is_open_pointwise(const Graph& graph, const Node& node) {
  bool fused = is_op(node, "FusedConv", kMicrosoft) && node.input(4) == kNoValue;
  if (!is_op(node, "Conv") && !fused) return false;
  const Tensor* w = graph.constant(node.input(1));
  if (w == nullptr || w->rank() < 3 || w->count() == 0 || w->shape().count(2) != 1) return false;
  auto all = [&](std::string_view name, int64_t value) {
    return std::ranges::all_of(node.attributes.get_ints(name), [&](int64_t v) { return v == value; });
  };
  return is_float32(graph, node.input(0)) && all("strides", 1) && all("pads", 0);
}

class ConvInputs {
 public:
  explicit ConvInputs(Graph& graph) : graph_(graph) {}

  Result<bool> fuse(NodeId id) {
    const Node& conv = graph_.node(id);
    if (!is_open_pointwise(graph_, conv)) return false;
    const Node* relu = producer(graph_, conv.input(0), "Relu");
    ValueId input = conv.input(0), scaled = relu ? relu->input(0) : input;
    const Node* before = graph_.producer(scaled);
    if (before == nullptr || !read_once(graph_, input) || !read_once(graph_, scaled)) return false;
    bool norm = is_op(*before, "BatchNormalization");
    if (!norm && !is_op(*before, "Mul") && !is_op(*before, "Add")) return false;
    const Tensor& w = *graph_.constant(conv.input(1));
    Channels channels{w.shape()[1] * conv.attributes.get_int("group", 1), w.rank(), 1};
    Patch patch(graph_, id);
    Node fused = make_node(conv, "FusedConv", conv.inputs, conv.attributes, kMicrosoft);
    fused.inputs.resize(5, kNoValue);
    for (size_t i = 0; i < (norm ? 1 : before->inputs.size()); ++i) {
      KL_TRY(take(*before, i, scaled, channels, w, &patch, &fused));
      if (fused.inputs[4] == kNoValue) continue;
      fused.inputs[0] = before->inputs[i];
      if (relu) fused.attributes.set("input_relu", int64_t{1});
      fused.def = find_op(kMicrosoft, "FusedConv");
      patch.replace(conv.outputs[0], patch.add(std::move(fused)));
      patch.remove(id);
      if (relu) patch.remove(graph_.edge(input).producer);
      patch.remove(graph_.edge(scaled).producer);
      std::move(patch).apply(graph_);
      return true;
    }
    return false;
  }

 private:
  // Sets S and H of `fused` to what `node` scales and shifts its input `i` by, where the result has the shape
  // of that input.
  Status take(const Node& node, size_t i, ValueId result, const Channels& channels, const Tensor& like,
              Patch* patch, Node* fused) {
    ValueId x = node.inputs[i];
    auto whole = shape(result);
    if (graph_.constant(x) || !whole || whole->rank() != channels.rank || shape(x) != whole) return {};
    if (auto affine = affine_of(graph_, node, x, channels)) {
      KL_ASSIGN(Tensor scale, vector_like(like, affine->scale));
      KL_ASSIGN(Tensor shift, vector_like(like, affine->shift));
      fused->inputs[4] = patch->add_constant(str(node.name, ".scale"), std::move(scale));
      fused->inputs.push_back(patch->add_constant(str(node.name, ".shift"), std::move(shift)));
    } else if (is_op(node, "Mul")) {
      auto factor = shape(node.inputs[1 - i]);
      bool each = factor && factor->rank() == channels.rank && (*factor)[1] == channels.count;
      if (each && factor->count(2) == 1) fused->inputs[4] = node.inputs[1 - i];
    }
    return {};
  }

  std::optional<Shape> shape(ValueId v) {
    if (shapes_.empty()) shapes_ = sample_shapes(graph_);
    // Values that patches have added are for the next round.
    return static_cast<size_t>(v) < shapes_.size() ? shapes_[static_cast<size_t>(v)] : std::nullopt;
  }

  Graph& graph_;
  std::vector<std::optional<Shape>> shapes_;
};

}  // namespace

// Channels that are scaled and shifted, and a Relu behind that, for a convolution of one tap alone: it does
// that itself while it reads them.
Result<bool> fuse_conv_input(Graph& graph) {
  ConvInputs inputs(graph);
  bool changed = false;
  for (NodeId id : std::vector<NodeId>(graph.order())) {
    KL_ASSIGN(bool fused, inputs.fuse(id));
    changed |= fused;
  }
  return changed;
}

}  // namespace kinglet::passes
