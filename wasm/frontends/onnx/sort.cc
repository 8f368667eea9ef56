#include <numeric>
#include <unordered_map>

#include "frontends/onnx/builder.h"

namespace kinglet::onnx {

namespace {

using Producers = std::unordered_map<std::string_view, size_t>;

// Calls use(name) for every name that the bodies in `message` read.
template <class Use>
Status names_in_bodies(const NodeMessage& message, int depth, Use& use) {
  KL_REQUIRE(depth < kMaxDepth, kLimitExceeded, "subgraphs are nested more than ", kMaxDepth, " deep");
  for (Bytes bytes : message.attributes) {
    KL_ASSIGN(AttributeMessage attribute, read_attribute(bytes));
    if (attribute.kind != AttributeMessage::kGraph || !attribute.reference.empty()) continue;
    KL_ASSIGN(Bytes body, read_attribute_graph(bytes));
    size_t limit = kMaxNodes;
    KL_ASSIGN(GraphMessage graph, read_graph(body, &limit));
    for (const NodeMessage& node : graph.nodes) {
      for (std::string_view name : node.inputs) use(name);
      KL_TRY(names_in_bodies(node, depth + 1, use));
    }
    for (Bytes output : graph.outputs) {
      KL_ASSIGN(ValueMessage value, read_value(output));
      use(value.name);
    }
  }
  return {};
}

}  // namespace

Result<std::vector<size_t>> sorted(const std::vector<NodeMessage>& list) {
  std::vector<size_t> order(list.size());
  std::iota(order.begin(), order.end(), size_t{0});
  Producers producers;
  for (size_t i = 0; i < list.size(); ++i) {
    for (std::string_view name : list[i].outputs) {
      if (!name.empty()) producers.emplace(name, i);
    }
  }
  bool in_order = true;
  for (size_t i = 0; i < list.size() && in_order; ++i) {
    for (std::string_view name : list[i].inputs) {
      auto it = producers.find(name);
      in_order &= it == producers.end() || it->second < i;
    }
  }
  if (in_order) return order;

  std::vector<std::vector<size_t>> readers(list.size());
  std::vector<size_t> waits(list.size(), 0);
  for (size_t i = 0; i < list.size(); ++i) {
    auto use = [&](std::string_view name) {
      auto it = producers.find(name);
      if (it == producers.end()) return;
      readers[it->second].push_back(i);
      ++waits[i];
    };
    for (std::string_view name : list[i].inputs) use(name);
    KL_TRY(names_in_bodies(list[i], 0, use));
  }
  order.clear();
  for (size_t i = 0; i < list.size(); ++i) {
    if (waits[i] == 0) order.push_back(i);
  }
  for (size_t done = 0; done < order.size(); ++done) {
    for (size_t reader : readers[order[done]]) {
      if (--waits[reader] == 0) order.push_back(reader);
    }
  }
  if (order.size() == list.size()) return order;
  size_t stuck = 0;
  while (waits[stuck] == 0) ++stuck;
  std::string value(list[stuck].outputs.empty() ? list[stuck].name : list[stuck].outputs[0]);
  return fail(Code::kInvalidGraph, "\"", value, "\" depends on itself").with("value", value);
}

}  // namespace kinglet::onnx
