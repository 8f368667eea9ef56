#pragma once
// Graphs and values for tests, in a few words.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "graph/graph.h"
#include "ops/registry.h"

namespace kinglet::testing {

template <class T>
Tensor tensor(const Shape& shape, std::vector<T> values) {
  auto t = Tensor::allocate(kDTypeOf<T>, shape);
  REQUIRE(t.ok());
  for (size_t i = 0; i < values.size(); ++i) t->template data<T>()[i] = values[i];
  return *t;
}
inline Tensor floats(const Shape& shape, std::vector<float> values) {
  return tensor<float>(shape, std::move(values));
}
inline Tensor ints(std::vector<int64_t> values) {
  return tensor<int64_t>({static_cast<int64_t>(values.size())}, std::move(values));
}

template <class T>
std::vector<T> read(const Value& value) {
  REQUIRE(value.tensor() != nullptr);
  REQUIRE(value.tensor()->dtype() == kDTypeOf<T>);
  auto span = value.tensor()->values<T>();
  std::vector<T> out;
  for (const T& element : span) out.push_back(element);
  return out;
}

// Adds a node with `outputs` new edges "<name>.0", ...; returns their ids.
inline std::vector<ValueId> add(Graph& graph, std::string op, std::vector<ValueId> inputs, int outputs = 1,
                                Attributes attributes = {}, std::string domain = "") {
  Node node;
  node.op = op;
  node.domain = std::move(domain);
  node.name = str(op, "_", graph.node_count());
  node.inputs = std::move(inputs);
  node.attributes = std::move(attributes);
  for (int i = 0; i < outputs; ++i) node.outputs.push_back(graph.add_edge(str(node.name, ".", i)));
  auto ids = node.outputs;
  graph.add_node(std::move(node));
  return ids;
}

inline ValueId add_input(Graph& graph, std::string name, DType dtype) {
  ValueId id = graph.add_edge(std::move(name), Type::tensor(dtype));
  graph.inputs.push_back(id);
  return id;
}

inline void require_ok(const Status& status) { REQUIRE_MESSAGE(status.ok(), status.message()); }

}  // namespace kinglet::testing
