#include "kernels/tree/tree.h"

#include <algorithm>

#include "kernels/tree/internal.h"
#include "simd/vec.h"

namespace kinglet::kernels {

namespace {

using Int4 = vec<int32_t, 4>;

// Walks that go on together: one alone waits for memory at every branch. Fewer rows have trees side by side.
constexpr int kLaneBits = 7;
constexpr size_t kLanes = 1 << kLaneBits, kFewRows = 16;
// Branches that all rows take together.
constexpr int32_t kTop = 3;

// The keys of lane i begin at x + i * lane; those of a row are 1 << kShift apart. Neither equal nodes nor
// NaN, features have 16 bits.
template <int kShift>
void walk(const std::byte* nodes, const int32_t* x, int32_t* places, size_t n, int32_t levels) {
  for (int32_t moved = 1; levels > 0 && moved != 0; --levels) {
    moved = 0;
#pragma clang loop vectorize(disable)
    for (size_t i = 0; i < n; ++i) {
      auto node = load_node<float>(nodes + places[i]);
      size_t feature = static_cast<size_t>(static_cast<uint16_t>(node.feature)) << kShift;
      int32_t next = node.child + (x[kShift == 0 ? feature : feature + i] > node.value ? 4 : 0);
      moved |= next ^ places[i];
      places[i] = next;
    }
  }
}

// The same for all kinds of nodes and keys.
template <class T>
void walk_any(const std::byte* nodes, const TreeKey<T>* x, int shift, int32_t* places, size_t n) {
  for (int32_t moved = 1; moved != 0;) {
    moved = 0;
#pragma clang loop vectorize(disable)
    for (size_t i = 0; i < n; ++i) {
      auto node = load_node<T>(nodes + places[i]);
      size_t feature = static_cast<size_t>(node.feature & kFeatureMask) << shift;
      TreeKey<T> key = x[shift == 0 ? feature : feature + i];
      bool first = (node.feature & kEqualNode) != 0 ? key == node.value : key <= node.value;
      first |= (key == kNanKey<T>)&((node.feature & kNanFirst) != 0);
      int32_t next = node.child + (first || is_leaf(node) ? 0 : int32_t{sizeof(T)});
      moved |= next ^ places[i];
      places[i] = next;
    }
  }
}

// Places of n rows after kTop branches, all nodes of which are compared.
void start_rows(const std::byte* nodes, int32_t root, const int32_t* keys, int32_t* places, size_t n) {
  constexpr int kBranches = (1 << kTop) - 1;
  int32_t place[2 * kBranches + 1];
  const int32_t* x[kBranches];
  Int4 value[kBranches], child[kBranches];
  place[0] = root;
#pragma unroll
  for (int i = 0; i < kBranches; ++i) {
    auto node = load_node<float>(nodes + place[i]);
    x[i] = keys + (static_cast<size_t>(static_cast<uint16_t>(node.feature)) << kLaneBits);
    value[i] = Int4::splat(node.value), child[i] = Int4::splat(node.child);
    place[2 * i + 1] = node.child;
    // Beside a leaf is what no walk reaches.
    place[2 * i + 2] = node.child + (is_leaf(node) ? 0 : 4);
  }
  for (size_t i = 0; i < n; i += 4) {
    auto second = [&](int node) { return Int4::load(x[node] + i) > value[node]; };
    Int4 a = second(0), b = select(a, second(2), second(1));
    auto choose = [&](Int4 n3, Int4 n4, Int4 n5, Int4 n6) {
      return select(a, select(b, n6, n5), select(b, n4, n3));
    };
    Int4 c = choose(second(3), second(4), second(5), second(6));
    (choose(child[3], child[4], child[5], child[6]) + (c & Int4::splat(4))).store(places + i);
  }
}

// Adds what lanes have found to the scores at out + i * step.
template <class T>
void add_leaves(const Trees<T>& trees, const int32_t* places, size_t n, double* out, size_t step) {
  size_t votes = trees.votes;
  for (size_t i = 0; i < n; ++i, out += step) {
    auto leaf = static_cast<size_t>(leaf_number(load_node<T>(trees.nodes.data() + places[i])));
    const double* weights = trees.weights.data() + leaf * votes;
    if (votes == 1) {
      out[trees.targets[leaf]] += *weights;
    } else if (votes != 0) {
      using V = Vec<double>;
      constexpr size_t kStep = V::kLanes;
      size_t k = 0;
      for (; k + kStep <= votes; k += kStep) (V::load(out + k) + V::load(weights + k)).store(out + k);
      for (; k < votes; ++k) out[k] += weights[k];
    } else {
      add_leaf(trees, static_cast<int32_t>(leaf), out);
    }
  }
}

// Rows whose keys are made at once: their memory has a bound.
size_t block_of(size_t rows, size_t columns) {
  return rows < kFewRows || columns > size_t{1} << 14 ? 1 : kLanes;
}

// Keys [columns, step] of n rows. Whether there is a NaN.
template <class T>
bool make_keys(const T* x, size_t n, size_t columns, size_t step, TreeKey<T>* keys) {
  bool found = false;
  for (size_t r = 0; r < n; ++r) {
    for (size_t i = 0; i < columns; ++i) {
      TreeKey<T> key = key_of(*x++);
      keys[i * step + r] = key;
      found |= key == kNanKey<T>;
    }
  }
  return found;
}

}  // namespace

template <class T>
size_t trees_scratch(size_t rows, size_t columns, size_t threads) {
  return threads * block_of(rows, columns) * columns * sizeof(T);
}

template <class T>
void run_trees(const Trees<T>& trees, const T* x, size_t rows, size_t columns, double* scores,
               std::byte* scratch, Parallel& pool) {
  size_t block = block_of(rows, columns);
  parallel_slots(pool, (rows + block - 1) / block, [&](size_t slot, size_t item) {
    size_t first = item * block, n = std::min(block, rows - first);
    auto* keys = reinterpret_cast<TreeKey<T>*>(scratch) + slot * block * columns;
    double* out = scores + first * trees.outputs;
    std::fill_n(out, n * trees.outputs, unset_score(trees.aggregate));
    bool nan = make_keys(x + first * columns, n, columns, block, keys);
    // Models in double are few: they share the loop for all kinds of nodes.
    bool ordered = sizeof(T) == 4 && trees.ordered && !(nan && trees.nan_first);
    size_t trees_at_once = block == 1 ? kLanes : 1;
    int32_t places[kLanes];
    const std::byte* nodes = trees.nodes.data();
    for (size_t t = 0; t < trees.roots.size(); t += trees_at_once) {
      auto roots = trees.roots.subspan(t, std::min(trees_at_once, trees.roots.size() - t));
      size_t lanes = block == 1 ? roots.size() : n;
      std::fill_n(places, kLanes, roots[0]);
      std::ranges::copy(roots, places);
      if (!ordered) {
        walk_any<T>(nodes, keys, block == 1 ? 0 : kLaneBits, places, lanes);
      } else if constexpr (sizeof(T) == 4) {
        int32_t levels = *std::ranges::max_element(trees.levels.subspan(t, roots.size()));
        if (block == 1) {
          walk<0>(nodes, keys, places, lanes, levels);
        } else {
          start_rows(nodes, roots[0], keys, places, lanes);
          walk<kLaneBits>(nodes, keys, places, lanes, levels - kTop);
        }
      }
      add_leaves(trees, places, lanes, out, block == 1 ? 0 : trees.outputs);
    }
    finish_scores(trees, out, n * trees.outputs);
  });
}

template size_t trees_scratch<float>(size_t, size_t, size_t);
template size_t trees_scratch<double>(size_t, size_t, size_t);
template void run_trees(const Trees<float>&, const float*, size_t, size_t, double*, std::byte*, Parallel&);
template void run_trees(const Trees<double>&, const double*, size_t, size_t, double*, std::byte*, Parallel&);

}  // namespace kinglet::kernels
