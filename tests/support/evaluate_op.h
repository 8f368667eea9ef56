#pragma once
// One operator on given tensors, composed operators included.
#include "ops/evaluate.h"
#include "ops/expand.h"
#include "support/graph_builder.h"

namespace kinglet::testing {

// `inputs`: empty tensors where absent. Outputs in order.
inline Status try_op(const std::string& op, const std::vector<Tensor>& inputs, std::vector<Tensor>* outputs,
                     const Attributes& attributes = {}, const std::string& domain = "", int count = 1) {
  Graph graph;
  std::vector<ValueId> ids;
  std::vector<Value> values;
  for (const Tensor& t : inputs) {
    ids.push_back(t.empty() ? kNoValue : add_input(graph, str("in", ids.size()), t.dtype()));
    if (!t.empty()) values.resize(static_cast<size_t>(ids.back()) + 1), values.back() = t;
  }
  graph.outputs = add(graph, op, ids, count, attributes, domain);
  KL_TRY(bind(graph));
  for (size_t at = 0; at < graph.order().size();) {
    NodeId id = graph.order()[at];
    if (graph.node(id).def->expand == nullptr) {
      ++at;
      continue;
    }
    Patch patch(graph, id);
    ExpandContext context(graph.node(id), &patch);
    KL_TRY(graph.node(id).def->expand(context));
    patch.remove(id);
    std::move(patch).apply(graph);
    KL_TRY(bind(graph));
  }
  values.resize(graph.edge_count());
  for (NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    std::vector<Value> in(node.inputs.size()), out;
    for (size_t i = 0; i < in.size(); ++i) {
      if (node.inputs[i] == kNoValue) continue;
      const Tensor* constant = graph.constant(node.inputs[i]);
      in[i] = constant ? Value(*constant) : values[static_cast<size_t>(node.inputs[i])];
    }
    KL_TRY(evaluate(node, in, &out, nullptr));
    for (size_t i = 0; i < out.size(); ++i) {
      if (node.outputs[i] != kNoValue) values[static_cast<size_t>(node.outputs[i])] = out[i];
    }
  }
  for (ValueId id : graph.outputs) outputs->push_back(*values[static_cast<size_t>(id)].tensor());
  return {};
}

inline std::vector<Tensor> run_op(const std::string& op, const std::vector<Tensor>& inputs,
                                  const Attributes& attributes = {}, const std::string& domain = "",
                                  int count = 1) {
  std::vector<Tensor> outputs;
  require_ok(try_op(op, inputs, &outputs, attributes, domain, count));
  return outputs;
}

// attributes({{"axis", int64_t{1}}, ...})
inline Attributes attributes(std::initializer_list<Attribute> list) {
  Attributes out;
  for (const Attribute& a : list) out.set(a.name, a.value);
  return out;
}

inline Tensor cast(const Tensor& t, DType to) {
  return run_op("Cast", {t}, attributes({{"to", static_cast<int64_t>(to)}}))[0];
}

// All elements as double.
inline std::vector<double> numbers(const Tensor& t) {
  std::vector<double> out;
  for (int64_t i = 0; i < t.count(); ++i) out.push_back(t.number(i));
  return out;
}

}  // namespace kinglet::testing
