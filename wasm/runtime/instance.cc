#include "runtime/instance.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "ops/evaluate.h"

namespace kinglet {

namespace {

const Tensor kAbsent;

void describe(const Value& value, Port& port) {
  const Tensor* t = value.tensor();
  port.present = true;
  port.dtype = t != nullptr ? t->dtype() : DType::kNone;
  port.shape_known = t != nullptr;
  if (t != nullptr) port.shape = t->shape();
  port.constant = t != nullptr && t->data() != nullptr ? t : nullptr;
}

std::string shapes_of(const Plan& plan, std::span<const int32_t> slots) {
  std::string out;
  for (int32_t i : slots) {
    if (!out.empty()) out += " ";
    if (i < 0)
      out += "-";
    else
      append(out, plan.slots[static_cast<size_t>(i)].shape);
  }
  return out;
}

}  // namespace

class Instance::StepRun final : public Run {
 public:
  StepRun(Instance& instance, const Step& step, std::span<const Tensor* const> tensors)
      : instance_(instance), step_(step) {
    inputs_ = tensors.first(step.inputs.size());
    outputs_ = tensors.subspan(step.inputs.size(), step.outputs.size());
    scratch_ = step.work->scratch_bytes == 0 ? nullptr : instance.arena_->data() + step.scratch_offset;
    parallel_ = instance.services_.parallel;
  }
  Result<Tensor> alloc_out(int i, DType dtype, const Shape& shape) override {
    KL_ASSIGN(Tensor t, Tensor::allocate_uninitialized(dtype, shape));
    int32_t slot = step_.outputs[static_cast<size_t>(i)];
    if (slot >= 0) instance_.values_[static_cast<size_t>(slot)] = t;
    return t;
  }

