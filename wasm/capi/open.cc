#include "capi/open.h"

#include <algorithm>

#include "ops/registry.h"

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
}  // namespace

Result<OpenedModel> open_model(std::shared_ptr<Buffer> model, std::span<const ExternalFile> external,
                               const OpenOptions& options) {
  KL_ASSIGN(std::unique_ptr<Graph> graph, read_onnx(std::move(model), external));
  set_free_dimensions(*graph, options);
  KL_TRY(bind(*graph));
  OpenedModel out;
  out.session = std::make_unique<Session>(std::shared_ptr<const Graph>(std::move(graph)));
  out.session->profile().on = options.profile;
  return out;
}

std::string OpenedModel::info() const {
  std::string out = str("graph as read:\n", graph_before, "\ngraph after passes:\n", graph_after);
  for (const auto& plan : session->program().plans()) {
    out += str("\nplan for");
    for (int32_t slot : plan->inputs) out += str(" ", plan->slots[static_cast<size_t>(slot)].shape);
    out += str(":\n", plan_text(*plan, session->program().graph()));
  }
  out += str("packed bytes ", session->program().packed_bytes(), ", arena bytes ",
             session->instance().arena_bytes(), "\n");
  return out;
}

}  // namespace kinglet
