#include "ops/tree_nodes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace kinglet {

namespace {

// Numbers of the pairs in which the children of a node lie, and of those that have a root beside itself.
struct Layout {
  std::vector<int32_t> children, roots;  // -1: none
  int32_t pairs = 0;
};

// Pairs follow all parents of what lies in them; otherwise a tree has its upper levels first.
Result<Layout> lay_out(const Forest& f) {
  constexpr int32_t kRoot = -2;
  size_t n = f.nodes.size();
  Layout out{std::vector<int32_t>(n, -1), std::vector<int32_t>(n, -1)};
  // Parents that have not come yet, of those that a root reaches.
  std::vector<int32_t> parents(n), queue;
  auto children = [&](int32_t id) -> std::array<int32_t, 2> {
    const TreeBranch& b = f.nodes[static_cast<size_t>(id)];
    if (b.mode == NodeMode::kLeaf) return {-1, -1};
    return {b.when_true, b.when_false};
  };
  for (int32_t root : f.roots) {
    if (std::exchange(out.roots[static_cast<size_t>(root)], kRoot) == -1) queue.push_back(root);
  }
  for (size_t i = 0; i < queue.size(); ++i) {
    for (int32_t child : children(queue[i])) {
      if (child < 0) continue;
      auto c = static_cast<size_t>(child);
      if (parents[c]++ == 0 && out.roots[c] != kRoot) queue.push_back(child);
    }
  }
  for (size_t i = 0; i < f.trees.size(); ++i)
    KL_REQUIRE(parents[i] > 0 || out.roots[i] == kRoot, kInvalidGraph, "tree ", f.trees[i],
               " has a cycle that its root does not reach");
  size_t reached = queue.size(), at = 0;
  queue.clear();
  for (int32_t root : f.roots) {
    if (parents[static_cast<size_t>(root)] > 0 || out.roots[static_cast<size_t>(root)] != kRoot) continue;
    queue.push_back(root);
    for (; at < queue.size(); ++at) {
      int32_t id = queue[at], &alone = out.roots[static_cast<size_t>(id)];
      if (alone == kRoot) alone = out.pairs++;
      for (int32_t child : children(id)) {
        if (child < 0) continue;
        out.children[static_cast<size_t>(id)] = out.pairs;
        if (--parents[static_cast<size_t>(child)] == 0) queue.push_back(child);
      }
      if (out.children[static_cast<size_t>(id)] >= 0) ++out.pairs;
    }
  }
  KL_REQUIRE(queue.size() == reached, kInvalidGraph, "a tree has a cycle at node ",
             std::ranges::find_if(parents, [](int32_t p) { return p > 0; }) - parents.begin());
  return out;
}

// The largest T that is at most `value`, or below it.
template <class T>
T at_most(double value, bool below) {
  T t = static_cast<T>(value);
  if (static_cast<double>(t) > value || (below && static_cast<double>(t) == value))
    t = std::nextafter(t, -std::numeric_limits<T>::infinity());
  return t;
}

// A branch as a comparison "x <= value" or "x == value", with its children in order.
template <class T>
struct Comparison {
  kernels::TreeNode<T> node;
  int32_t children[2];
};

template <class T>
Comparison<T> comparison_of(const TreeBranch& b) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  NodeMode mode = b.mode;
  bool nan_is_true = b.missing_is_true || mode == NodeMode::kNeq;
  bool swapped = mode == NodeMode::kGt || mode == NodeMode::kGte || mode == NodeMode::kNeq;
  bool equal = mode == NodeMode::kEq || mode == NodeMode::kNeq;
  bool strict = mode == NodeMode::kLt || mode == NodeMode::kGte;
  Comparison<T> c{{0, static_cast<int32_t>(b.feature), 0}, {b.when_true, b.when_false}};
  // No number satisfies the comparison before the swap.
  bool never = equal ? static_cast<double>(static_cast<T>(b.value)) != b.value
                     : std::isnan(b.value) || (strict && b.value == -kInfinity);
  if (never) {
    // Against a NaN the swapped ordered comparisons fail as well.
    bool all_true = swapped && !(std::isnan(b.value) && !equal);
    c.node.value = kernels::key_of(std::numeric_limits<T>::infinity());
    c.children[0] = all_true ? b.when_true : b.when_false;
    c.children[1] = nan_is_true ? b.when_true : b.when_false;
    return c;
  }
  c.node.value = kernels::key_of(equal ? static_cast<T>(b.value) : at_most<T>(b.value, strict));
  if (swapped) std::swap(c.children[0], c.children[1]);
  if (equal) c.node.feature |= kernels::kEqualNode;
  if (nan_is_true != swapped) c.node.feature |= kernels::kNanFirst;
  return c;
}

