#pragma once
#include <limits>

#include "kernels/tree/tree.h"

namespace kinglet::kernels {

template <class T>
inline int32_t leaf_number(const TreeNode<T>& leaf) {
  return static_cast<int32_t>((static_cast<uint32_t>(leaf.value) & 0x3fffff) |
                              static_cast<uint32_t>(leaf.feature) << 22);
}

// The sum starts at -0, which any weight replaces; minimum and maximum at NaN, which loses every comparison.
inline double unset_score(Aggregate aggregate) {
  bool sum = aggregate == Aggregate::kSum || aggregate == Aggregate::kAverage;
  return sum ? -0.0 : std::numeric_limits<double>::quiet_NaN();
}

template <class T>
inline void add_leaf(const Trees<T>& trees, int32_t leaf, double* scores) {
  auto first = static_cast<size_t>(trees.spans[static_cast<size_t>(leaf)]);
  auto last = static_cast<size_t>(trees.spans[static_cast<size_t>(leaf) + 1]);
  for (size_t i = first; i < last; ++i) {
    double weight = trees.weights[i], &score = scores[trees.targets[i]];
    if (trees.aggregate == Aggregate::kMin)
      score = score < weight ? score : weight;
    else if (trees.aggregate == Aggregate::kMax)
      score = score > weight ? score : weight;
    else
      score += weight;
  }
}

template <class T>
inline void finish_scores(const Trees<T>& trees, double* scores, size_t n) {
  auto count = static_cast<double>(trees.roots.size());
  for (size_t i = 0; i < n; ++i) {
    if (scores[i] != scores[i])
      scores[i] = -0.0;
    else if (trees.aggregate == Aggregate::kAverage && count > 0)
      scores[i] /= count;
  }
}

}  // namespace kinglet::kernels
