#pragma once
// The messages of an ONNX file. Text and nested messages stay views of the file.
#include <span>
#include <string_view>
#include <vector>

#include "base/value.h"
#include "frontends/onnx/reader.h"
#include "frontends/onnx/wire.h"
#include "graph/attributes.h"

namespace kinglet::onnx {

// Nesting of subgraphs, functions and types, each on its own.
inline constexpr int kMaxDepth = 64;
// Nodes of a model, functions counted once for each use.
inline constexpr size_t kMaxNodes = 1 << 18;
inline constexpr size_t kMaxEdges = 1 << 20;
inline constexpr size_t kMaxAttributes = 1 << 8;
// Bytes of all sparse constants of a model when they are dense.
inline constexpr size_t kMaxDenseBytes = size_t{1} << 29;

struct NodeMessage {
  std::string_view name, op, domain, overload;
  std::vector<std::string_view> inputs, outputs;
  std::vector<Bytes> attributes;
};

struct OpsetMessage {
  std::string_view domain;
  int64_t version = 0;
};

struct GraphMessage {
  std::string_view name;
  std::vector<NodeMessage> nodes;
  std::vector<Bytes> initializers, sparse_initializers;
  std::vector<Bytes> inputs, outputs, values;
};

struct FunctionMessage {
  std::string_view name, domain, overload;
  std::vector<std::string_view> inputs, outputs;
  std::vector<std::string_view> attributes;
  std::vector<Bytes> defaults;  // AttributeProto
  std::vector<NodeMessage> nodes;
  std::vector<OpsetMessage> opsets;
};

struct ModelMessage {
  int64_t ir_version = 0;
  std::vector<OpsetMessage> opsets;
  std::vector<FunctionMessage> functions;
  Bytes graph;
  bool has_graph = false;
};

struct ValueMessage {
  std::string_view name;
  Type type;
};

// The kinds are AttributeProto.AttributeType.
struct AttributeMessage {
  enum Kind : uint8_t {
    kNone = 0,
    kFloat = 1,
    kInt = 2,
    kString = 3,
    kTensor = 4,
    kGraph = 5,
    kFloats = 6,
    kInts = 7,
    kStrings = 8,
    kTensors = 9,
    kGraphs = 10,
    kSparseTensor = 11,
    kSparseTensors = 12,
    kType = 13,
    kTypes = 14,
  };
  std::string_view name, reference;
  Kind kind = kNone;
};

// What every reader of constants needs.
struct Storage {
  std::shared_ptr<Buffer> model;
  std::span<const ExternalFile> external;
  size_t dense_bytes = 0;
  // Of tensors that lie in the model or in a file.
  std::vector<std::shared_ptr<Buffer>> views = {};
};

// `nodes_left` is taken down for each node message met.
Result<ModelMessage> read_model(Bytes bytes, size_t* nodes_left, ModelInfo* info);
Result<GraphMessage> read_graph(Bytes bytes, size_t* nodes_left);
Result<FunctionMessage> read_function(Bytes bytes, size_t* nodes_left);
Result<NodeMessage> read_node(Bytes bytes);
Result<ValueMessage> read_value(Bytes bytes);
Result<Type> read_type(Bytes bytes, int depth = 0);
// Name, reference and kind only. Files of IR version 1 do not say the kind: it follows from the field
// present.
Result<AttributeMessage> read_attribute(Bytes bytes);
// The value of an attribute of any kind but kGraph; sparse tensors become dense ones.
Result<AttributeValue> read_attribute_value(Bytes bytes, AttributeMessage::Kind kind, Storage& storage);
// The body of an attribute of kind kGraph.
Result<Bytes> read_attribute_graph(Bytes bytes);
// `name`, if given, receives the tensor's name.
Result<Tensor> read_tensor(Bytes bytes, Storage& storage, std::string_view* name = nullptr);
Result<Tensor> read_sparse_tensor(Bytes bytes, Storage& storage, std::string_view* name = nullptr);

}  // namespace kinglet::onnx
