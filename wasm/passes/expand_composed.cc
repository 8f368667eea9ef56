#include "ops/expand.h"
#include "passes/pass.h"

namespace kinglet::passes {

// Writes operators without kernels as others.
Status expand_composed(const Graph& graph, NodeId id, Patch* patch) {
  const Node& node = graph.node(id);
  if (node.def->expand == nullptr) return {};
  ExpandContext context(node, patch);
  KL_TRY(node.def->expand(context));
  KL_TRY(std::move(context).status());
  patch->remove(id);
  return {};
}

}  // namespace kinglet::passes
