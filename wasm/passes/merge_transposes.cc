#include "passes/match.h"
#include "passes/pass.h"

namespace kinglet::passes {

// Two Transposes in a row are one.
Status merge_transposes(const Graph& graph, NodeId id, Patch* patch) {
  const Node& node = graph.node(id);
  if (!is_op(node, "Transpose")) return {};
  const Node* before = producer(graph, node.input(0), "Transpose");
  if (before == nullptr) return {};
  auto first = before->attributes.get_ints("perm"), second = node.attributes.get_ints("perm");
  if (first.empty() || first.size() != second.size()) return {};
  std::vector<int64_t> perm;
  for (int64_t axis : second) {
    if (axis < 0 || axis >= static_cast<int64_t>(first.size())) return {};
    perm.push_back(first[static_cast<size_t>(axis)]);
  }
  Attributes attributes;
  attributes.set("perm", std::move(perm));
  patch->replace(node.outputs[0],
                 patch->add(make_node(node, "Transpose", {before->input(0)}, std::move(attributes))));
  patch->remove(id);
  return {};
}

}  // namespace kinglet::passes
