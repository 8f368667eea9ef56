#pragma once
// What an operator's functions see of the node they work for, and what a step sees when it runs.
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/parallel.h"
#include "base/value.h"
#include "graph/graph.h"
#include "ops/op.h"

namespace kinglet {

// One input or output of a node when shapes are concrete.
struct Port {
  bool present = false;
  DType dtype = DType::kNone;  // kNone: not a tensor
  bool shape_known = false;
  Shape shape;
  // The value, where it is known when planning. Not owned.
  const Tensor* constant = nullptr;
};

// Common part: attributes, inputs and outputs. Inputs are 0-based as in the ONNX operator; an index beyond
// the node's list is an absent input.
class OpContext {
 public:
  OpContext(const Node& node, std::span<const Port> inputs) : node_(node), inputs_(inputs) {}
  const Node& node() const { return node_; }
  const Attributes& attributes() const { return node_.attributes; }
  int input_count() const { return static_cast<int>(inputs_.size()); }
  int output_count() const { return static_cast<int>(node_.outputs.size()); }
  bool has_input(int i) const { return i < input_count() && inputs_[static_cast<size_t>(i)].present; }
  bool has_output(int i) const { return node_.output(static_cast<size_t>(i)) != kNoValue; }
  // For present tensor inputs.
  DType dtype(int i) const { return inputs_[static_cast<size_t>(i)].dtype; }
  const Shape& shape(int i) const { return inputs_[static_cast<size_t>(i)].shape; }
  int rank(int i) const { return shape(i).rank(); }
  // The input's value if it is known now; null otherwise and for absent inputs.
  const Tensor* constant(int i) const {
    return has_input(i) ? inputs_[static_cast<size_t>(i)].constant : nullptr;
  }

 protected:
  const Node& node_;
  std::span<const Port> inputs_;
};

class InferContext : public OpContext {
 public:
  struct Output {
    bool set = false;
    DType dtype = DType::kNone;
    bool shape_known = false;
    Shape shape;
    Tensor value;  // empty unless known
  };
  InferContext(const Node& node, std::span<const Port> inputs, std::vector<Output>* outputs)
      : OpContext(node, inputs), outputs_(*outputs) {}

  void output(int i, DType dtype, const Shape& shape) {
    if (auto* o = out(i)) *o = {true, dtype, true, shape, {}};
  }
  // The output's value follows from shapes alone (Shape, Size): no step is needed for it.
  void output_value(int i, Tensor value) {
    if (auto* o = out(i)) {
      auto d = value.dtype();
      auto s = value.shape();
      *o = {true, d, true, s, std::move(value)};
    }
  }
  // Only the run can tell the shape (NonZero): the step calls Run::alloc_out.
  void output_unknown(int i, DType dtype) {
    if (auto* o = out(i)) *o = {true, dtype, false, {}, {}};
  }
  // `return ctx.later();` when a value that shapes depend on is not known yet: infer is called again in the
  // run, with the values of all inputs there.
  Status later() {
    later_ = true;
    return {};
  }
  bool is_later() const { return later_; }

 private:
  Output* out(int i) { return i < output_count() ? &outputs_[static_cast<size_t>(i)] : nullptr; }
  std::vector<Output>& outputs_;
  bool later_ = false;
};

// What a step's function sees. Inputs and outputs are in the node's order.
class Run {
 public:
  virtual ~Run() = default;
  int in_count() const { return static_cast<int>(inputs_.size()); }
  int out_count() const { return static_cast<int>(outputs_.size()); }
  // For present inputs. Absent ones give an empty tensor (Tensor::empty()).
  const Tensor& in(int i) const { return *inputs_[static_cast<size_t>(i)]; }
  bool has_in(int i) const {
    return static_cast<size_t>(i) < inputs_.size() && !inputs_[static_cast<size_t>(i)]->empty();
  }
  // Allocated with the shape that infer gave. Not for outputs that were declared unknown.
  const Tensor& out(int i) const { return *outputs_[static_cast<size_t>(i)]; }
  bool has_out(int i) const {
    return static_cast<size_t>(i) < outputs_.size() && outputs_[static_cast<size_t>(i)] != nullptr;
  }
  // For outputs declared unknown: allocates (uninitialised) and returns the tensor.
  virtual Result<Tensor> alloc_out(int i, DType dtype, const Shape& shape) = 0;
  // As many bytes as LowerContext::scratch asked for, kBufferAlignment aligned, contents undefined.
  std::byte* scratch() const { return scratch_; }
  Parallel& parallel() const { return *parallel_; }
  bool cancelled() const { return parallel_->cancel != nullptr && parallel_->cancel->set(); }

