#pragma once
// What the executor walks: made for concrete input shapes and this build, never saved, cheap to make again.
#include <memory>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "ops/context.h"
#include "plan/pace.h"

namespace kinglet {

enum class Storage : uint8_t {
  kArena,     // at a fixed offset of the arena
  kConstant,  // in the model, or computed when planning
  kInput,     // the caller's own
  kOutput,    // allocated for each run: what the caller gets and keeps, and strings
  kRun,       // shape or kind is found while running
};

// A value while a plan runs. Slots with alias_of >= 0 are views of that slot, which is no alias itself, from
// its byte `within` on.
struct Slot {
  const Edge* edge = nullptr;  // of the program's graph or of a branch in it
  Storage storage = Storage::kRun;
  int32_t alias_of = -1;
  size_t within = 0;
  DType dtype = DType::kNone;
  Shape shape;
  size_t offset = 0;  // kArena
  Tensor constant;    // kConstant
};

struct Step {
  const Node* node = nullptr;            // owned by the program's graph or by a branch in it
  std::shared_ptr<const StepPlan> work;  // without `run` for late steps: those go through `evaluate`
  std::vector<int32_t> inputs;           // slots in the node's order, -1 where absent
  std::vector<int32_t> outputs;
  // Per subgraph of the node: slots of its captures.
  std::vector<std::vector<int32_t>> captures;
  size_t scratch_offset = 0;
  // kRun slots that nobody reads after this step.
  std::vector<int32_t> release;
  bool late() const { return work->run == nullptr; }
};

// What planning made of a graph: its own, or a branch whose nodes became steps.
struct Trace {
  const Graph* graph = nullptr;
  std::vector<int32_t> slots;                          // by value; -1 where there is none
  std::vector<std::shared_ptr<const StepPlan>> works;  // by node; null where nothing was lowered
};

// Where inputs and outputs of a plan lie.
struct Ends {
  // In the arena, too: whoever runs the plan copies them. Not those of strings or of less than bytes.
  bool in_arena = false;
  // But for these, by their places: they are handed from run to run.
  std::vector<size_t> held_inputs, held_outputs;
};

struct Plan {
  std::vector<Slot> slots;
  std::vector<Step> steps;
  std::vector<int32_t> inputs;  // slots in the graph's order; constant where the value is part of the plan
  std::vector<int32_t> outputs;
  size_t arena_bytes = 0;
  // Inputs, by bit, whose values would decide what late steps wait for: the branch of an If, or a shape.
  uint64_t steering = 0;
  std::vector<std::shared_ptr<const Trace>> traces;  // for the next plan of the graph
  // What runs have taken: the one thing that changes.
  mutable Pace pace;
};

// A line per step: kernel, node, shapes, arena offsets; then totals.
std::string plan_text(const Plan& plan);

}  // namespace kinglet
