#include "passes/sample_shapes.h"

#include <algorithm>
#include <map>

#include "ops/evaluate.h"

namespace kinglet {

namespace {

// Constants up to here take part as values, as shape arithmetic needs them.
constexpr int64_t kSmall = 64;

class Sampler {
 public:
  explicit Sampler(const Graph& graph)
      : graph_(graph), shapes_(graph.edge_count()), values_(graph.edge_count()) {}

  std::vector<std::optional<Shape>> run() {
    for (ValueId id : graph_.inputs) {
      const Type& type = graph_.edge(id).type;
      if (type.kind != Type::Kind::kTensor || !type.has_shape) continue;
      Shape shape;
      for (const Dim& dim : type.dims) shape.push_back(dim.value >= 0 ? dim.value : open_extent(dim.symbol));
      if (checked_count(shape).ok()) shapes_[static_cast<size_t>(id)] = shape;
    }
    for (size_t i = 0; i < graph_.edge_count(); ++i) {
      const Edge& edge = graph_.edge(static_cast<ValueId>(i));
      if (edge.is_constant()) shapes_[i] = edge.constant.shape(), values_[i] = edge.constant;
    }
    for (NodeId id : graph_.order()) add(graph_.node(id));
    return std::move(shapes_);
  }

 private:
  // Multiples of 64, which networks that halve and double again take.
  int64_t open_extent(const std::string& symbol) {
    if (symbol.empty()) return next_ += 64;
    auto [it, is_new] = symbols_.emplace(symbol, 0);
    if (is_new) it->second = next_ += 64;
    return it->second;
  }

  void add(const Node& node) {
    if (node.def == nullptr || node.def->infer == nullptr) return;
    std::vector<Port> ports(node.inputs.size());
    bool constant = node.def->deterministic;
    for (size_t i = 0; i < ports.size(); ++i) {
      if (node.inputs[i] == kNoValue) continue;
      auto v = static_cast<size_t>(node.inputs[i]);
      DType dtype = graph_.edge(node.inputs[i]).type.dtype;
      if (!shapes_[v] || dtype == DType::kNone) return;
      ports[i] = {true, dtype, true, *shapes_[v], values_[v].empty() ? nullptr : &values_[v]};
      constant &= !values_[v].empty();
    }
    std::vector<InferContext::Output> outputs;
    bool later = false;
    if (!infer(node, ports, &outputs, &later).ok() || later) return;
    bool small = true;
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (node.outputs[i] == kNoValue || !outputs[i].shape_known) continue;
      auto v = static_cast<size_t>(node.outputs[i]);
      shapes_[v] = outputs[i].shape;
      values_[v] = outputs[i].value;
      small &= outputs[i].shape.count() <= kSmall && values_[v].empty();
    }
    if (constant && small) evaluate_small(node);
  }

  void evaluate_small(const Node& node) {
    std::vector<Value> inputs(node.inputs.size()), results;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (node.inputs[i] == kNoValue) continue;
      const Tensor& value = values_[static_cast<size_t>(node.inputs[i])];
      if (value.count() > kSmall) return;
      inputs[i] = value;
    }
    if (!evaluate(node, inputs, &results, nullptr).ok()) return;
    for (size_t i = 0; i < results.size(); ++i) {
      if (node.outputs[i] != kNoValue && results[i].tensor() != nullptr)
        values_[static_cast<size_t>(node.outputs[i])] = *results[i].tensor();
    }
  }

  const Graph& graph_;
  std::vector<std::optional<Shape>> shapes_;
  std::vector<Tensor> values_;
  std::map<std::string, int64_t> symbols_;
  int64_t next_ = 256;
};

}  // namespace

std::vector<std::optional<Shape>> sample_shapes(const Graph& graph) { return Sampler(graph).run(); }

}  // namespace kinglet
