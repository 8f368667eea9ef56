#pragma once
// Ensembles of decision trees: every tree is walked from its root to a leaf, whose weights are aggregated.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/parallel.h"

namespace kinglet::kernels {

// A branch goes to next[0] where x[feature] <= value, otherwise to next[1]; a leaf's next are itself, and the
// first four bytes of its value are its number. Nodes follow their parents; one node may have several
// parents.
template <class T>
struct TreeNode {
  T value;
  int32_t feature;  // with the flags below
  int32_t next[2];
};
inline constexpr int32_t kFeatureMask = (1 << 28) - 1;
// Goes to next[0] where x[feature] == value.
inline constexpr int32_t kEqualNode = 1 << 28;
// A NaN goes to next[0], without the flag to next[1].
inline constexpr int32_t kNanFirst = 1 << 29;

enum class Aggregate : uint8_t { kAverage, kSum, kMin, kMax };

template <class T>
struct Trees {
  std::span<const TreeNode<T>> nodes;
  std::span<const int32_t> roots;
  // Weights [spans[l], spans[l + 1]) belong to leaf l: weights[i] goes to output targets[i].
  std::span<const int32_t> spans, targets;
  std::span<const double> weights;
  size_t outputs = 0;
  Aggregate aggregate = Aggregate::kSum;
  // No node has a flag.
  bool plain = false;
};

template <class T>
bool plain_nodes(std::span<const TreeNode<T>> nodes) {
  return std::ranges::all_of(nodes, [](const TreeNode<T>& n) { return n.feature <= kFeatureMask; });
}

// Whether indices lie within their lists, features below `columns`, `plain` is true of the nodes, and every
// walk ends.
template <class T>
bool valid_trees(const Trees<T>& trees, size_t columns);

// scores [rows, outputs] from x [rows, columns]. An output that no leaf has a weight for is -0. Trees are
// valid for `columns`. Unfinished when `pool` is cancelled.
template <class T>
void run_trees(const Trees<T>& trees, const T* x, size_t rows, size_t columns, double* scores,
               Parallel& pool);

// The judge: one row and one tree at a time.
template <class T>
void run_trees_reference(const Trees<T>& trees, const T* x, size_t rows, size_t columns, double* scores);

}  // namespace kinglet::kernels
