#pragma once
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "plan/plan.h"

namespace kinglet {

// A graph ready to run: plans are made on demand for input shapes and a few are kept. Where a few integers or
// bools of an input decide the branch of an If or a shape, they are constants of the plan, as long as plans
// are found more often than they are made. Subgraphs are programs of their own that share the packed weights.
class Program {
 public:
  // `graph` is bound and through the passes; its constants lose their elements when only a packed form of
  // them is needed any more. Plans are made for up to `threads` threads.
  explicit Program(std::shared_ptr<Graph> graph, int threads = 1);

  const Graph& graph() const { return *graph_; }
  // From now on these inputs and outputs, by their places, do not lie in the arena of a run. Before the first
  // plan.
  void hold(size_t input, size_t output) {
    ends_.held_inputs.push_back(input);
    ends_.held_outputs.push_back(output);
  }
  // The plan for these inputs, one Port per graph input, with the values of those that have at most
  // kKeyElements.
  Result<std::shared_ptr<const Plan>> plan(std::span<const Port> inputs);
  // The program of subgraph `index` of `node`, which is a node of graph() or of a branch in it.
  Program& child(const Node& node, size_t index);
  // Plans that are kept now, newest first.
  std::vector<std::shared_ptr<const Plan>> plans() const;
  // Bytes of all packed weights.
  size_t packed_bytes() const;

 private:
  class Packs;
  Program(std::shared_ptr<Graph> graph, int threads, std::shared_ptr<Packs> packs, bool inner);

  struct Kept {
    std::vector<Port> key;
    std::vector<Tensor> values;  // those that `key` points to
    std::shared_ptr<const Plan> plan;
  };
  std::shared_ptr<Graph> graph_;
  int threads_;
  std::shared_ptr<Packs> packs_;
  Ends ends_;
  std::vector<Kept> kept_;
  uint64_t keyed_ = 0;  // inputs, by bit, whose values are part of the key
  // What plans with values may cost still: making one takes from it, finding one adds to it.
  int credit_;
  std::map<std::pair<const Node*, size_t>, std::unique_ptr<Program>> children_;
};

}  // namespace kinglet
