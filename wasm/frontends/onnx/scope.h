#pragma once
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "frontends/onnx/message.h"
#include "graph/graph.h"

namespace kinglet::onnx {

// A function that is being inlined, and the attributes it was called with; each has the bytes of an
// AttributeProto that is no reference.
struct Call {
  const FunctionMessage* function = nullptr;
  std::vector<std::pair<std::string_view, Bytes>> attributes;
  const Call* caller = nullptr;
  std::string prefix;  // of the names of nodes and values inside
};

// The names that nodes of one graph, or of one function body, can use.
class Scope {
 public:
  explicit Scope(Graph& to) : graph(to) {}

  // The value called `name`, taking it from the enclosing graphs as a capture or a copied constant; nothing
  // when there is no such name. kNoValue for a parameter of a function that the call leaves out.
  std::optional<ValueId> find(std::string_view name);
  // A new edge called `name`. Fails when the name is taken.
  Result<ValueId> define(std::string_view name, Type type = {});
  // Makes `name` mean `id`. Fails when the name is taken.
  Status bind(std::string_view name, ValueId id);
  // Whether `name` was defined or found before.
  bool is_own(std::string_view name) const { return names_.contains(name); }
  // 0 when the domain was not imported.
  int opset(std::string_view domain) const;

  Graph& graph;
  Scope* outer = nullptr;  // of the graph around; null for the model's graph and for functions
  std::vector<ValueId>* captures = nullptr;  // of the subgraph; set where `outer` is
  const Call* call = nullptr;
  const std::vector<OpsetMessage>* opsets = nullptr;
  // Types that the graph declares for its values.
  std::unordered_map<std::string_view, Type> declared;
  int depth = 0;

 private:
  std::unordered_map<std::string_view, ValueId> names_;
};

}  // namespace kinglet::onnx
