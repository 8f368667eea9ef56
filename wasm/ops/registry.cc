#include "ops/registry.h"

#include <algorithm>
#include <set>

#include "ops/evaluate.h"
#include "ops/signature.h"

namespace kinglet {

namespace ops {
#define OP(symbol) extern const OpDef symbol;
#define OP_FAMILY(symbol) std::span<const OpDef> symbol();
#include "ops/ops.inc"
#undef OP
#undef OP_FAMILY
}  // namespace ops

namespace {
struct Entry {
  const OpDef* def;
  std::span<const OpDef> (*family)();
};
constexpr Entry kEntries[] = {
#define OP(symbol) {&ops::symbol, nullptr},
#define OP_FAMILY(symbol) {nullptr, ops::symbol},
#include "ops/ops.inc"
#undef OP
#undef OP_FAMILY
};
}  // namespace

std::vector<const OpDef*> all_ops() {
  std::vector<const OpDef*> out;
  for (const Entry& entry : kEntries) {
    for (const OpDef& def : entry.def ? std::span(entry.def, 1) : entry.family()) out.push_back(&def);
  }
  std::ranges::sort(out, {}, [](const OpDef* d) { return std::pair(d->domain, d->name); });
  return out;
}

const OpDef* find_op(std::string_view domain, std::string_view name) {
  static const std::vector<const OpDef*> sorted = all_ops();
  if (domain == "ai.onnx") domain = kOnnx;
  auto key = [](const OpDef* d) { return std::pair(d->domain, d->name); };
  auto it = std::ranges::lower_bound(sorted, std::pair(domain, name), {}, key);
  return it != sorted.end() && key(*it) == std::pair(domain, name) ? *it : nullptr;
}

namespace {

// Sets Node::def; collects what is missing as "Name" or "domain.Name (opset n)".
void resolve(Graph& graph, std::set<std::string>* missing) {
  for (NodeId id : graph.order()) {
    Node& node = graph.node(id);
    if (node.def == nullptr) node.def = find_op(node.domain, node.op);
    if (node.def == nullptr)
      missing->insert(
          str(node.domain.empty() ? "ai.onnx" : node.domain, ".", node.op, " (opset ", node.opset, ")"));
    for (Subgraph& s : node.subgraphs) resolve(*s.graph, missing);
  }
}

Status check(Graph& graph) {
  for (NodeId id : graph.order()) {
    if (Status s = check_node(graph, id); !s.ok()) return at_node(std::move(s), graph.node(id));
    for (Subgraph& sub : graph.node(id).subgraphs) KL_TRY(check(*sub.graph));
  }
  return {};
}

}  // namespace

Status missing_operators(const std::set<std::string>& missing) {
  if (missing.empty()) return {};
  std::string list;
  for (const std::string& m : missing) list += str(list.empty() ? "" : ", ", m);
  return fail(Code::kUnsupportedOperator, list).with("op", list);
}

Status bind(Graph& graph) {
  std::set<std::string> missing;
  resolve(graph, &missing);
  KL_TRY(missing_operators(missing));
  return check(graph);
}

}  // namespace kinglet
