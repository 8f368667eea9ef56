#pragma once
// An ONNX file as a tree of protobuf fields that can be changed and written again.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kinglet::hostile {

// The messages whose insides are worth changing.
enum class Kind : uint8_t {
  kNone,  // not a message, or one that is kept as bytes
  kModel,
  kOpset,
  kGraph,
  kNode,
  kAttribute,
  kTensor,
  kSparse,
  kValueInfo,
  kType,
  kTensorType,
  kElementType,
  kMapType,
  kShape,
  kDim,
  kFunction,
  kExternal,
};

struct Field {
  uint32_t number = 0;
  uint32_t wire = 0;
  Kind parent = Kind::kNone, kind = Kind::kNone;
  uint64_t value = 0;                // wire types 0, 1 and 5
  std::string bytes = {};            // wire type 2 without a kind
  std::vector<Field> children = {};  // wire type 2 with one
};

// Fields of `bytes`, a message of kind `kind`; what does not parse as its kind stays bytes.
std::vector<Field> parse(std::string_view bytes, Kind kind);
std::string write(const std::vector<Field>& fields);

}  // namespace kinglet::hostile
