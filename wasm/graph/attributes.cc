#include "graph/attributes.h"

#include <algorithm>

namespace kinglet {

namespace {
template <class T>
const T* get(const Attributes& attributes, std::string_view name) {
  const AttributeValue* value = attributes.find(name);
  return value ? std::get_if<T>(value) : nullptr;
}
template <class T>
std::span<const T> get_list(const Attributes& attributes, std::string_view name) {
  const auto* list = get<std::vector<T>>(attributes, name);
  return list ? std::span<const T>(*list) : std::span<const T>();
}
}  // namespace

const AttributeValue* Attributes::find(std::string_view name) const {
  auto it = std::ranges::find(list_, name, &Attribute::name);
  return it == list_.end() ? nullptr : &it->value;
}

int64_t Attributes::get_int(std::string_view name, int64_t absent) const {
  const auto* value = get<int64_t>(*this, name);
  return value ? *value : absent;
}
float Attributes::get_float(std::string_view name, float absent) const {
  const auto* value = get<float>(*this, name);
  return value ? *value : absent;
}
std::string_view Attributes::get_string(std::string_view name, std::string_view absent) const {
  const auto* value = get<std::string>(*this, name);
  return value ? std::string_view(*value) : absent;
}
std::span<const int64_t> Attributes::get_ints(std::string_view name) const {
  return get_list<int64_t>(*this, name);
}
std::span<const float> Attributes::get_floats(std::string_view name) const {
  return get_list<float>(*this, name);
}
std::span<const std::string> Attributes::get_strings(std::string_view name) const {
  return get_list<std::string>(*this, name);
}
const Tensor* Attributes::get_tensor(std::string_view name) const { return get<Tensor>(*this, name); }

void Attributes::set(std::string_view name, AttributeValue value) {
  auto it = std::ranges::find(list_, name, &Attribute::name);
  if (it != list_.end())
    it->value = std::move(value);
  else
    list_.push_back({std::string(name), std::move(value)});
}

void Attributes::erase(std::string_view name) {
  std::erase_if(list_, [&](const Attribute& a) { return a.name == name; });
}

}  // namespace kinglet
