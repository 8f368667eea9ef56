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
  bool profile = false;
  // Null: one thread.
  Parallel* pool = nullptr;
  // Extents for named symbolic dimensions.
  std::vector<std::pair<std::string, int64_t>> free_dimensions;
};

struct OpenedModel {
  std::unique_ptr<Session> session;
  OpenOptions options;

  // Whether a run may go on for as long as its inputs' values say: the model has a Loop.
  bool may_loop() const;

  // For people: the graph after passes, then every plan made so far (steps, kernels, arena bytes).
  std::string info() const;
};

// Files that nobody else holds turn into the session's memory as their weights are packed.
Result<OpenedModel> open_model(std::shared_ptr<Buffer> model, std::vector<ExternalFile> external,
                               OpenOptions options);

}  // namespace kinglet
