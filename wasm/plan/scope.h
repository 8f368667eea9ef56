#pragma once
#include <memory>
#include <vector>

#include "plan/plan.h"

namespace kinglet {

// An output of a node as planning finds it. Not owned; `value` is null where it is not known.
struct Found {
  DType dtype = DType::kNone;
  bool shape_known = false;
  const Shape* shape = nullptr;
  const Tensor* value = nullptr;
};

// A graph whose nodes become steps, beside what the plan before made of it.
struct Scope {
  // `like`: the plan before, of this graph or of one in which it was a branch; may be null. It outlives this.
  Scope(Graph& graph, const Plan* like);

  // Notes whether value `v` is what it was; `now`: its slot, or null.
  void compare(ValueId v, const Slot* now);
  void keep(ValueId v) { same[static_cast<size_t>(v)] = true; }
  // Whether the node becomes what it became, which needs the values that it reads to be noted; `outputs` are
  // those there.
  bool repeats(NodeId id, std::vector<Found>* outputs) const;
  // What a node that repeats was lowered to.
  const std::shared_ptr<const StepPlan>& work_before(NodeId id) const {
    return before->works[static_cast<size_t>(id)];
  }

  Graph* graph;
  std::shared_ptr<Trace> made;
  const Plan* like;
  const Trace* before = nullptr;  // of this graph in `like`
  std::vector<uint8_t> same;      // by value: whether it is what it was there
};

}  // namespace kinglet
