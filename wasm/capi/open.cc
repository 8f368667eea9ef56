#include "capi/open.h"

#include <algorithm>

#include "graph/text.h"
#include "ops/registry.h"
#include "passes/pipeline.h"

namespace kinglet {

namespace {
// Gives named extents of inputs and outputs their numbers.
void set_free_dimensions(Graph& graph, const OpenOptions& options) {
  auto fix = [&](ValueId id) {
    for (Dim& dim : graph.edge(id).type.dims) {
      auto it =
          std::ranges::find(options.free_dimensions, dim.symbol, &std::pair<std::string, int64_t>::first);
      if (dim.value < 0 && !dim.symbol.empty() && it != options.free_dimensions.end()) dim = {it->second, {}};
    }
  };
  std::ranges::for_each(graph.inputs, fix);
  std::ranges::for_each(graph.outputs, fix);
}

bool has_loop(const Graph& graph) {
  return std::ranges::any_of(graph.order(), [&](NodeId id) {
    const Node& node = graph.node(id);
    return node.op == "Loop" ||
           std::ranges::any_of(node.subgraphs, [](const Subgraph& s) { return has_loop(*s.graph); });
  });
}

}  // namespace

Result<OpenedModel> open_model(std::shared_ptr<Buffer> model, std::vector<ExternalFile> external,
                               OpenOptions options) {
  KL_ASSIGN(std::shared_ptr<Graph> graph, read_onnx(std::move(model), external));
  external.clear();
  set_free_dimensions(*graph, options);
  KL_TRY(bind(*graph));
  KL_TRY(run_passes(*graph, {.optimize = options.optimize}));
  OpenedModel out{std::make_unique<Session>(std::move(graph), options.pool), std::move(options)};
  out.session->profile().on = out.options.profile;
  return out;
}

bool OpenedModel::may_loop() const { return has_loop(session->program().graph()); }

std::string OpenedModel::info() const {
  std::string out = str("after passes:\n", to_text(session->program().graph(), {.types = true}));
  for (const auto& plan : session->program().plans()) {
    out += "\nplan for";
    for (int32_t slot : plan->inputs) out += str(" ", plan->slots[static_cast<size_t>(slot)].shape);
    out += str(":\n", plan_text(*plan));
  }
  out += str("\npacked bytes ", session->program().packed_bytes(), ", arena bytes ",
             session->instance().arena_bytes(), "\n");
  return out;
}

}  // namespace kinglet
