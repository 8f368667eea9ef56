#pragma once
// Writes ONNX messages field by field, so that tests can build right and wrong files.
#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/tensor.h"

namespace kinglet::testing {

class Proto {
 public:
  Proto& integer(uint32_t field, int64_t value) { return tag(field, 0).varint(static_cast<uint64_t>(value)); }
  Proto& bytes(uint32_t field, std::string_view value) {
    tag(field, 2).varint(value.size());
    data_.append(value);
    return *this;
  }
  Proto& message(uint32_t field, const Proto& value) { return bytes(field, value.data_); }
  Proto& float32(uint32_t field, float value) {
    tag(field, 5);
    data_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  template <class T>
  Proto& packed(uint32_t field, std::initializer_list<T> values) {
    return bytes(field, {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T)});
  }
  Proto& packed_varints(uint32_t field, std::initializer_list<int64_t> values) {
    Proto inner;
    for (int64_t v : values) inner.varint(static_cast<uint64_t>(v));
    return message(field, inner);
  }
  Proto& tag(uint32_t field, uint32_t wire) { return varint(field << 3 | wire); }
  Proto& varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) data_ += static_cast<char>(value | 0x80);
    data_ += static_cast<char>(value);
    return *this;
  }
  const std::string& data() const { return data_; }
  std::shared_ptr<Buffer> buffer() const { return to_buffer(data_); }
  static std::shared_ptr<Buffer> to_buffer(std::string_view data) {
    auto buffer = Buffer::allocate(data.size());
    if (!data.empty()) std::memcpy((*buffer)->data(), data.data(), data.size());
    return *buffer;
  }

 private:
  std::string data_;
};

inline Proto tensor(std::string_view name, DType dtype, std::initializer_list<int64_t> dims) {
  Proto p;
  for (int64_t d : dims) p.integer(1, d);
  return p.integer(2, static_cast<int64_t>(dtype)).bytes(8, name);
}
template <class T>
Proto raw_tensor(std::string_view name, std::initializer_list<int64_t> dims,
                 std::initializer_list<T> values) {
  return tensor(name, kDTypeOf<T>, dims).packed(9, values);
}
// dims: negative means unknown.
inline Proto value(std::string_view name, DType dtype, std::initializer_list<int64_t> dims) {
  Proto shape;
  for (int64_t d : dims) shape.message(1, d < 0 ? Proto() : Proto().integer(1, d));
  Proto type = Proto().message(1, Proto().integer(1, static_cast<int64_t>(dtype)).message(2, shape));
  return Proto().bytes(1, name).message(2, type);
}
inline Proto attribute(std::string_view name, int64_t v) {
  return Proto().bytes(1, name).integer(3, v).integer(20, 2);
}
inline Proto attribute(std::string_view name, float v) {
  return Proto().bytes(1, name).float32(2, v).integer(20, 1);
}
inline Proto attribute(std::string_view name, std::string_view v) {
  return Proto().bytes(1, name).bytes(4, v).integer(20, 3);
}
inline Proto attribute(std::string_view name, const char* v) { return attribute(name, std::string_view(v)); }
inline Proto attribute(std::string_view name, std::initializer_list<int64_t> v) {
  return Proto().bytes(1, name).packed_varints(8, v).integer(20, 7);
}
inline Proto graph_attribute(std::string_view name, const Proto& graph) {
  return Proto().bytes(1, name).message(6, graph).integer(20, 5);
}
inline Proto reference(std::string_view name, std::string_view to, int64_t kind) {
  return Proto().bytes(1, name).bytes(21, to).integer(20, kind);
}
inline Proto node(std::string_view op, std::initializer_list<std::string_view> inputs,
                  std::initializer_list<std::string_view> outputs,
                  std::initializer_list<Proto> attributes = {}, std::string_view domain = {}) {
  Proto p;
  for (auto i : inputs) p.bytes(1, i);
  for (auto o : outputs) p.bytes(2, o);
  p.bytes(4, op);
  for (const Proto& a : attributes) p.message(5, a);
  if (!domain.empty()) p.bytes(7, domain);
  return p;
}
struct GraphParts {
  std::vector<Proto> nodes, initializers, inputs, outputs;
};
inline Proto graph(const GraphParts& parts) {
  Proto p;
  for (const Proto& n : parts.nodes) p.message(1, n);
  p.bytes(2, "g");
  for (const Proto& t : parts.initializers) p.message(5, t);
  for (const Proto& v : parts.inputs) p.message(11, v);
  for (const Proto& v : parts.outputs) p.message(12, v);
  return p;
}
inline Proto opset(int64_t version, std::string_view domain = {}) {
  return Proto().bytes(1, domain).integer(2, version);
}
inline Proto model(const Proto& graph, int64_t version = 21, const std::vector<Proto>& functions = {}) {
  Proto p = Proto().integer(1, 8).bytes(2, "test").message(7, graph).message(8, opset(version));
  if (!functions.empty()) p.message(8, opset(1, "local"));
  for (const Proto& f : functions) p.message(25, f);
  return p;
}

}  // namespace kinglet::testing
