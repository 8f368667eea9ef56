#include "kernels/tree/tree.h"

#include <algorithm>
#include <type_traits>

#include "kernels/tree/internal.h"

namespace kinglet::kernels {

namespace {

// Walks side by side: one alone waits for memory at every step.
constexpr size_t kLanes = 8;
// Rows that go through a tree before the next tree comes.
constexpr size_t kBlock = 64;

// Walks from the nodes `start` to leaves and gives their numbers; lane i reads the row at x + i * step. A
// lane that has reached its leaf stays there while the others go on.
template <bool kPlain, class T>
inline void walk(const TreeNode<T>* nodes, const T* x, size_t step, const int32_t* start, int32_t* leaves) {
  int32_t place[kLanes];
  std::copy_n(start, kLanes, place);
  for (int32_t moved = 1; moved != 0;) {
    moved = 0;
    for (size_t i = 0; i < kLanes; ++i) {
      const TreeNode<T>& node = nodes[place[i]];
      T value;
      bool first;
      if constexpr (kPlain) {
        value = x[i * step + static_cast<size_t>(node.feature)];
        first = value <= node.value;
      } else {
        value = x[i * step + static_cast<size_t>(node.feature & kFeatureMask)];
        first = (node.feature & kEqualNode) != 0 ? value == node.value : value <= node.value;
        first |= (value != value) & ((node.feature & kNanFirst) != 0);
      }
      int32_t next = node.next[first ? 0 : 1];
      moved |= next ^ place[i];
      place[i] = next;
    }
  }
  for (size_t i = 0; i < kLanes; ++i) leaves[i] = leaf_number(nodes[place[i]]);
}

// At most kBlock rows. Lanes are rows of one tree, or trees of one row where rows are too few.
template <bool kPlain, class T>
void run_block(const Trees<T>& trees, const T* x, size_t rows, size_t columns, double* scores) {
  size_t row_lanes = rows < kLanes ? 1 : kLanes, tree_lanes = kLanes / row_lanes;
  size_t step = row_lanes == 1 ? 0 : columns;
  for (size_t t = 0; t < trees.roots.size(); t += tree_lanes) {
    // The last lanes walk rows or trees again.
    size_t found = std::min(tree_lanes, trees.roots.size() - t);
    int32_t start[kLanes], leaves[kBlock];
    for (size_t i = 0; i < kLanes; ++i) start[i] = trees.roots[t + std::min(i, found - 1)];
    for (size_t r = 0; r < rows; r += row_lanes) {
      size_t row = std::min(r, rows - row_lanes);
      walk<kPlain>(trees.nodes.data(), x + row * columns, step, start, leaves + row * tree_lanes);
    }
    for (size_t i = 0; i < found; ++i) {
      for (size_t r = 0; r < rows; ++r)
        add_leaf(trees, leaves[r * tree_lanes + i], scores + r * trees.outputs);
    }
  }
}

}  // namespace

template <class T>
bool valid_trees(const Trees<T>& trees, size_t columns) {
  size_t weights = trees.weights.size();
  if (trees.spans.empty() || trees.targets.size() != weights) return false;
  if (trees.spans.front() != 0 || static_cast<size_t>(trees.spans.back()) != weights) return false;
  if (!std::is_sorted(trees.spans.begin(), trees.spans.end())) return false;
  for (int32_t t : trees.targets) {
    if (t < 0 || static_cast<size_t>(t) >= trees.outputs) return false;
  }
  auto count = static_cast<int64_t>(trees.nodes.size());
  for (int32_t root : trees.roots) {
    if (root < 0 || root >= count) return false;
  }
  for (int64_t i = 0; i < count; ++i) {
    const TreeNode<T>& node = trees.nodes[static_cast<size_t>(i)];
    bool leaf = node.next[0] == i && node.next[1] == i;
    if (static_cast<size_t>(node.feature & kFeatureMask) >= columns || node.feature < 0) return false;
    if (trees.plain && node.feature > kFeatureMask) return false;
    if (leaf && static_cast<uint32_t>(leaf_number(node)) >= trees.spans.size() - 1) return false;
    if (!leaf && (std::min(node.next[0], node.next[1]) <= i || std::max(node.next[0], node.next[1]) >= count))
      return false;
  }
  return true;
}

template <class T>
void run_trees(const Trees<T>& trees, const T* x, size_t rows, size_t columns, double* scores,
               Parallel& pool) {
  // Models in double are few: they share the loop for all kinds of nodes.
  auto block = run_block<false, T>;
  if constexpr (std::is_same_v<T, float>) {
    if (trees.plain) block = run_block<true, T>;
  }
  parallel_for(pool, rows, kBlock, [&](size_t begin, size_t end) {
    std::fill(scores + begin * trees.outputs, scores + end * trees.outputs, unset_score(trees.aggregate));
    for (size_t r = begin; r < end && !cancelled(pool); r += kBlock) {
      size_t n = std::min(kBlock, end - r);
      block(trees, x + r * columns, n, columns, scores + r * trees.outputs);
    }
    finish_scores(trees, scores + begin * trees.outputs, (end - begin) * trees.outputs);
  });
}

template bool valid_trees(const Trees<float>&, size_t);
template bool valid_trees(const Trees<double>&, size_t);
template void run_trees(const Trees<float>&, const float*, size_t, size_t, double*, Parallel&);
template void run_trees(const Trees<double>&, const double*, size_t, size_t, double*, Parallel&);

}  // namespace kinglet::kernels