template <class T>
Result<Tensor> packed_nodes(const Forest& f, const Layout& layout) {
  constexpr int32_t kBytes = kernels::kPairBytes<T>;
  KL_REQUIRE(layout.pairs < std::numeric_limits<int32_t>::max() / kBytes, kLimitExceeded, layout.pairs,
             " tree nodes");
  KL_ASSIGN(Tensor out, Tensor::allocate(DType::kInt32, {layout.pairs, kBytes / 4}));
  auto store = [&](int32_t id, int32_t pair, size_t side) {
    auto i = static_cast<size_t>(id);
    const TreeBranch& b = f.nodes[i];
    int32_t place = pair * kBytes + static_cast<int32_t>(side * sizeof(T));
    auto node = kernels::leaf_node<T>(b.when_true, place);
    if (b.mode != NodeMode::kLeaf) {
      node = comparison_of<T>(b).node;
      node.child = layout.children[i] * kBytes;
    }
    kernels::store_node(out.data() + place, node);
  };
  for (size_t i = 0; i < f.nodes.size(); ++i) {
    for (size_t side : {0, 1}) {
      if (layout.roots[i] >= 0) store(static_cast<int32_t>(i), layout.roots[i], side);
      if (layout.children[i] >= 0)
        store(comparison_of<T>(f.nodes[i]).children[side], layout.children[i], side);
    }
  }
  return out;
}

Result<Tensor> list(std::span<const int32_t> values) {
  return Tensor::of<int32_t>({static_cast<int64_t>(values.size())}, values);
}

// Indices that kernels rely on are checked when a step is made; what is checked here makes the order.
Result<Tensor> laid_out_nodes(const Forest& f, bool narrow, std::vector<int32_t>* roots) {
  KL_REQUIRE(f.nodes.size() < kernels::kFeatureMask, kLimitExceeded, f.nodes.size(), " tree nodes");
  for (const TreeBranch& b : f.nodes) {
    KL_REQUIRE(b.feature >= 0 && b.feature < kernels::kFeatureMask, kInvalidGraph, "a tree asks for feature ",
               b.feature);
  }
  KL_ASSIGN(Layout layout, lay_out(f));
  auto bytes = static_cast<int32_t>(narrow ? kernels::kPairBytes<float> : kernels::kPairBytes<double>);
  KL_ASSIGN(Tensor nodes, narrow ? packed_nodes<float>(f, layout) : packed_nodes<double>(f, layout));
  for (int32_t r : f.roots) roots->push_back(layout.roots[static_cast<size_t>(r)] * bytes);
  return nodes;
}

}  // namespace

ValueId add_trees(Expansion& e, const Forest& forest, int64_t outputs, kernels::Aggregate aggregate,
                  bool narrow) {
  std::vector<int32_t> roots;
  ValueId nodes = e.constant(laid_out_nodes(forest, narrow, &roots));
  Attributes attributes;
  attributes.set("outputs", outputs);
  attributes.set("aggregate", static_cast<int64_t>(aggregate));
  return e.c.op("Trees",
                {e.matrix(narrow ? DType::kFloat32 : DType::kFloat64), nodes, e.constant(list(roots)),
                 e.constant(list(forest.spans)), e.constant(list(forest.targets)), e.doubles(forest.weights)},
                std::move(attributes), kKinglet);
}

