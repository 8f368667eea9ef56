#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/value.h"

namespace kinglet {

using AttributeValue = std::variant<int64_t, float, std::string, Tensor, Type, std::vector<int64_t>,
                                    std::vector<float>, std::vector<std::string>, std::vector<Tensor>>;

struct Attribute {
  std::string name;
  AttributeValue value;
};

// A node's attributes. Subgraphs are not here: see Node::subgraphs. Reading one that is absent or of another
// kind gives the default, since `check` (ops/signature.h) has refused wrong kinds before.
class Attributes {
 public:
  const AttributeValue* find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  int64_t get_int(std::string_view name, int64_t absent = 0) const;
  float get_float(std::string_view name, float absent = 0) const;
  std::string_view get_string(std::string_view name, std::string_view absent = {}) const;
  std::span<const int64_t> get_ints(std::string_view name) const;
  std::span<const float> get_floats(std::string_view name) const;
  std::span<const std::string> get_strings(std::string_view name) const;
  const Tensor* get_tensor(std::string_view name) const;

  void set(std::string_view name, AttributeValue value);
  void erase(std::string_view name);
  const std::vector<Attribute>& all() const { return list_; }

 private:
  std::vector<Attribute> list_;
};

}  // namespace kinglet
