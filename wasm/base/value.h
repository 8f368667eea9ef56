#pragma once
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/tensor.h"

namespace kinglet {

class Value;
using Sequence = std::vector<Value>;
struct Map;

// What flows along an edge: a tensor, a sequence, a map, or nothing (an empty optional). Copies share
// tensors' storage.
class Value {
 public:
  Value() = default;
  Value(Tensor tensor) : held_(std::move(tensor)) {}
  Value(Sequence sequence) : held_(std::make_shared<Sequence>(std::move(sequence))) {}
  Value(Map map);

  bool empty() const { return std::holds_alternative<std::monostate>(held_); }
  // Null when the value is of another kind.
  const Tensor* tensor() const { return std::get_if<Tensor>(&held_); }
  Tensor* tensor() { return std::get_if<Tensor>(&held_); }
  const Sequence* sequence() const {
    auto* p = std::get_if<std::shared_ptr<Sequence>>(&held_);
    return p ? p->get() : nullptr;
  }
  const Map* map() const {
    auto* p = std::get_if<std::shared_ptr<Map>>(&held_);
    return p ? p->get() : nullptr;
  }

 private:
  std::variant<std::monostate, Tensor, std::shared_ptr<Sequence>, std::shared_ptr<Map>> held_;
};

// keys: one-dimensional, an integer type or string; values: a one-dimensional tensor, or a sequence, of as
// many entries.
struct Map {
  Tensor keys;
  Value values;
};

inline Value::Value(Map map) : held_(std::make_shared<Map>(std::move(map))) {}

// An extent as declared: a number, a named symbol, or unknown (-1 and no name).
struct Dim {
  int64_t value = -1;
  std::string symbol;
  bool operator==(const Dim&) const = default;
};

// A declared type. For a tensor `dtype` and, if `has_shape`, `dims`; for a map `dtype` is the key's type.
struct Type {
  enum class Kind : uint8_t { kUnknown, kTensor, kSequence, kOptional, kMap };
  Kind kind = Kind::kUnknown;
  DType dtype = DType::kNone;
  bool has_shape = false;
  std::vector<Dim> dims;
  // Of a sequence, optional or map.
  std::shared_ptr<const Type> element;

  static Type tensor(DType dtype) {
    Type t;
    t.kind = Kind::kTensor;
    t.dtype = dtype;
    return t;
  }
};
// "float32[N,3,224,224]", "seq(float32)", "map(string,float32)"
void append(std::string& out, const Type& type);

}  // namespace kinglet
