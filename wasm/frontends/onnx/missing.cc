// Which operators of a model are unknown: asked before any weight is read.
#include <set>

#include "frontends/onnx/builder.h"
#include "frontends/onnx/raise.h"
#include "ops/registry.h"

namespace kinglet::onnx {

namespace {

struct Census {
  const Builder& builder;
  size_t nodes_left;
  std::set<std::string> missing = {};
  std::set<const FunctionMessage*> seen = {};
};

Status visit(Census& census, const std::vector<NodeMessage>& nodes, const std::vector<OpsetMessage>& opsets,
             int depth) {
  if (depth >= kMaxDepth) return {};  // the builder refuses this
  for (const NodeMessage& node : nodes) {
    if (const FunctionMessage* function = census.builder.find_function(node)) {
      if (census.seen.insert(function).second)
        KL_TRY(visit(census, function->nodes, function->opsets, depth + 1));
    } else if (find_op(node.domain, node.op) == nullptr && !is_raised(node.domain, node.op)) {
      int64_t opset = 0;
      for (const OpsetMessage& o : opsets) {
        if (o.domain == node.domain) opset = o.version;
      }
      census.missing.insert(
          str(node.domain.empty() ? "ai.onnx" : node.domain, ".", node.op, " (opset ", opset, ")"));
    }
    for (Bytes bytes : node.attributes) {
      KL_ASSIGN(AttributeMessage attribute, read_attribute(bytes));
      if (attribute.kind != AttributeMessage::kGraph || !attribute.reference.empty()) continue;
      KL_ASSIGN(Bytes body, read_attribute_graph(bytes));
      KL_ASSIGN(GraphMessage graph, read_graph(body, &census.nodes_left));
      KL_TRY(visit(census, graph.nodes, opsets, depth + 1));
    }
  }
  return {};
}

}  // namespace

Status Builder::know_operators() const {
  Census census{*this, nodes_left_};
  KL_ASSIGN(GraphMessage graph, read_graph(model_.graph, &census.nodes_left));
  KL_TRY(visit(census, graph.nodes, model_.opsets, 0));
  return missing_operators(census.missing);
}

}  // namespace kinglet::onnx
