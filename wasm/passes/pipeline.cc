#include "passes/pipeline.h"

#include "graph/verify.h"
#include "ops/evaluate.h"
#include "ops/registry.h"
#include "ops/signature.h"

namespace kinglet {

namespace {

constexpr PassRow kPasses[] = {
#define NODE_PASS(name, after) {#name, after, passes::name, nullptr},
#define GRAPH_PASS(name, after) {#name, after, nullptr, passes::name},
#include "passes/pipeline.inc"
#undef NODE_PASS
#undef GRAPH_PASS
};

constexpr bool in_order() {
  for (size_t i = 0; i < std::size(kPasses); ++i) {
    for (std::string_view rest = kPasses[i].after; !rest.empty();) {
      std::string_view name = rest.substr(0, rest.find(' '));
      rest.remove_prefix(name.size() + (name.size() < rest.size()));
      bool above = false;
      for (size_t j = 0; j < i; ++j) above |= kPasses[j].name == name;
      if (!above) return false;
    }
  }
  return true;
}
static_assert(in_order(), "a pass stands above one that it needs");

constexpr int kMaxRounds = 8;
// Composed operators expand into composed operators, at most so deep.
constexpr int kMaxExpansions = 8;
constexpr size_t kMaxNodes = 1 << 20;
constexpr int kMaxDepth = 128;

Status bind_node(Graph& graph, NodeId id) {
  Node& node = graph.node(id);
  node.def = find_op(node.domain, node.op);
  KL_REQUIRE(node.def != nullptr, kInternal, "a pass made the unknown operator ", node.op);
  return at_node(check_node(graph, id), graph.node(id));
}

Result<bool> run_node_pass(Graph& graph, NodePass pass) {
  bool changed = false;
  std::vector<NodeId> order = graph.order();
  std::vector<bool> gone(graph.node_count(), false);
  for (NodeId id : order) {
    // Removed by the patch of another node.
    if (graph.node(id).def == nullptr) continue;
    Patch patch(graph, id);
    KL_TRY(at_node(pass(graph, id, &patch), graph.node(id)));
    if (patch.empty()) continue;
    changed = true;
    size_t first = graph.node_count();
    std::move(patch).apply(graph);
    KL_REQUIRE(graph.node_count() <= kMaxNodes, kLimitExceeded, "more than ", kMaxNodes, " nodes");
    for (size_t n = first; n < graph.node_count(); ++n) KL_TRY(bind_node(graph, static_cast<NodeId>(n)));
  }
  return changed;
}

Result<bool> run_at(Graph& graph, const PassRow& pass, int depth) {
  KL_REQUIRE(depth < kMaxDepth, kLimitExceeded, "bodies are nested more than ", kMaxDepth, " deep");
  bool changed = false;
  for (NodeId id : std::vector<NodeId>(graph.order())) {
    for (const Subgraph& s : graph.node(id).subgraphs) {
      KL_ASSIGN(bool body_changed, run_at(*s.graph, pass, depth + 1));
      changed |= body_changed;
    }
  }
  KL_ASSIGN(bool here, pass.node ? run_node_pass(graph, pass.node) : pass.graph(graph));
  return changed || here;
}

}  // namespace

std::span<const PassRow> all_passes() { return kPasses; }

Result<bool> run_pass(Graph& graph, const PassRow& pass) { return run_at(graph, pass, 0); }

Status run_passes(Graph& graph, const PassOptions& options) {
  for (int round = 0; round < kMaxRounds; ++round) {
    bool changed = false;
    for (const PassRow& pass : kPasses) {
      bool expand = pass.node == passes::expand_composed;
      if (!options.optimize && !expand) continue;
      for (int times = 0;; ++times) {
        auto ran = run_pass(graph, pass);
        if (!ran.ok()) return std::move(ran.status()).with("pass", std::string(pass.name));
        if (options.verify) {
          if (Status s = verify(graph); !s.ok()) return std::move(s).with("pass", std::string(pass.name));
        }
        changed |= *ran;
        if (!expand || !*ran) break;
        KL_REQUIRE(times < kMaxExpansions, kInternal, "operators expand without end");
      }
    }
    if (!changed) break;
  }
  return {};
}

}  // namespace kinglet
