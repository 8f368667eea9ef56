#include <algorithm>

#include "kernels/elementwise/chain.h"
#include "ops/chain.h"
#include "ops/internal.h"
#include "ops/registry.h"
#include "passes/match.h"
#include "passes/pass.h"
#include "passes/sample_shapes.h"

namespace kinglet::passes {

namespace {

// Functions behind each other, as the attributes of kinglet.Elementwise have them.
struct Draft {
  std::vector<ValueId> inputs;
  std::vector<std::string> functions;
  std::vector<int64_t> operands;
  std::vector<float> numbers;
};

class Fusion {
 public:
  explicit Fusion(const Graph& graph) : graph_(graph) {}

  // The chain that ends at `node`, when it holds more than one function.
  std::optional<Draft> ending_at(const Node& node) {
    Draft draft;
    tries_ = kMaxTries;
    if (!chained(node) || !add(node, &draft) || draft.functions.size() < 2) return std::nullopt;
    return draft;
  }

 private:
  const std::optional<Shape>& shape(ValueId id) {
    static const std::optional<Shape> kUnknown;
    if (shapes_.empty()) shapes_ = sample_shapes(graph_);
    return static_cast<size_t>(id) < shapes_.size() ? shapes_[static_cast<size_t>(id)] : kUnknown;
  }

  bool chained(const Node& node) const {
    return node.def != nullptr && node.subgraphs.empty() && node.outputs.size() == 1 &&
           is_float32(graph_, node.outputs[0]) && chain_node(node).has_value() &&
           std::ranges::all_of(node.inputs, [&](ValueId v) { return is_float32(graph_, v); });
  }

  // Whether what computes `value` for `reader` can be computed there instead: nobody else reads it, and it is
  // not repeated.
  const Node* below(ValueId value, const Node& reader) {
    const Node* node = graph_.producer(value);
    if (node == nullptr || !chained(*node) || graph_.is_output(value)) return nullptr;
    for (NodeId user : graph_.users(value)) {
      if (&graph_.node(user) != &reader) return nullptr;
    }
    const auto& own = shape(value);
    const auto& all = shape(reader.outputs[0]);
    return own && all && *own == *all ? node : nullptr;
  }

  // With as many of the nodes before it as fit. False, with `draft` as it was, when it does not fit itself.
  bool add(const Node& node, Draft* draft) {
    for (unsigned both = 3; both <= 3; --both) {
      if (add_with(node, both, draft)) return true;
    }
    return false;
  }

  // Bit k of `merged`: what computes input k may come in.
  bool add_with(const Node& node, unsigned merged, Draft* draft) {
    if (--tries_ < 0) return false;
    auto step = chain_node(node);
    Draft trial = *draft;
    int64_t operands[2] = {0, 0};
    float numbers[2] = {step->numbers[0], step->numbers[1]};
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      ValueId value = node.inputs[k];
      if (k == 1 && value == node.inputs[0]) {
        operands[1] = operands[0];
        continue;
      }
      auto number = step->operands == 2 ? scalar(graph_, value, 1) : std::nullopt;
      bool taken = k == 1 && operands[0] == ChainStep::kNumber;
      if (number && !taken && shape(node.outputs[0]) && shape(node.outputs[0])->rank() > 0) {
        operands[k] = ChainStep::kNumber;
        numbers[0] = static_cast<float>(*number);
        continue;
      }
      const Node* inner = (merged >> k & 1) != 0 ? below(value, node) : nullptr;
      if (inner != nullptr && add(*inner, &trial)) {
        operands[k] = kMaxOperands + static_cast<int64_t>(trial.functions.size()) - 1;
        continue;
      }
      auto at = std::ranges::find(trial.inputs, value);
      operands[k] = at - trial.inputs.begin();
      if (at == trial.inputs.end()) trial.inputs.push_back(value);
    }
    if (trial.inputs.size() > kMaxOperands || trial.functions.size() >= kMaxChain) return false;
    trial.functions.emplace_back(step->function);
    trial.operands.insert(trial.operands.end(), operands, operands + 2);
    trial.numbers.insert(trial.numbers.end(), numbers, numbers + 2);
    *draft = std::move(trial);
    return true;
  }

  // Bounds the search of one chain.
  static constexpr int kMaxTries = 64;
  const Graph& graph_;
  int tries_ = 0;
  std::vector<std::optional<Shape>> shapes_;
};

}  // namespace

// Elementwise functions that feed each other and nobody else run as one, so that what is between them stays
// in the cache. From the last node back, so that chains are as long as they can be.
Result<bool> fuse_elementwise(Graph& graph) {
  Fusion fusion(graph);
  bool changed = false;
  std::vector<NodeId> order = graph.order();
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    const Node& node = graph.node(*it);
    // Removed as dead, or without readers since a chain took it over.
    if (node.def == nullptr || (node.outputs.size() == 1 && graph.users(node.outputs[0]).empty() &&
                                !graph.is_output(node.outputs[0])))
      continue;
    auto draft = fusion.ending_at(node);
    if (!draft || draft->inputs.empty()) continue;
    Attributes attributes;
    attributes.set("functions", std::move(draft->functions));
    attributes.set("operands", std::move(draft->operands));
    attributes.set("numbers", std::move(draft->numbers));
    Patch patch(graph, *it);
    Node chain = make_node(node, "Elementwise", std::move(draft->inputs), std::move(attributes), kKinglet);
    chain.def = find_op(kKinglet, "Elementwise");
    patch.replace(node.outputs[0], patch.add(std::move(chain)));
    patch.remove(*it);
    std::move(patch).apply(graph);
    changed = true;
  }
  return changed;
}

}  // namespace kinglet::passes
