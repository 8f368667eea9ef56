#include <cstring>
#include <string>
#include <unordered_map>

#include "passes/pass.h"

namespace kinglet::passes {

namespace {

// Constants and attributes up to here are compared by content.
constexpr size_t kMaxBytes = 1024;

template <class T>
void add_raw(std::string* key, const T& value) {
  key->append(reinterpret_cast<const char*>(&value), sizeof value);
}
void add_text(std::string* key, std::string_view text) {
  add_raw(key, text.size());
  key->append(text);
}

// False when the tensor is not compared by content.
bool add_tensor(std::string* key, const Tensor& t) {
  if (t.dtype() == DType::kString || t.bytes() > kMaxBytes) return false;
  add_raw(key, t.dtype());
  add_raw(key, t.rank());
  for (int64_t d : t.shape()) add_raw(key, d);
  key->append(t.data<char>(), t.bytes());
  return true;
}

bool add_value(std::string* key, const AttributeValue& value) {
  add_raw(key, value.index());
  if (const auto* v = std::get_if<int64_t>(&value)) return add_raw(key, *v), true;
  if (const auto* v = std::get_if<float>(&value)) return add_raw(key, *v), true;
  if (const auto* v = std::get_if<std::string>(&value)) return add_text(key, *v), true;
  if (const auto* v = std::get_if<Tensor>(&value)) return add_tensor(key, *v);
  auto add_list = [&](const auto& list) {
    add_raw(key, list.size());
    for (const auto& v : list) add_raw(key, v);
    return true;
  };
  if (const auto* v = std::get_if<std::vector<int64_t>>(&value)) return add_list(*v);
  if (const auto* v = std::get_if<std::vector<float>>(&value)) return add_list(*v);
  return false;
}

class Keys {
 public:
  explicit Keys(const Graph& graph) {
    std::unordered_map<std::string, ValueId> first;
    for (ValueId id = 0; id < static_cast<ValueId>(graph.edge_count()); ++id) {
      same_.push_back(id);
      std::string key;
      if (graph.edge(id).is_constant() && add_tensor(&key, graph.edge(id).constant))
        same_.back() = first.emplace(std::move(key), id).first->second;
    }
  }

  // What the node computes, as bytes; empty when it cannot be compared.
  std::string of(const Node& node) const {
    std::string key;
    add_text(&key, node.domain);
    add_text(&key, node.op);
    for (ValueId id : node.inputs) add_raw(&key, id == kNoValue ? id : same_[static_cast<size_t>(id)]);
    for (ValueId id : node.outputs) key += id == kNoValue ? '-' : '+';
    for (const Attribute& a : node.attributes.all()) {
      add_text(&key, a.name);
      if (!add_value(&key, a.value)) return {};
    }
    return key;
  }

 private:
  std::vector<ValueId> same_;  // the first constant of equal content
};

}  // namespace

// Nodes that compute the same from the same are one.
Result<bool> eliminate_common_subexpressions(Graph& graph) {
  bool changed = false;
  Keys keys(graph);
  std::unordered_map<std::string, NodeId> first;
  for (NodeId id : std::vector<NodeId>(graph.order())) {
    const Node& node = graph.node(id);
    if (!node.def->deterministic || !node.subgraphs.empty()) continue;
    std::string key = keys.of(node);
    if (key.empty()) continue;
    auto [it, is_new] = first.emplace(std::move(key), id);
    if (is_new) continue;
    const std::vector<ValueId>& by = graph.node(it->second).outputs;
    Patch patch(graph, id);
    bool keeps_names = true;
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == kNoValue) continue;
      keeps_names &= Patch::can_replace(graph, node.outputs[i], by[i]);
      patch.replace(node.outputs[i], by[i]);
    }
    if (!keeps_names) continue;
    patch.remove(id);
    std::move(patch).apply(graph);
    changed = true;
  }
  return changed;
}

}  // namespace kinglet::passes
