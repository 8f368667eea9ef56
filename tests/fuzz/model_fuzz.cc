// Any bytes as a model: reading, binding and all passes end in a graph or a failure with words.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "frontends/onnx/reader.h"
#include "graph/text.h"
#include "ops/registry.h"
#include "passes/pipeline.h"

using namespace kinglet;

namespace {
// Ends the process, so that the fuzzer keeps the input.
void insist(bool condition) {
  if (!condition) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Buffer::set_limit(size_t{1} << 30);
  auto bytes = Buffer::allocate(size);
  if (!bytes.ok()) return 0;
  if (size != 0) std::memcpy((*bytes)->data(), data, size);
  auto graph = read_onnx(std::move(*bytes));
  Status status = graph.ok() ? bind(**graph) : std::move(graph.status());
  if (status.ok()) status = run_passes(**graph, {.verify = true});
  if (status.ok())
    insist(!to_text(**graph).empty());
  else
    insist(!status.message().empty() && status.code() != Code::kInternal);
  return 0;
}