 protected:
  std::span<const Tensor* const> inputs_;
  std::span<const Tensor* const> outputs_;
  std::byte* scratch_ = nullptr;
  Parallel* parallel_ = nullptr;
};

// What lower leaves behind: plain data for the executor.
struct StepPlan {
  const char* kernel = nullptr;  // a static string: names the chosen kernel in the plan's text form
  Status (*run)(const void* params, Run&) = nullptr;
  std::shared_ptr<const void> params;
  size_t scratch_bytes = 0;
  // (output, input) pairs. alias: same bytes, no copy. in_place: the kernel allows output and input to share
  // storage.
  std::vector<std::pair<int, int>> aliases;
  std::vector<std::pair<int, int>> in_place;
  // Bytes that the step only copies, and lets be where they lie in both places already: all of `input` is in
  // `output` from `offset` on, or the other way round.
  struct Piece {
    int output, input;
    size_t offset;
    bool of_output;
  };
  std::vector<Piece> pieces;
  // Inputs of which this node will never need more than the packed form.
  std::vector<int> spent;
};

// Packed forms of constants, shared by all plans of a model.
class PackCache {
 public:
  virtual ~PackCache() = default;
  // The buffer stored for (constant's storage, format), or a new one of `bytes` filled by `fill`. Where
  // nobody reads the elements any more and there is room, it is the constant's own buffer.
  virtual Result<std::shared_ptr<Buffer>> get(const Tensor& constant, std::string_view format, size_t bytes,
                                              const std::function<void(std::byte*)>& fill, bool spent) = 0;
  // Removes the packed form of `constant` and returns it; null unless there is exactly one.
  virtual std::shared_ptr<Buffer> take(const Tensor& constant) = 0;
};

class LowerContext : public OpContext {
 public:
  LowerContext(const Node& node, std::span<const Port> inputs, std::span<const InferContext::Output> outputs,
               PackCache* packs, StepPlan* plan, int threads = 1, bool fixed = false, uint64_t alone = 0)
      : OpContext(node, inputs),
        outputs_(outputs),
        packs_(packs),
        plan_(plan),
        threads_(threads),
        fixed_(fixed),
        alone_(alone) {}
  // Threads that the step will run with at most: scratch is sized for them.
  int threads() const { return threads_; }
  DType out_dtype(int i) const { return outputs_[static_cast<size_t>(i)].dtype; }
  const Shape& out_shape(int i) const { return outputs_[static_cast<size_t>(i)].shape; }

  // The one step of this node: Fn is `Status fn(const Params&, Run&)`; `kernel` is a static string.
  template <auto Fn, class Params>
  void step(const char* kernel, Params params) {
    plan_->kernel = kernel;
    plan_->params = std::make_shared<const Params>(std::move(params));
    plan_->run = [](const void* p, Run& run) { return Fn(*static_cast<const Params*>(p), run); };
  }
  // Output `out` is input `in` with another shape: no step, no copy.
  void alias(int out, int in) { plan_->aliases.emplace_back(out, in); }
  // The kernel works when `out` shares the storage of `in` (same bytes).
  void in_place(int out, int in) { plan_->in_place.emplace_back(out, in); }
  void piece(StepPlan::Piece piece) { plan_->pieces.push_back(piece); }
  void scratch(size_t bytes) { plan_->scratch_bytes = bytes; }
  // The packed form of constant input i. `format` names kernel and tile, so that equal names mean equal
  // bytes. Null Buffer when the input is not constant: pack at run time into scratch then.
  Result<std::shared_ptr<Buffer>> packed(int i, std::string_view format, size_t bytes,
                                         const std::function<void(std::byte*)>& fill);
  // The format in which constant input i is there; empty as long as its elements are.
  std::string_view form(int i) const {
    return constant(i) == nullptr ? std::string_view() : constant(i)->buffer()->form;
  }
  // This node can do with the format in which input i is packed next, whatever the shapes: its elements may
  // go.
  void spent(int i) { plan_->spent.push_back(i); }
  // Whether the graph's inputs can have no other shapes.
  bool fixed() const { return fixed_; }

 private:
  std::span<const InferContext::Output> outputs_;
  PackCache* packs_;
  StepPlan* plan_;
  int threads_;
  bool fixed_;
  uint64_t alone_;  // constants, by bit of the input, that only this node holds
};

// Services of the executor for operators that compute with values.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual Parallel& parallel() = 0;
  // Runs subgraph `index` of `node`. `inputs` are the body's formal inputs; captures are added by the
  // executor.
  virtual Status call(const Node& node, size_t index, std::span<const Value> inputs,
                      std::vector<Value>* outputs) = 0;
};

class EvalContext {
 public:
  EvalContext(const Node& node, std::span<const Value> inputs, std::span<Value> outputs, Executor* executor)
      : node_(node), inputs_(inputs), outputs_(outputs), executor_(executor) {}
  const Node& node() const { return node_; }
  const Attributes& attributes() const { return node_.attributes; }
  int input_count() const { return static_cast<int>(inputs_.size()); }
  int output_count() const { return static_cast<int>(node_.outputs.size()); }
  // False for absent inputs. An empty optional that is passed in is present.
  bool has_input(int i) const { return node_.input(static_cast<size_t>(i)) != kNoValue; }
  const Value& input(int i) const { return inputs_[static_cast<size_t>(i)]; }
  // The tensor behind input i, or a failure that names what was there instead.
  Result<Tensor> tensor(int i) const;
  void output(int i, Value value) {
    if (i < output_count()) outputs_[static_cast<size_t>(i)] = std::move(value);
  }
  // Fails with kInternal when there is no executor (constant folding does not evaluate control flow).
  Status call(size_t subgraph, std::span<const Value> inputs, std::vector<Value>* outputs);
  // An operator of ai.onnx, computed at once. Inputs that are Value() are absent.
  Result<std::vector<Value>> apply(std::string_view op, std::span<const Value> inputs,
                                   Attributes attributes = {}, int outputs = 1);
  Parallel& parallel() { return executor_->parallel(); }
  bool cancelled() {
    return executor_ != nullptr && executor_->parallel().cancel != nullptr &&
           executor_->parallel().cancel->set();
  }

 private:
  const Node& node_;
  std::span<const Value> inputs_;
  std::span<Value> outputs_;
  Executor* executor_;
};

}  // namespace kinglet
