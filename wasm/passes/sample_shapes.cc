#include "passes/sample_shapes.h"

#include <algorithm>
#include <map>

#include "ops/evaluate.h"

namespace kinglet {

namespace {

// Constants up to here take part as values, as shape arithmetic needs them.
constexpr int64_t kSmall = 64;

// Open extents of one trial: `first` and what follows it by steps.
struct Extents {
  int64_t step, first;
};
// Multiples of 64 suit networks that halve and double again, small numbers those that read a table of so many
// rows.
constexpr Extents kTrials[] = {{64, 320}, {32, 96}, {8, 24}, {1, 3}};

// Open extents by name.
using Symbols = std::map<std::string, int64_t>;
// Of them, how many are made equal to another number.
constexpr int kMaxEqual = 8;

using Shapes = std::vector<std::optional<Shape>>;

class Sampler {
 public:
  // `taken`: extents that are not used for open ones.
  Sampler(const Graph& graph, const std::vector<int64_t>& taken, const Extents& extents, Symbols* symbols)
      : graph_(graph),
        taken_(taken),
        symbols_(*symbols),
        step_(extents.step),
        next_(extents.first),
        shapes_(graph.edge_count()),
        values_(graph.edge_count()) {}

  // Whether all operators accept the shapes; if not, what hangs on those that do not is unknown.
  bool run() {
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
    return !refused_ || symbols_.empty();
  }
  Shapes& shapes() { return shapes_; }
  // The number that an open extent has been given, or 0: then another run sees it.
  int64_t made() const { return made_; }

 private:
  int64_t open_extent(const std::string& symbol) {
    auto [it, is_new] = symbols_.emplace(symbol.empty() ? str("?", unnamed_++) : symbol, 0);
    if (is_new) {
      while (std::ranges::find(taken_, next_) != taken_.end()) next_ += step_;
      it->second = next_;
      next_ += step_;
    }
    return it->second;
  }

  // Gives an open extent that does not broadcast to another input's the number of that. Tables end at the
  // model's own numbers.
  void settle(const std::vector<Port>& ports) {
    for (const Port& a : ports) {
      for (const Port& b : ports) {
        for (int i = 1; i <= std::min(a.shape.rank(), b.shape.rank()); ++i) {
          int64_t from = a.shape.at(-i), to = b.shape.at(-i);
          if (from == to || from == 1 || std::ranges::find(taken_, to) != taken_.end()) continue;
          for (auto& [symbol, number] : symbols_) {
            if (number != from) continue;
            number = made_ = to;
            return;
          }
        }
      }
    }
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
    bool accepted = infer(node, ports, &outputs, &later).ok();
    if (!accepted && !refused_) settle(ports);
    refused_ |= !accepted;
    if (!accepted || later) return;
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
  const std::vector<int64_t>& taken_;
  Symbols& symbols_;
  int64_t step_, next_;
  Shapes shapes_;
  std::vector<Tensor> values_;
  bool refused_ = false;
  int64_t made_ = 0;
  int unnamed_ = 0;
};

// Extents of inputs and constants, and small numbers of constants: an open extent that met one of them would
// look as if it were it.
std::vector<int64_t> numbers_of(const Graph& graph) {
  std::vector<int64_t> out;
  for (ValueId id : graph.inputs) {
    for (const Dim& dim : graph.edge(id).type.dims) out.push_back(dim.value);
  }
  for (size_t i = 0; i < graph.edge_count(); ++i) {
    const Edge& edge = graph.edge(static_cast<ValueId>(i));
    if (!edge.is_constant()) continue;
    const Tensor& value = edge.constant;
    for (int64_t extent : value.shape()) out.push_back(extent);
    bool small = dtype_kind(value.dtype()) == 'i' && value.count() <= kSmall;
    // Larger ones are no extents.
    for (int64_t n = 0; small && n < value.count(); ++n)
      out.push_back(static_cast<int64_t>(std::clamp(value.number(n), -1e15, 1e15)));
  }
  return out;
}

}  // namespace

Shapes sample_shapes(const Graph& graph, bool all) {
  std::vector<int64_t> taken = numbers_of(graph);
  Shapes best;
  std::ptrdiff_t most = -1;
  for (const Extents& extents : kTrials) {
    Symbols symbols;
    Shape made;
    for (int times = 0; times < kMaxEqual; ++times) {
      Sampler sampler(graph, taken, extents, &symbols);
      bool whole = sampler.run();
      std::ptrdiff_t known = 0;
      for (auto& shape : sampler.shapes()) {
        auto is_made = [&](int64_t extent) { return std::ranges::find(made, extent) != made.end(); };
        if (!all && shape && std::ranges::any_of(*shape, is_made)) shape.reset();
        known += shape.has_value() ? 1 : 0;
      }
      if (known > most) best = sampler.shapes(), most = known;
      if (whole) return best;
      if (sampler.made() == 0) break;
      made.push_back(sampler.made());
    }
  }
  return best;
}

}  // namespace kinglet
