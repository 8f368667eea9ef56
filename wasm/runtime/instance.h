#pragma once
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "plan/program.h"
#include "runtime/profile.h"

namespace kinglet {

// What all instances of a session share.
struct Services {
  Parallel* parallel = nullptr;
  Profile* profile = nullptr;
};

// A program's memory: runs one plan at a time. Not re-entrant.
class Instance final : public Executor {
 public:
  Instance(Program& program, Services services) : program_(program), services_(services) {}

  // Finds the plan for these inputs, one value per graph input (empty where an optional is). Tensors that
  // have no elements get memory for them, in the places where the run reads them.
  Status place(std::span<Value> inputs);
  // Runs with the inputs that were placed last. Outputs may lie in the arena, of which there is another one
  // for the next run as long as somebody holds them. They may share storage with constants, or with inputs
  // that do not lie in the arena: nobody writes to those.
  Status run(std::span<const Value> inputs, std::vector<Value>* outputs);
  size_t arena_bytes() const { return arena_ ? arena_->bytes() : 0; }

  Parallel& parallel() override { return *services_.parallel; }
  Status call(const Node& node, size_t index, std::span<const Value> inputs,
              std::vector<Value>* outputs) override;

 private:
  class StepRun;
  // Binds the plan for these inputs.
  Status choose(std::span<const Value> inputs);
  // Points all values of `plan` at an arena that nobody else holds and resolves the steps' tensors.
  Status bind(std::shared_ptr<const Plan> plan);
  // A run, or a part of one, of the bound plan on the threads that take part.
  Status walk(std::span<const Value> inputs, std::vector<Value>* outputs);
  Status prepare(std::span<const Value> inputs);
  Status run_step(size_t index);
  Status run_late(const Step& step);
  // `value` for the caller: where it lies in the arena it holds on to that.
  Value lend(const Value& value);
  // A copy wherever `value` lies in the arena, whose contents do not outlive their step.
  Status detach(Value* value);

  Program& program_;
  Services services_;
  std::shared_ptr<const Plan> plan_;
  std::shared_ptr<Buffer> arena_;
  // The arena for tensors outside: while others hold it, only the run that was placed may write.
  std::shared_ptr<Buffer> lease_;
  std::vector<Port> ports_;    // of choose()
  std::vector<Value> values_;  // by slot
  // Tensors of all steps' inputs and outputs one behind the other, and where each step's begin.
  std::vector<const Tensor*> tensors_;
  std::vector<size_t> first_tensor_;
  // Slots to set at the start of each run: outputs, then views of inputs and outputs.
  std::vector<int32_t> outputs_;
  std::vector<int32_t> views_;
  const Step* current_ = nullptr;
  std::map<std::pair<const Node*, size_t>, std::unique_ptr<Instance>> children_;
};

}  // namespace kinglet