 private:
  Instance& instance_;
  const Step& step_;
};

Status Instance::bind(std::shared_ptr<const Plan> plan) {
  bool lent = lease_ && lease_.use_count() > 1;
  if (plan_ == plan && !lent) return {};
  plan_ = nullptr;
  values_.clear();
  if (lent || !arena_ || arena_->bytes() < plan->arena_bytes) {
    // One that was too small is likely to be so again, by as little.
    size_t spare = arena_ && !lent ? plan->arena_bytes / 8 : 0;
    arena_ = lease_ = nullptr;
    KL_ASSIGN(arena_, Buffer::allocate(plan->arena_bytes + spare));
    lease_ = Buffer::borrow(arena_->data(), arena_->bytes(), arena_);
  }
  values_.resize(plan->slots.size());
  outputs_.clear();
  views_.clear();
  for (size_t i = 0; i < plan->slots.size(); ++i) {
    const Slot& slot = plan->slots[i];
    const Slot& root = slot.alias_of >= 0 ? plan->slots[static_cast<size_t>(slot.alias_of)] : slot;
    switch (slot.storage) {
      case Storage::kConstant:
        values_[i] = slot.constant;
        break;
      case Storage::kArena:
        values_[i] = Tensor(slot.dtype, slot.shape, arena_, root.offset + slot.within);
        break;
      case Storage::kOutput:
      case Storage::kInput:
        if (slot.alias_of >= 0)
          views_.push_back(static_cast<int32_t>(i));
        else if (slot.storage == Storage::kOutput)
          outputs_.push_back(static_cast<int32_t>(i));
        values_[i] = Tensor();
        break;
      case Storage::kRun:
        break;
    }
  }
  tensors_.clear();
  first_tensor_.clear();
  for (const Step& step : plan->steps) {
    first_tensor_.push_back(tensors_.size());
    if (step.late()) continue;
    for (int32_t i : step.inputs)
      tensors_.push_back(i < 0 ? &kAbsent : values_[static_cast<size_t>(i)].tensor());
    // Null for outputs of unknown shape: the step allocates those.
    for (int32_t i : step.outputs)
      tensors_.push_back(i < 0 ? nullptr : values_[static_cast<size_t>(i)].tensor());
  }
  plan_ = std::move(plan);
  return {};
}

Status Instance::prepare(std::span<const Value> inputs) {
  const auto& slots = plan_->slots;
  for (size_t i = 0; i < inputs.size(); ++i) {
    auto slot = static_cast<size_t>(plan_->inputs[i]);
    if (slots[slot].storage == Storage::kArena) {
      const Tensor &from = *inputs[i].tensor(), &to = *values_[slot].tensor();
      if (from.data() != to.data()) std::memcpy(to.data(), from.data(), to.bytes());
    } else if (slots[slot].storage != Storage::kConstant) {
      values_[slot] = inputs[i];
    }
  }
  for (int32_t i : outputs_) {
    const Slot& slot = slots[static_cast<size_t>(i)];
    Tensor& t = *values_[static_cast<size_t>(i)].tensor();
    // A result that the caller has let go of is used again. Strings keep their old text until they are
    // written.
    if (!t.empty() && t.buffer().use_count() == 1) continue;
    KL_ASSIGN(t, Tensor::allocate_uninitialized(slot.dtype, slot.shape));
  }
  for (int32_t i : views_) {
    const Slot& slot = slots[static_cast<size_t>(i)];
    const Tensor& root = *values_[static_cast<size_t>(slot.alias_of)].tensor();
    *values_[static_cast<size_t>(i)].tensor() =
        Tensor(slot.dtype, slot.shape, root.buffer(),
               static_cast<size_t>(root.data() - root.buffer()->data()) + slot.within);
  }
  return {};
}

Value Instance::lend(const Value& value) {
  const Tensor* t = value.tensor();
  if (t == nullptr || t->buffer() != arena_) return value;
  return Tensor(t->dtype(), t->shape(), lease_, static_cast<size_t>(t->data() - arena_->data()));
}

Status Instance::detach(Value* value) {
  if (Tensor* t = value->tensor()) {
    if (arena_ && t->buffer() == arena_) {
      KL_ASSIGN(*value, t->clone());
    }
  } else if (const Sequence* sequence = value->sequence()) {
    auto inside = [&](const Value& v) { return !v.tensor() || v.tensor()->buffer() == arena_; };
    if (std::ranges::none_of(*sequence, inside)) return {};
    Sequence copy = *sequence;
    for (Value& v : copy) KL_TRY(detach(&v));
    *value = Value(std::move(copy));
  } else if (const Map* map = value->map()) {
    Value keys = map->keys, values = map->values;
    KL_TRY(detach(&keys));
    KL_TRY(detach(&values));
    *value = Value(Map{*keys.tensor(), std::move(values)});
  }
  return {};
}

Status Instance::run_late(const Step& step) {
  std::vector<Value> inputs, outputs;
  for (int32_t i : step.inputs) inputs.push_back(i < 0 ? Value() : values_[static_cast<size_t>(i)]);
  KL_TRY(evaluate(*step.node, inputs, &outputs, this));
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (step.outputs[i] < 0) continue;
    KL_TRY(detach(&outputs[i]));
    values_[static_cast<size_t>(step.outputs[i])] = std::move(outputs[i]);
  }
  return {};
}

Status Instance::run_step(size_t index) {
  const Step& step = plan_->steps[index];
  current_ = &step;
  if (step.late()) {
    KL_TRY(run_late(step));
  } else {
    size_t count = step.inputs.size() + step.outputs.size();
    StepRun run(*this, step, std::span(tensors_).subspan(first_tensor_[index], count));
    if (Status s = step.work->run(step.work->params.get(), run); !s.ok())
      return at_node(std::move(s), *step.node);
  }
  for (int32_t i : step.release) values_[static_cast<size_t>(i)] = Value();
  return {};
}

Status Instance::choose(std::span<const Value> inputs) {
  ports_.resize(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) describe(inputs[i], ports_[i]);
  KL_ASSIGN(auto plan, program_.plan(ports_));
  return bind(std::move(plan));
}

