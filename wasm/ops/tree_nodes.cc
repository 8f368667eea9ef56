#include "ops/tree_nodes.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace kinglet {

namespace {

// The order in which nodes follow all their parents: position of each node, -1 for those out of reach.
Result<std::vector<int32_t>> sort_nodes(const Forest& f, size_t* reached) {
  constexpr int32_t kUnseen = -1, kOpen = -2;
  std::vector<int32_t> place(f.nodes.size(), kUnseen), stack;
  int32_t finished = 0;
  // Depth first; a node is numbered when its children are, so numbers count from the end. The last child
  // is visited first, which puts a branch next to its true side.
  for (size_t r = f.roots.size(); r-- > 0;) {
    stack.push_back(f.roots[r]);
    while (!stack.empty()) {
      int32_t id = stack.back();
      int32_t& mine = place[static_cast<size_t>(id)];
      const TreeBranch& node = f.nodes[static_cast<size_t>(id)];
      if (mine >= 0) {
        stack.pop_back();
      } else if (mine == kOpen || node.mode == NodeMode::kLeaf) {
        mine = finished++;
        stack.pop_back();
      } else {
        mine = kOpen;
        for (int32_t child : {node.when_true, node.when_false}) {
          KL_REQUIRE(place[static_cast<size_t>(child)] != kOpen, kInvalidGraph, "a tree has a cycle at node ",
                     child);
          if (place[static_cast<size_t>(child)] == kUnseen) stack.push_back(child);
        }
      }
    }
  }
  for (int32_t& p : place) p = p < 0 ? -1 : finished - 1 - p;
  *reached = static_cast<size_t>(finished);
  return place;
}

// The largest T that is at most `value`, or below it.
template <class T>
T at_most(double value, bool below) {
  T t = static_cast<T>(value);
  if (static_cast<double>(t) > value || (below && static_cast<double>(t) == value))
    t = std::nextafter(t, -std::numeric_limits<T>::infinity());
  return t;
}

// A branch as a comparison "value <= x" or "value == x"; children are places already.
template <class T>
kernels::TreeNode<T> branch_node(const TreeBranch& b, int32_t when_true, int32_t when_false) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  NodeMode mode = b.mode;
  bool nan_is_true = b.missing_is_true || mode == NodeMode::kNeq;
  bool swapped = mode == NodeMode::kGt || mode == NodeMode::kGte || mode == NodeMode::kNeq;
  bool equal = mode == NodeMode::kEq || mode == NodeMode::kNeq;
  bool strict = mode == NodeMode::kLt || mode == NodeMode::kGte;
  kernels::TreeNode<T> node{};
  node.feature = static_cast<int32_t>(b.feature);
  // No number satisfies the comparison before the swap.
  bool never = equal ? static_cast<double>(static_cast<T>(b.value)) != b.value
                     : std::isnan(b.value) || (strict && b.value == -kInfinity);
  if (never) {
    // Against a NaN the swapped ordered comparisons fail as well.
    bool all_true = swapped && !(std::isnan(b.value) && !equal);
    node.value = std::numeric_limits<T>::infinity();
    node.next[0] = all_true ? when_true : when_false;
    node.next[1] = nan_is_true ? when_true : when_false;
    return node;
  }
  node.value = equal ? static_cast<T>(b.value) : at_most<T>(b.value, strict);
  node.next[0] = swapped ? when_false : when_true;
  node.next[1] = swapped ? when_true : when_false;
  if (equal) node.feature |= kernels::kEqualNode;
  if (nan_is_true != swapped) node.feature |= kernels::kNanFirst;
  return node;
}

template <class T>
Result<Tensor> packed_nodes(const Forest& f, std::span<const int32_t> place, size_t count) {
  constexpr int64_t kWords = sizeof(kernels::TreeNode<T>) / 4;
  KL_ASSIGN(Tensor out, Tensor::allocate(DType::kInt32, {static_cast<int64_t>(count), kWords}));
  auto* nodes = out.data<kernels::TreeNode<T>>();
  for (size_t i = 0; i < f.nodes.size(); ++i) {
    if (place[i] < 0) continue;
    const TreeBranch& b = f.nodes[i];
    kernels::TreeNode<T>& node = nodes[place[i]];
    if (b.mode == NodeMode::kLeaf) {
      std::memcpy(&node.value, &b.when_true, sizeof b.when_true);
      node.next[0] = node.next[1] = place[i];
    } else {
      node = branch_node<T>(b, place[static_cast<size_t>(b.when_true)],
                            place[static_cast<size_t>(b.when_false)]);
    }
  }
  return out;
}

