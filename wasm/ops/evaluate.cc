#include "ops/evaluate.h"

#include <algorithm>

#include "ops/registry.h"
#include "ops/signature.h"

namespace kinglet {

namespace {

const Tensor kAbsent;

// Runs one step with tensors of its own.
class SingleRun final : public Run {
 public:
  SingleRun(const Node& node, std::span<const Tensor* const> inputs, std::vector<Tensor>* outputs,
            std::byte* scratch, Parallel* parallel)
      : tensors_(*outputs) {
    for (size_t i = 0; i < tensors_.size(); ++i)
      pointers_.push_back(node.outputs[i] == kNoValue ? nullptr : &tensors_[i]);
    inputs_ = inputs;
    outputs_ = pointers_;
    scratch_ = scratch;
    parallel_ = parallel;
  }
  Result<Tensor> alloc_out(int i, DType dtype, const Shape& shape) override {
    KL_ASSIGN(Tensor t, Tensor::allocate_uninitialized(dtype, shape));
    if (static_cast<size_t>(i) < tensors_.size()) tensors_[static_cast<size_t>(i)] = t;
    return t;
  }

 private:
  std::vector<Tensor>& tensors_;
  std::vector<const Tensor*> pointers_;
};

Status compute(const Node& node, std::span<const Port> ports, std::span<const Tensor* const> inputs,
               std::vector<Value>* outputs, Parallel& parallel) {
  std::vector<InferContext::Output> inferred;
  bool later = false;
  KL_TRY(infer(node, ports, &inferred, &later));
  KL_REQUIRE(!later, kInvalidGraph, "an input that the output shape depends on is absent");
  bool all_known = true;
  for (size_t i = 0; i < inferred.size(); ++i) {
    if (!inferred[i].value.empty())
      (*outputs)[i] = inferred[i].value;
    else if (node.outputs[i] != kNoValue)
      all_known = false;
  }
  if (all_known) return {};
  StepPlan plan;
  LowerContext lower(node, ports, inferred, nullptr, &plan, parallel.threads());
  KL_TRY(node.def->lower(lower));
  std::vector<Tensor> results(inferred.size());
  bool any_elements = plan.run == nullptr;
  for (size_t i = 0; i < inferred.size(); ++i) {
    if (node.outputs[i] == kNoValue) continue;
    auto alias = std::ranges::find(plan.aliases, static_cast<int>(i), &std::pair<int, int>::first);
    if (alias != plan.aliases.end()) {
      results[i] = inputs[static_cast<size_t>(alias->second)]->reshaped(inferred[i].shape);
    } else if (inferred[i].shape_known) {
      KL_ASSIGN(results[i], Tensor::allocate_uninitialized(inferred[i].dtype, inferred[i].shape));
    }
    any_elements |= !inferred[i].shape_known || results[i].count() != 0;
  }
  if (plan.run != nullptr && any_elements) {
    std::shared_ptr<Buffer> scratch;
    if (plan.scratch_bytes != 0) {
      KL_ASSIGN(scratch, Buffer::allocate_uninitialized(plan.scratch_bytes));
    }
    SingleRun run(node, inputs, &results, scratch ? scratch->data() : nullptr, &parallel);
    KL_TRY(plan.run(plan.params.get(), run));
  }
  for (size_t i = 0; i < results.size(); ++i) {
    if (node.outputs[i] != kNoValue) (*outputs)[i] = std::move(results[i]);
  }
  return {};
}

}  // namespace

Status at_node(Status status, const Node& node, std::span<const Port> inputs) {
  if (status.ok()) return status;
  status.with("node", node.name).with("op", str(node.domain.empty() ? "" : node.domain + ".", node.op));
  if (node.opset > 0) status.with("opset", str(node.opset));
  std::string types;
  for (const Port& p : inputs) {
    if (!types.empty()) types += ", ";
    if (!p.present)
      types += "-";
    else if (p.dtype == DType::kNone)
      types += "not a tensor";
    else
      types += p.shape_known ? str(p.dtype, p.shape) : str(p.dtype, "[?]");
  }
  status.with("inputs", types);
  return status;
}

Status infer(const Node& node, std::span<const Port> inputs, std::vector<InferContext::Output>* outputs,
             bool* later) {
  outputs->assign(node.outputs.size(), {});
  InferContext context(node, inputs, outputs);
  KL_TRY(node.def->infer(context));
  *later = context.is_later();
  if (*later) return {};
  for (size_t i = 0; i < outputs->size(); ++i) {
    const auto& o = (*outputs)[i];
    if (node.outputs[i] == kNoValue) continue;
    KL_REQUIRE(o.set, kInvalidGraph, "output ", i, " is not defined for these inputs");
    if (o.shape_known) {
      KL_ASSIGN(int64_t count, checked_count(o.shape));
      KL_ASSIGN([[maybe_unused]] size_t bytes, checked_bytes(o.dtype, count));
    }
  }
  return {};
}

Status evaluate(const Node& node, std::span<const Value> inputs, std::vector<Value>* outputs,
                Executor* executor) {
  outputs->assign(node.outputs.size(), {});
  if (node.def->eval != nullptr) {
    EvalContext context(node, inputs, *outputs, executor);
    return at_node(node.def->eval(context), node);
  }
  std::vector<Port> ports(inputs.size());
  std::vector<const Tensor*> tensors(inputs.size(), &kAbsent);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Tensor* t = inputs[i].tensor();
    if (node.inputs[i] == kNoValue) continue;
    if (t == nullptr) return at_node(fail(Code::kInvalidGraph, "input ", i, " is not a tensor"), node);
    ports[i] = {true, t->dtype(), true, t->shape(), t};
    tensors[i] = t;
  }
  if (node.def->infer == nullptr) return at_node(fail(Code::kInternal, "operator was not expanded"), node);
  if (executor != nullptr) {
    // In a run types are what values have, not what the graph said.
    std::vector<DType> dtypes;
    for (const Port& port : ports) dtypes.push_back(port.present ? port.dtype : DType::kNone);
    if (Status s = check_dtypes(node, dtypes); !s.ok()) return at_node(std::move(s), node, ports);
  }
  Parallel alone;
  return at_node(compute(node, ports, tensors, outputs, executor ? executor->parallel() : alone), node,
                 ports);
}

