#pragma once
// Trees of ai.onnx.ml on their way to the form that kernels/tree walks.
#include <span>
#include <vector>

#include "kernels/tree/tree.h"
#include "ops/ml.h"

namespace kinglet {

enum class NodeMode : uint8_t { kLeq, kLt, kGte, kGt, kEq, kNeq, kMember, kLeaf };

// A branch, or a leaf, which has its number in when_true.
struct TreeBranch {
  NodeMode mode = NodeMode::kLeaf;
  bool missing_is_true = false;  // besides what the comparison says of NaN
  int64_t feature = 0;
  double value = 0;
  int32_t when_true = 0, when_false = 0;
};

struct Forest {
  std::vector<TreeBranch> nodes;
  std::vector<int32_t> roots;
  // The tree of each node, all of which its root must reach. Empty: nodes may be out of reach.
  std::span<const int64_t> trees;
  // As in kernels::Trees.
  std::vector<int32_t> spans{0}, targets;
  std::vector<double> weights;
};

// Scores [N, outputs] in float64 of input 0, which becomes a matrix of float32 when `narrow`, else float64.
// Fails when branches form a cycle or features are out of range; targets were checked by the caller.
ValueId add_trees(Expansion& e, const Forest& forest, int64_t outputs, kernels::Aggregate aggregate,
                  bool narrow);

}  // namespace kinglet
