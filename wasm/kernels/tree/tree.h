#pragma once
// Ensembles of decision trees: every tree is walked from its root to a leaf, whose weights are aggregated.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <type_traits>

#include "base/parallel.h"

namespace kinglet::kernels {

// Numbers as integers of the same order: -0 as 0, every NaN as one key above infinity.
template <class T>
using TreeKey = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
template <class T>
inline constexpr TreeKey<T> kNanKey = std::bit_cast<TreeKey<T>>(std::numeric_limits<T>::infinity()) + 1;
// Values of leaves: these and above.
template <class T>
inline constexpr TreeKey<T> kLeafKey = std::bit_cast<TreeKey<T>>(std::numeric_limits<T>::quiet_NaN());

template <class T>
inline TreeKey<T> key_of(T x) {
  auto bits = std::bit_cast<TreeKey<T>>(x + T(0));
  TreeKey<T> key = bits ^ ((bits >> (8 * sizeof(T) - 1)) & std::numeric_limits<TreeKey<T>>::max());
  return x != x ? kNanKey<T> : key;
}

// A branch goes to the first node of the pair `child` where x[feature] <= value, otherwise to the second. A
// leaf is its own child, and nothing is above its value.
template <class T>
struct TreeNode {
  TreeKey<T> value;
  int32_t feature;  // with the flags below
  int32_t child;    // a place
};
inline constexpr int32_t kFeatureMask = (1 << 28) - 1;
// Goes to the first where x[feature] == value.
inline constexpr int32_t kEqualNode = 1 << 28;
// A NaN goes to the first, without the flag to the second.
inline constexpr int32_t kNanFirst = 1 << 29;

// Nodes lie in pairs, field by field; a place is the offset in bytes of a node's value. Pairs follow all
// nodes that they are children of; what has several parents has a copy in the pair of each.
template <class T>
inline constexpr size_t kPairBytes = 2 * (sizeof(T) + 8);

template <class T>
inline TreeNode<T> load_node(const std::byte* at) {
  TreeNode<T> node;
  std::memcpy(&node.value, at, sizeof(T));
  std::memcpy(&node.feature, at + 2 * sizeof(T), 4);
  std::memcpy(&node.child, at + (sizeof(T) == 4 ? 16 : 20), 4);
  return node;
}
template <class T>
inline void store_node(std::byte* at, const TreeNode<T>& node) {
  std::memcpy(at, &node.value, sizeof(T));
  std::memcpy(at + 2 * sizeof(T), &node.feature, 4);
  std::memcpy(at + (sizeof(T) == 4 ? 16 : 20), &node.child, 4);
}

// Leaf `number` at `place`. What of the number the value does not hold is the feature, of which any will do.
template <class T>
TreeNode<T> leaf_node(int32_t number, int32_t place) {
  constexpr int32_t kBits = 22;
  return {kLeafKey<T> | (number & ((1 << kBits) - 1)), number >> kBits, place};
}
template <class T>
inline bool is_leaf(const TreeNode<T>& node) {
  return node.value >= kLeafKey<T>;
}

enum class Aggregate : uint8_t { kAverage, kSum, kMin, kMax };

template <class T>
struct Trees {
  std::span<const std::byte> nodes;
  // Places, and how many branches may come at most from there to a leaf.
  std::span<const int32_t> roots, levels;
  // Weights [spans[l], spans[l + 1]) belong to leaf l: weights[i] goes to output targets[i].
  std::span<const int32_t> spans, targets;
  std::span<const double> weights;
  size_t outputs = 0;
  Aggregate aggregate = Aggregate::kSum;
  // The rest is found by prepare_trees. No node is an equal node, and features have 16 bits.
  bool ordered = false;
  // Some node has kNanFirst.
  bool nan_first = false;
  // Sums of as many weights of each leaf: one, or one for every output in order. 0: anything else.
  size_t votes = 0;
};

// Whether indices lie within their lists, features below `columns`, and every walk ends; `levels` is not
// looked at. levels_of[p] becomes what it is of a root in pair p.
template <class T>
bool prepare_trees(Trees<T>& trees, size_t columns, std::span<int32_t> levels_of);

// Bytes of scratch memory for `threads`.
template <class T>
size_t trees_scratch(size_t rows, size_t columns, size_t threads);

// scores [rows, outputs] from x [rows, columns]. An output that no leaf has a weight for is -0. Trees were
// prepared for `columns`. Unfinished when `pool` is cancelled.
template <class T>
void run_trees(const Trees<T>& trees, const T* x, size_t rows, size_t columns, double* scores,
               std::byte* scratch, Parallel& pool);

// The judge: one row and one tree at a time.
template <class T>
void run_trees_reference(const Trees<T>& trees, const T* x, size_t rows, size_t columns, double* scores);

}  // namespace kinglet::kernels