Result<Tensor> list(std::span<const int32_t> values) {
  return Tensor::of<int32_t>({static_cast<int64_t>(values.size())}, values);
}

// Indices that kernels rely on are checked when a step is made; what is checked here makes the order.
Result<Tensor> sorted_nodes(const Forest& f, bool narrow, std::vector<int32_t>* roots) {
  KL_REQUIRE(f.nodes.size() < kernels::kFeatureMask, kLimitExceeded, f.nodes.size(), " tree nodes");
  for (const TreeBranch& b : f.nodes) {
    KL_REQUIRE(b.feature >= 0 && b.feature < kernels::kFeatureMask, kInvalidGraph, "a tree asks for feature ",
               b.feature);
  }
  size_t reached = 0;
  KL_ASSIGN(std::vector<int32_t> place, sort_nodes(f, &reached));
  for (size_t i = 0; i < f.trees.size(); ++i)
    KL_REQUIRE(place[i] >= 0, kInvalidGraph, "tree ", f.trees[i],
               " has a cycle that its root does not reach");
  for (int32_t r : f.roots) roots->push_back(place[static_cast<size_t>(r)]);
  return narrow ? packed_nodes<float>(f, place, reached) : packed_nodes<double>(f, place, reached);
}

}  // namespace

ValueId add_trees(Expansion& e, const Forest& forest, int64_t outputs, kernels::Aggregate aggregate,
                  bool narrow) {
  std::vector<int32_t> roots;
  ValueId nodes = e.constant(sorted_nodes(forest, narrow, &roots));
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
  bool plain = false;
};

template <class T>
kernels::Trees<T> trees_of(const Params& p) {
  return {{p.nodes.data<kernels::TreeNode<T>>(), static_cast<size_t>(p.nodes.shape()[0])},
          p.roots.values<int32_t>(),
          p.spans.values<int32_t>(),
          p.targets.values<int32_t>(),
          p.weights.values<double>(),
          p.outputs,
          p.aggregate,
          p.plain};
}

Status run(const Params& p, Run& run) {
  const Tensor &x = run.in(0), &out = run.out(0);
  auto rows = static_cast<size_t>(x.shape()[0]), columns = static_cast<size_t>(x.shape()[1]);
  if (x.dtype() == DType::kFloat32)
    kernels::run_trees(trees_of<float>(p), x.data<float>(), rows, columns, out.data<double>(),
                       run.parallel());
  else
    kernels::run_trees(trees_of<double>(p), x.data<double>(), rows, columns, out.data<double>(),
                       run.parallel());
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
  auto words =
      static_cast<int64_t>(narrow ? sizeof(kernels::TreeNode<float>) : sizeof(kernels::TreeNode<double>)) / 4;
  int64_t aggregate = c.attributes().get_int("aggregate");
  KL_REQUIRE(aggregate >= 0 && aggregate <= 3, kInvalidGraph, "aggregate is ", aggregate);
  for (int i = 1; i < 6; ++i) {
    KL_REQUIRE(c.constant(i) != nullptr, kUnsupportedFeature, "input ", i, " must be constant");
    KL_REQUIRE(c.rank(i) == (i == 1 ? 2 : 1), kInvalidShape, "input ", i, " has shape ", c.shape(i));
  }
  KL_REQUIRE(c.shape(1)[1] == words, kInvalidShape, "nodes have shape ", c.shape(1));
  Params p{*c.constant(1),
           *c.constant(2),
           *c.constant(3),
           *c.constant(4),
           *c.constant(5),
           static_cast<size_t>(c.attributes().get_int("outputs")),
           static_cast<kernels::Aggregate>(aggregate)};
  p.plain = narrow ? kernels::plain_nodes(trees_of<float>(p).nodes)
                   : kernels::plain_nodes(trees_of<double>(p).nodes);
  auto columns = static_cast<size_t>(c.shape(0)[1]);
  bool valid = narrow ? kernels::valid_trees(trees_of<float>(p), columns)
                      : kernels::valid_trees(trees_of<double>(p), columns);
  KL_REQUIRE(valid, kInvalidShape, "the trees do not fit ", columns, " features");
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
