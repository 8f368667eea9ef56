#include <algorithm>

#include "kernels/tree/internal.h"

namespace kinglet::kernels {

template <class T>
bool prepare_trees(Trees<T>& trees, size_t columns, std::span<int32_t> levels_of) {
  size_t weights = trees.weights.size(), bytes = trees.nodes.size();
  if (trees.spans.empty() || trees.targets.size() != weights) return false;
  if (trees.spans.front() != 0 || static_cast<size_t>(trees.spans.back()) != weights) return false;
  if (!std::is_sorted(trees.spans.begin(), trees.spans.end())) return false;
  for (int32_t t : trees.targets) {
    if (t < 0 || static_cast<size_t>(t) >= trees.outputs) return false;
  }
  if (bytes % kPairBytes<T> != 0 || bytes > std::numeric_limits<int32_t>::max()) return false;
  for (int32_t root : trees.roots) {
    if (root < 0 || static_cast<size_t>(root) >= bytes) return false;
    size_t side = static_cast<size_t>(root) % kPairBytes<T>;
    if (side != 0 && side != sizeof(T)) return false;
  }
  size_t leaves = trees.spans.size() - 1;
  trees.ordered = columns <= 1 << 16;
  trees.nan_first = false;
  for (size_t pair = levels_of.size(); pair-- > 0;) {
    levels_of[pair] = 0;
    for (size_t side : {size_t{0}, sizeof(T)}) {
      size_t place = pair * kPairBytes<T> + side;
      auto node = load_node<T>(trees.nodes.data() + place);
      auto child = static_cast<size_t>(node.child);
      if (node.feature < 0 || static_cast<size_t>(node.feature & kFeatureMask) >= columns) return false;
      if ((node.feature & kEqualNode) != 0) trees.ordered = false;
      if ((node.feature & kNanFirst) != 0) trees.nan_first = true;
      if (is_leaf(node)) {
        if (child != place || static_cast<uint32_t>(leaf_number(node)) >= leaves) return false;
      } else {
        if (node.child < 0 || child % kPairBytes<T> != 0 || child <= place || child >= bytes) return false;
        levels_of[pair] = std::max(levels_of[pair], 1 + levels_of[child / kPairBytes<T>]);
      }
    }
  }
  bool sum = trees.aggregate == Aggregate::kSum || trees.aggregate == Aggregate::kAverage;
  trees.votes = sum && leaves != 0 && weights % leaves == 0 ? weights / leaves : 0;
  if (trees.votes != 1 && trees.votes != trees.outputs) trees.votes = 0;
  for (size_t i = 0; i < leaves && trees.votes != 0; ++i) {
    if (static_cast<size_t>(trees.spans[i]) != i * trees.votes) trees.votes = 0;
  }
  for (size_t i = 0; i < weights && trees.votes > 1; ++i) {
    if (static_cast<size_t>(trees.targets[i]) != i % trees.votes) trees.votes = 0;
  }
  return true;
}

template bool prepare_trees(Trees<float>&, size_t, std::span<int32_t>);
template bool prepare_trees(Trees<double>&, size_t, std::span<int32_t>);

}  // namespace kinglet::kernels
