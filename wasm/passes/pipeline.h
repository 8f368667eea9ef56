#pragma once
#include <span>
#include <string_view>

#include "passes/pass.h"

namespace kinglet {

struct PassRow {
  std::string_view name;
  // Names of passes that must have run before, with spaces between them.
  std::string_view after;
  NodePass node = nullptr;
  GraphPass graph = nullptr;
};
// The rows of pipeline.inc.
std::span<const PassRow> all_passes();

struct PassOptions {
  // False: only what operators need to run at all.
  bool optimize = true;
  // Checks the graph after every pass (graph/verify.h).
  bool verify = false;
};

// Runs the passes in order, again while they change something, over the graph and its bodies. `bind` has run
// before; new nodes are bound here. Names of inputs and outputs stay.
Status run_passes(Graph& graph, const PassOptions& options = {});
// One pass, once over the graph and its bodies. Returns whether it changed anything.
Result<bool> run_pass(Graph& graph, const PassRow& pass);

}  // namespace kinglet
