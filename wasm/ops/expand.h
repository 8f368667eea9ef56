#pragma once
#include <initializer_list>

#include "graph/patch.h"
#include "ops/op.h"

namespace kinglet {

// For OpDef::expand: writes a node as other operators. Every wanted output must be given with `output`.
// What is defined out of line keeps expansions small: there are many.
class ExpandContext {
 public:
  // An attribute of a new node. Lists and texts are copied when the node is made.
  struct Given {
    std::string_view name;
    int64_t i = 0;
    float f = 0;
    std::string_view s;
    std::span<const int64_t> ints;
    char kind;
    Given(std::string_view n, int64_t value) : name(n), i(value), kind('i') {}
    Given(std::string_view n, int value) : name(n), i(value), kind('i') {}
    Given(std::string_view n, float value) : name(n), f(value), kind('f') {}
    Given(std::string_view n, std::string_view value) : name(n), s(value), kind('s') {}
    Given(std::string_view n, std::span<const int64_t> value) : name(n), ints(value), kind('l') {}
  };
  using Inputs = std::initializer_list<ValueId>;

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
  ValueId op(std::string_view name, Inputs inputs, std::initializer_list<Given> attributes = {},
             std::string_view domain = kOnnx);
  ValueId op(std::string_view name, std::vector<ValueId> inputs, Attributes attributes = {},
             std::string_view domain = kOnnx) {
    return ops(name, std::move(inputs), 1, std::move(attributes), domain)[0];
  }
  std::vector<ValueId> ops(std::string_view name, Inputs inputs, int outputs,
                           std::initializer_list<Given> attributes = {}, std::string_view domain = kOnnx);
  std::vector<ValueId> ops(std::string_view name, std::vector<ValueId> inputs, int outputs,
                           Attributes attributes = {}, std::string_view domain = kOnnx);
  ValueId constant(Tensor value) { return patch_.add_constant(node_.name, std::move(value)); }
  // Constants: an int64 list; `value` as a scalar of the dtype of input `like`, also where that is not known
  // yet.
  ValueId ints(std::initializer_list<int64_t> values);
  ValueId scalar(size_t like, double value);
  void output(size_t i, ValueId value) {
    if (has_output(i)) patch_.replace(node_.output(i), value);
  }
  // What went wrong in the calls above; the expansion must not be used then.
  Status status() && { return std::move(status_); }

 private:
  ValueId made(Result<Tensor> value);

  const Node& node_;
  Patch& patch_;
  Status status_;
};

}  // namespace kinglet
