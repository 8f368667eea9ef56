#include "frontends/onnx/reader.h"

#include "frontends/format.h"
#include "frontends/onnx/builder.h"

namespace kinglet {

Result<std::unique_ptr<Graph>> read_onnx(std::shared_ptr<Buffer> model,
                                         std::span<const ExternalFile> external, ModelInfo* info) {
  Bytes bytes(model->data(), model->bytes());
  size_t nodes_left = onnx::kMaxNodes;
  auto read = onnx::read_model(bytes, &nodes_left, info);
  if (!read.ok()) {
    std::string_view other = other_format(bytes);
    KL_REQUIRE(other.empty(), kInvalidModel, "this is ", other);
  }
  KL_ASSIGN(onnx::ModelMessage message, std::move(read));
  // Before IR version 3 there was one domain and the opset could be left out.
  if (message.opsets.empty() && message.ir_version < 3) message.opsets.push_back({{}, 1});
  auto graph = std::make_unique<Graph>();
  onnx::Storage storage{std::move(model), external};
  onnx::Builder builder(message, storage, nodes_left);
  KL_TRY(builder.know_operators());
  onnx::Scope scope(*graph);
  scope.opsets = &message.opsets;
  KL_TRY(builder.graph(message.graph, scope));
  for (const ExternalFile& file : external) Buffer::break_up(file.bytes, storage.views);
  Buffer::break_up(storage.model, storage.views);
  return graph;
}

Result<Tensor> read_onnx_tensor(std::shared_ptr<Buffer> bytes) {
  onnx::Storage storage{bytes, {}};
  return onnx::read_tensor({bytes->data(), bytes->bytes()}, storage);
}

}  // namespace kinglet
