#pragma once
// Older forms of operators, rewritten while a model is read. raise/raise.inc lists them.
#include "frontends/onnx/builder.h"

namespace kinglet::onnx {

// Whether nodes of this operator become others whatever their opset, so that it need not be known itself.
bool is_raised(std::string_view domain, std::string_view op);

// One node on its way into the graph. A raising function changes `node`, or emits other nodes in its place.
class Raiser {
 public:
  Raiser(Builder& builder, Graph& graph, Node older)
      : node(std::move(older)), builder_(builder), graph_(graph), name_(node.name), opset_(node.opset) {}

  // Applies all rows for this node, oldest first, and appends what remains.
  Status run();

  Node node;

  const Graph& graph() const { return graph_; }
  Attributes& attributes() { return node.attributes; }
  bool has_input(size_t i) const { return node.input(i) != kNoValue; }
  // kNone where it is not known.
  DType dtype(size_t i) const { return has_input(i) ? graph_.edge(node.input(i)).type.dtype : DType::kNone; }
  // -1 where it is not known.
  int rank(ValueId id) const;
  // Puts `id` at input i, padding with absent inputs before it.
  void set_input(size_t i, ValueId id);

  ValueId constant(Tensor value) { return graph_.add_constant(name_, std::move(value)); }
  Result<ValueId> ints(std::span<const int64_t> values);
  Result<ValueId> scalar(int64_t value);
  // A float32 number as a scalar of the type of input `like`.
  Result<ValueId> scalar_like(float value, size_t like);
  // A node of ai.onnx before this one; returns its only output.
  ValueId op(std::string_view name, std::vector<ValueId> inputs, Attributes attributes = {});
  // A node of ai.onnx that computes `output`, an edge of the graph without producer.
  void op_to(ValueId output, std::string_view name, std::vector<ValueId> inputs, Attributes attributes = {});
  // Gives output i a new edge, for other nodes to finish, and returns it; the old edge goes to `*wanted`.
  ValueId redirect_output(size_t i, ValueId* wanted);
  // Appends the node now; what follows comes behind it.
  void emit();

  // An attribute becomes an input: a list of integers, 1-D int64. No effect when it is absent.
  Status ints_to_input(std::string_view attribute, size_t input);

 private:
  Builder& builder_;
  Graph& graph_;
  std::string name_;
  int opset_;
  bool emitted_ = false;
};

// Rows may share a function; declaring it again is no fault.
#define RAISE(domain, op, below, function) Status function(Raiser& r);
#include "frontends/onnx/raise/raise.inc"
#undef RAISE

}  // namespace kinglet::onnx