Status Instance::place(std::span<Value> inputs) {
  KL_TRY(choose(inputs));
  for (size_t i = 0; i < inputs.size(); ++i) {
    Tensor* t = inputs[i].tensor();
    if (t == nullptr || t->data() != nullptr) continue;
    auto slot = static_cast<size_t>(plan_->inputs[i]);
    if (plan_->slots[slot].storage == Storage::kArena) {
      inputs[i] = lend(values_[slot]);
    } else {
      KL_ASSIGN(*t, Tensor::allocate_uninitialized(t->dtype(), t->shape()));
    }
  }
  return {};
}

Status Instance::run(std::span<const Value> inputs, std::vector<Value>* outputs) {
  Parallel& pool = *services_.parallel;
  if (pool.most_threads() == 1) {
    pool.begin(true);
    return walk(inputs, outputs);
  }
  Pace& pace = plan_->pace;
  pool.begin(pace.alone());
  bool shared = pool.threads() > 1;
  int64_t start = now_us();
  KL_TRY(walk(inputs, outputs));
  pace.add(now_us() - start, shared);
  return {};
}

Status Instance::walk(std::span<const Value> inputs, std::vector<Value>* outputs) {
  KL_TRY(prepare(inputs));
  const Parallel& pool = *services_.parallel;
  const CancelFlag* cancel = pool.cancel;
  for (size_t i = 0; i < plan_->steps.size(); ++i) {
    KL_REQUIRE(cancel == nullptr || !cancel->set(), kCancelled, "before step ", i, " of ",
               plan_->steps.size());
    if (!services_.profile->on) {
      KL_TRY(run_step(i));
      continue;
    }
    const Step& step = plan_->steps[i];
    int64_t start = now_us();
    KL_TRY(run_step(i));
    services_.profile->add({step.node->name.empty() ? step.node->op : step.node->name, step.node->op,
                            step.late() ? "late" : step.work->kernel, shapes_of(*plan_, step.inputs), start,
                            now_us() - start, pool.threads()});
  }
  KL_REQUIRE(cancel == nullptr || !cancel->set(), kCancelled, "in the last step");
  outputs->clear();
  for (int32_t i : plan_->outputs) outputs->push_back(lend(values_[static_cast<size_t>(i)]));
  // What shares the storage of a result would keep it from being used again.
  for (int32_t i : views_) *values_[static_cast<size_t>(i)].tensor() = Tensor();
  // Inputs belong to the caller.
  for (int32_t i : plan_->inputs) {
    Storage storage = plan_->slots[static_cast<size_t>(i)].storage;
    if (storage == Storage::kConstant || storage == Storage::kArena) continue;
    Value& v = values_[static_cast<size_t>(i)];
    if (v.tensor() != nullptr)
      *v.tensor() = Tensor();
    else
      v = Value();
  }
  return {};
}

Status Instance::call(const Node& node, size_t index, std::span<const Value> inputs,
                      std::vector<Value>* outputs) {
  const Step* caller = current_;
  const auto& captures = caller->captures[index];
  const Graph& body = *node.subgraphs[index].graph;
  KL_REQUIRE(inputs.size() + captures.size() == body.inputs.size(), kInvalidGraph, node.subgraphs[index].name,
             " takes ", body.inputs.size() - captures.size(), " inputs, ", inputs.size(), " are given");
  std::vector<Value> all(inputs.begin(), inputs.end());
  for (int32_t slot : captures) all.push_back(values_[static_cast<size_t>(slot)]);
  auto& child = children_[{&node, index}];
  if (!child) child = std::make_unique<Instance>(program_.child(node, index), services_);
  KL_TRY(child->choose(all));
  KL_TRY(child->walk(all, outputs));
  current_ = caller;
  for (Value& v : *outputs) KL_TRY(detach(&v));
  return {};
}

}  // namespace kinglet
