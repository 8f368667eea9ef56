#pragma once
// From the bytes of a model to a session: the one place that sees front end, passes and runtime together.
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "frontends/onnx/reader.h"
#include "runtime/session.h"

namespace kinglet {

struct OpenOptions {
  // False: the graph runs as it was read, but for what operators need to run at all.
  bool optimize = true;
  // Keep the graph's text before and after the passes for `info`.
  bool keep_text = false;
  bool profile = false;
  // Extents for named symbolic dimensions.
  std::vector<std::pair<std::string, int64_t>> free_dimensions;
};

struct OpenedModel {
  std::unique_ptr<Session> session;
  std::string graph_before, graph_after;  // with keep_text
  // Graph before and after passes, then every plan made so far: steps, kernels, arena bytes.
  std::string info() const;
};

// The session keeps `model` alive for as long as weights are read from it.
Result<OpenedModel> open_model(std::shared_ptr<Buffer> model, std::span<const ExternalFile> external,
                               const OpenOptions& options);

}  // namespace kinglet
