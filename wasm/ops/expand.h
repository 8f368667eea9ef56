#pragma once
#include <initializer_list>

#include "graph/patch.h"
#include "ops/op.h"

namespace kinglet {

// For OpDef::expand: writes a node as other operators. Every wanted output must be given with `output`.
class ExpandContext {
 public:
  ExpandContext(const Node& node, Patch* patch) : node_(node), patch_(*patch) {}
  const Node& node() const { return node_; }
  const Attributes& attributes() const { return node_.attributes; }
  bool has_input(size_t i) const { return node_.input(i) != kNoValue; }
  bool has_output(size_t i) const { return node_.output(i) != kNoValue; }
  ValueId input(size_t i) const { return node_.input(i); }
  // kNone where the graph does not tell.
  DType dtype(size_t i) const { return patch_.dtype(node_.input(i)); }
  const Tensor* constant(size_t i) const { return patch_.graph().constant(node_.input(i)); }

  // A node of ai.onnx (or `domain`) and its first output.
  ValueId op(std::string_view name, std::vector<ValueId> inputs, Attributes attributes = {},
             std::string_view domain = kOnnx) {
    return ops(name, std::move(inputs), 1, std::move(attributes), domain)[0];
  }
  std::vector<ValueId> ops(std::string_view name, std::vector<ValueId> inputs, int outputs,
                           Attributes attributes = {}, std::string_view domain = kOnnx) {
    Node n;
    n.domain = domain;
    n.op = name;
    n.inputs = std::move(inputs);
    n.attributes = std::move(attributes);
    return patch_.add_node(std::move(n), outputs);
  }
  ValueId constant(Tensor value) { return patch_.add_constant(node_.name, std::move(value)); }
  void output(size_t i, ValueId value) {
    if (has_output(i)) patch_.replace(node_.output(i), value);
  }

 private:
  const Node& node_;
  Patch& patch_;
};

}  // namespace kinglet
