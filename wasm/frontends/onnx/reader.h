#pragma once
// ONNX files: bytes -> graph of operators with their newest meaning.
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "graph/graph.h"

namespace kinglet {

// A file beside the model that holds weights, under the path by which the model names it. Readable for 16
// bytes beyond its end, as Buffer::allocate makes it.
struct ExternalFile {
  std::string path;
  std::shared_ptr<Buffer> bytes;
};

// What a model file says of itself.
struct ModelInfo {
  int64_t ir_version = 0;
  std::string producer, producer_version, domain, doc;
  int64_t model_version = 0;
  std::vector<std::pair<std::string, int>> opsets;  // domain, version
  std::vector<std::pair<std::string, std::string>> metadata;
};

// Reads a ModelProto. Constants share the storage of `model` and `external` wherever their encoding allows
// it, and keep it alive; `model` is readable for 16 bytes beyond its end. What only this call holds of them
// is broken up (Buffer::break_up): the bytes are not to be read afterwards. In the wasm build such constants
// may be misaligned for their type. Initializers are constants even where they are listed as graph inputs
// too. Functions of the model are inlined; operators of older opsets are raised to their newest form; `bind`
// has not run. Nothing is opened: weights in a file that was not handed in end in kMissingExternalData, whose
// context names the path.
Result<std::unique_ptr<Graph>> read_onnx(std::shared_ptr<Buffer> model,
                                         std::span<const ExternalFile> external = {},
                                         ModelInfo* info = nullptr);

// Reads a TensorProto, the form of the ONNX test vectors. Shares the storage of `bytes`.
Result<Tensor> read_onnx_tensor(std::shared_ptr<Buffer> bytes);

}  // namespace kinglet