namespace ops {

namespace {

struct Params {
  Tensor nodes, roots, spans, targets, weights;
  size_t outputs;
  kernels::Aggregate aggregate;
  std::vector<int32_t> levels{};
  bool ordered = false, nan_first = false;
  size_t votes = 0;
};

template <class T>
kernels::Trees<T> trees_of(const Params& p) {
  return {{p.nodes.data(), p.nodes.bytes()},
          p.roots.values<int32_t>(),
          p.levels,
          p.spans.values<int32_t>(),
          p.targets.values<int32_t>(),
          p.weights.values<double>(),
          p.outputs,
          p.aggregate,
          p.ordered,
          p.nan_first,
          p.votes};
}

template <class T>
bool prepare(Params& p, size_t columns) {
  auto trees = trees_of<T>(p);
  std::vector<int32_t> levels(trees.nodes.size() / kernels::kPairBytes<T>);
  if (!kernels::prepare_trees(trees, columns, std::span(levels))) return false;
  for (int32_t root : trees.roots)
    p.levels.push_back(levels[static_cast<size_t>(root) / kernels::kPairBytes<T>]);
  p.ordered = trees.ordered;
  p.nan_first = trees.nan_first;
  p.votes = trees.votes;
  return true;
}

Status run(const Params& p, Run& run) {
  const Tensor &x = run.in(0), &out = run.out(0);
  auto rows = static_cast<size_t>(x.shape()[0]), columns = static_cast<size_t>(x.shape()[1]);
  if (x.dtype() == DType::kFloat32)
    kernels::run_trees(trees_of<float>(p), x.data<float>(), rows, columns, out.data<double>(), run.scratch(),
                       run.parallel());
  else
    kernels::run_trees(trees_of<double>(p), x.data<double>(), rows, columns, out.data<double>(),
                       run.scratch(), run.parallel());
  return {};
}

Status infer(InferContext& c) {
  KL_REQUIRE(c.rank(0) == 2, kInvalidShape, "X has shape ", c.shape(0), ", not two dimensions");
  int64_t outputs = c.attributes().get_int("outputs");
  KL_REQUIRE(outputs > 0 && outputs < std::numeric_limits<int32_t>::max(), kInvalidGraph, outputs,
             " outputs");
  c.output(0, DType::kFloat64, {c.shape(0)[0], outputs});
  return {};
}

Status lower(LowerContext& c) {
  bool narrow = c.dtype(0) == DType::kFloat32;
  int64_t aggregate = c.attributes().get_int("aggregate");
  KL_REQUIRE(aggregate >= 0 && aggregate <= 3, kInvalidGraph, "aggregate is ", aggregate);
  for (int i = 1; i < 6; ++i) {
    KL_REQUIRE(c.constant(i) != nullptr, kUnsupportedFeature, "input ", i, " must be constant");
    KL_REQUIRE(c.rank(i) == (i == 1 ? 2 : 1), kInvalidShape, "input ", i, " has shape ", c.shape(i));
  }
  Params p{*c.constant(1),
           *c.constant(2),
           *c.constant(3),
           *c.constant(4),
           *c.constant(5),
           static_cast<size_t>(c.attributes().get_int("outputs")),
           static_cast<kernels::Aggregate>(aggregate)};
  auto columns = static_cast<size_t>(c.shape(0)[1]);
  bool valid = narrow ? prepare<float>(p, columns) : prepare<double>(p, columns);
  KL_REQUIRE(valid, kInvalidShape, "the trees do not fit ", columns, " features");
  auto rows = static_cast<size_t>(c.shape(0)[0]), threads = static_cast<size_t>(c.threads());
  KL_REQUIRE(columns <= kernels::kFeatureMask / threads, kLimitExceeded, columns, " features");
  c.scratch(narrow ? kernels::trees_scratch<float>(rows, columns, threads)
                   : kernels::trees_scratch<double>(rows, columns, threads));
  c.step<run>(narrow ? "trees/float32" : "trees/float64", std::move(p));
  return {};
}

}  // namespace

extern const OpDef tree_nodes{.domain = kKinglet,
                              .name = "Trees",
                              .signature =
                                  "X:float32,float64 nodes:int32 roots:int32 spans:int32 targets:int32 "
                                  "weights:float64 -> scores:float64 | | outputs:i! aggregate:i=1",
                              .infer = infer,
                              .lower = lower};

}  // namespace ops
}  // namespace kinglet
