#pragma once
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "plan/plan.h"

namespace kinglet {

// A graph ready to run: plans are made on demand for input shapes and a few are kept. Subgraphs are programs
// of their own that share the packed weights.
class Program {
 public:
  // `graph` is bound and through the passes. Plans are made for up to `threads` threads.
  explicit Program(std::shared_ptr<const Graph> graph, int threads = 1);

  const Graph& graph() const { return *graph_; }
  // The plan for these inputs, one Port per graph input; only dtype and shape count.
  Result<std::shared_ptr<const Plan>> plan(std::span<const Port> inputs);
  // The program of subgraph `index` of `node`, which is a node of graph().
  Program& child(const Node& node, size_t index);
  // Plans that are kept now, newest first.
  std::vector<std::shared_ptr<const Plan>> plans() const;
  // Bytes of all packed weights.
  size_t packed_bytes() const;

 private:
  class Packs;
  Program(std::shared_ptr<const Graph> graph, int threads, std::shared_ptr<Packs> packs);

  struct Kept {
    std::vector<Port> key;
    std::shared_ptr<const Plan> plan;
  };
  std::shared_ptr<const Graph> graph_;
  int threads_;
  std::shared_ptr<Packs> packs_;
  std::vector<Kept> kept_;
  std::map<std::pair<const Node*, size_t>, std::unique_ptr<Program>> children_;
};

}  // namespace kinglet
