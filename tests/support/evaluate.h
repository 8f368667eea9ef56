#pragma once
// One operator, computed at once.
#include "ops/evaluate.h"
#include "support/graph_builder.h"

namespace kinglet::testing {

// Inputs that are Value() are absent. Fails the test when binding fails.
struct Call {
  std::string op;
  std::vector<Value> inputs;
  Attributes attributes = {};
  int outputs = 1;
  std::string domain = "";
};

inline Status try_evaluate(const Call& call, std::vector<Value>* results) {
  Graph graph;
  std::vector<ValueId> ids;
  for (const Value& v : call.inputs) {
    const Tensor* t = v.tensor();
    ids.push_back(v.empty() ? kNoValue
                            : add_input(graph, str("x", ids.size()), t ? t->dtype() : DType::kNone));
  }
  add(graph, call.op, ids, call.outputs, call.attributes, call.domain);
  KL_TRY(bind(graph));
  return evaluate(graph.node(graph.order().front()), call.inputs, results, nullptr);
}

inline std::vector<Value> evaluate_op(const Call& call) {
  std::vector<Value> results;
  require_ok(try_evaluate(call, &results));
  return results;
}

// The code of the failure; fails the test when there is none.
inline Code evaluate_fails(const Call& call) {
  std::vector<Value> results;
  Status status = try_evaluate(call, &results);
  REQUIRE_FALSE(status.ok());
  return status.code();
}

inline Attributes attributes(std::initializer_list<std::pair<std::string_view, AttributeValue>> list) {
  Attributes out;
  for (const auto& [name, value] : list) out.set(name, value);
  return out;
}
inline std::vector<int64_t> list(std::initializer_list<int64_t> values) { return values; }

}  // namespace kinglet::testing