Result<std::shared_ptr<Buffer>> LowerContext::packed(int i, std::string_view format, size_t bytes,
                                                     const std::function<void(std::byte*)>& fill) {
  if (!form(i).empty()) {
    KL_REQUIRE(form(i) == format, kInternal, "weights are left as ", form(i), ", not as ", format);
    return constant(i)->buffer();
  }
  if (constant(i) == nullptr || packs_ == nullptr) return std::shared_ptr<Buffer>();
  bool spent = i < 64 && (alone_ >> i & 1) != 0 && std::ranges::find(plan_->spent, i) != plan_->spent.end();
  return packs_->get(*constant(i), format, bytes, fill, spent);
}

Result<Tensor> EvalContext::tensor(int i) const {
  const Tensor* t = i < input_count() ? input(i).tensor() : nullptr;
  KL_REQUIRE(t != nullptr, kInvalidGraph, "input ", i, " is not a tensor");
  return *t;
}

Result<std::vector<Value>> EvalContext::apply(std::string_view op, std::span<const Value> inputs,
                                              Attributes attributes, int outputs) {
  Node node;
  node.op = op;
  node.name = node_.name;
  node.attributes = std::move(attributes);
  node.def = find_op(kOnnx, op);
  for (size_t i = 0; i < inputs.size(); ++i)
    node.inputs.push_back(inputs[i].empty() ? kNoValue : static_cast<ValueId>(i));
  for (int i = 0; i < outputs; ++i) node.outputs.push_back(i);
  std::vector<Value> results;
  KL_TRY(evaluate(node, inputs, &results, executor_));
  return results;
}

Status EvalContext::call(size_t subgraph, std::span<const Value> inputs, std::vector<Value>* outputs) {
  KL_REQUIRE(executor_ != nullptr, kInternal, "a subgraph needs an executor");
  return executor_->call(node_, subgraph, inputs, outputs);
}

}  // namespace kinglet
