#include <algorithm>
#include <cmath>

#include "ops/key_table.h"
#include "ops/tree_nodes.h"

namespace kinglet::ops {

namespace {

Result<NodeMode> mode_of(std::string_view name) {
  static constexpr std::string_view kNames[] = {"BRANCH_LEQ", "BRANCH_LT",  "BRANCH_GTE",    "BRANCH_GT",
                                                "BRANCH_EQ",  "BRANCH_NEQ", "BRANCH_MEMBER", "LEAF"};
  auto at = std::ranges::find(kNames, name);
  KL_REQUIRE(at != std::end(kNames) && name != "BRANCH_MEMBER", kInvalidGraph, "a node's mode is ", name);
  return static_cast<NodeMode>(at - kNames);
}

Status same_length(const char* name, size_t size, size_t n) {
  KL_REQUIRE(size == n, kInvalidGraph, name, " has ", size, " entries, not ", n);
  return {};
}

// Lists of integers that go side by side, `n` entries each.
Status same_length(const Attributes& attributes, std::initializer_list<const char*> names, size_t n) {
  for (const char* name : names) KL_TRY(same_length(name, attributes.get_ints(name).size(), n));
  return {};
}

// Names of the lists of votes.
struct VoteNames {
  const char *trees, *nodes, *targets, *weights, *weights_as_tensor;
};

// Nodes by (tree, id), for the older form.
class NodeIds {
 public:
  NodeIds(std::span<const int64_t> trees, std::span<const int64_t> ids) : trees_(trees), ids_(ids) {}
  bool is_at(size_t place, int64_t tree, int64_t id) const {
    return place < ids_.size() && trees_[place] == tree && ids_[place] == id;
  }
  // `near` is a place in the tree: most files list a tree's nodes by their ids.
  Result<int32_t> find(int64_t tree, int64_t id, size_t near) {
    if (near < ids_.size()) {
      size_t guess = near + static_cast<size_t>(id) - static_cast<size_t>(ids_[near]);
      if (is_at(guess, tree, id)) return static_cast<int32_t>(guess);
    }
    if (places_.empty()) sort_places();
    uint64_t key = hash(tree, id);
    for (auto at = first_of(places_, key); at != places_.end() && at->first == key; ++at) {
      if (is_at(static_cast<size_t>(at->second), tree, id)) return at->second;
    }
    return fail(Code::kInvalidGraph, "tree ", tree, " has no node ", id);
  }

 private:
  void sort_places() {
    for (size_t i = 0; i < ids_.size(); ++i)
      places_.emplace_back(hash(trees_[i], ids_[i]), static_cast<int32_t>(i));
    sort_keys(places_);
  }
  static uint64_t hash(int64_t tree, int64_t id) {
    const int64_t both[] = {tree, id};
    return hash_of({reinterpret_cast<const char*>(both), sizeof both});
  }
  std::span<const int64_t> trees_, ids_;
  KeyPlaces places_;
};

// Adds the root of each tree: its one node without a parent, wherever it is listed.
Status add_roots(std::span<const int64_t> trees, const std::vector<bool>& has_parent, Forest& f) {
  KeyPlaces nodes;
  for (size_t i = 0; i < trees.size(); ++i)
    nodes.emplace_back(static_cast<uint64_t>(trees[i]), static_cast<int32_t>(i));
  sort_keys(nodes);
  for (size_t i = 0; i < nodes.size();) {
    uint64_t tree = nodes[i].first;
    int32_t root = -1;
    bool several = false;
    for (; i < nodes.size() && nodes[i].first == tree; ++i) {
      if (has_parent[static_cast<size_t>(nodes[i].second)]) continue;
      several |= root >= 0;
      root = nodes[i].second;
    }
    KL_REQUIRE(root >= 0 && !several, kInvalidGraph, "tree ", static_cast<int64_t>(tree),
               several ? " has several nodes without a parent" : " has no root: a cycle");
    f.roots.push_back(root);
  }
  return {};
}

// The form of TreeEnsembleClassifier and -Regressor.
Result<Forest> read_numbered(const Attributes& a, const VoteNames& names, int64_t outputs) {
  auto trees = a.get_ints("nodes_treeids"), ids = a.get_ints("nodes_nodeids");
  auto features = a.get_ints("nodes_featureids");
  auto on_true = a.get_ints("nodes_truenodeids"), on_false = a.get_ints("nodes_falsenodeids");
  auto tracks = a.get_ints("nodes_missing_value_tracks_true");
  auto modes = a.get_strings("nodes_modes");
  size_t n = ids.size();
  KL_REQUIRE(n < kernels::kFeatureMask, kLimitExceeded, n, " tree nodes");
  KL_ASSIGN(std::vector<double> values, doubles_of(a, "nodes_values", "nodes_values_as_tensor"));
  KL_TRY(same_length(a, {"nodes_treeids", "nodes_featureids", "nodes_truenodeids", "nodes_falsenodeids"}, n));
  KL_TRY(same_length("nodes_modes", modes.size(), n));
  KL_TRY(same_length("nodes_values", values.size(), n));
  if (!tracks.empty()) KL_TRY(same_length("nodes_missing_value_tracks_true", tracks.size(), n));
  NodeIds find(trees, ids);
  Forest f;
  f.nodes.resize(n);
  std::vector<bool> has_parent(n);
  std::vector<int32_t> leaves;
  for (size_t i = 0; i < n; ++i) {
    TreeBranch& b = f.nodes[i];
    KL_ASSIGN(b.mode, mode_of(modes[i]));
    if (b.mode == NodeMode::kLeaf) {
      b.when_true = static_cast<int32_t>(leaves.size());
      leaves.push_back(static_cast<int32_t>(i));
      continue;
    }
    b.missing_is_true = !tracks.empty() && tracks[i] != 0;
    b.feature = features[i];
    b.value = values[i];
    KL_ASSIGN(b.when_true, find.find(trees[i], on_true[i], i));
    KL_ASSIGN(b.when_false, find.find(trees[i], on_false[i], i));
    has_parent[static_cast<size_t>(b.when_true)] = has_parent[static_cast<size_t>(b.when_false)] = true;
  }
  KL_TRY(add_roots(trees, has_parent, f));
  f.trees = trees;

  auto targets = a.get_ints(names.targets), leaf_trees = a.get_ints(names.trees),
       leaf_ids = a.get_ints(names.nodes);
  size_t votes = targets.size();
  KL_TRY(same_length(a, {names.trees, names.nodes}, votes));
  KL_ASSIGN(std::vector<double> weights, doubles_of(a, names.weights, names.weights_as_tensor));
  KL_TRY(same_length(names.weights, weights.size(), votes));
  // Votes in the order of their leaves; those of a branch are of no use.
  std::vector<int32_t> leaf_of(votes, -1);
  f.spans.assign(leaves.size() + 1, 0);
  int32_t node = leaves.empty() ? 0 : leaves[0];
  size_t next_leaf = 0;
  for (size_t i = 0; i < votes; ++i) {
    KL_REQUIRE(targets[i] >= 0 && targets[i] < outputs, kInvalidGraph, names.targets, " has ", targets[i],
               " of ", outputs);
    // A leaf's votes follow one another, and leaves their order.
    if (!find.is_at(static_cast<size_t>(node), leaf_trees[i], leaf_ids[i])) {
      size_t near = next_leaf < leaves.size() ? static_cast<size_t>(leaves[next_leaf]) : 0;
      KL_ASSIGN(node, find.find(leaf_trees[i], leaf_ids[i], near));
    }
    const TreeBranch& b = f.nodes[static_cast<size_t>(node)];
    if (b.mode != NodeMode::kLeaf) continue;
    next_leaf = static_cast<size_t>(b.when_true) + 1;
    leaf_of[i] = b.when_true;
    ++f.spans[static_cast<size_t>(b.when_true) + 1];
  }
  for (size_t i = 1; i < f.spans.size(); ++i) f.spans[i] += f.spans[i - 1];
  std::vector<int32_t> next = f.spans;
  f.targets.resize(static_cast<size_t>(f.spans.back()));
  f.weights.resize(f.targets.size());
  for (size_t i = 0; i < votes; ++i) {
    if (leaf_of[i] < 0) continue;
    auto at = static_cast<size_t>(next[static_cast<size_t>(leaf_of[i])]++);
    f.targets[at] = static_cast<int32_t>(targets[i]);
    f.weights[at] = weights[i];
  }
  return f;
}

// A set membership becomes a chain of comparisons; `set` is what remains of the list, up to its NaN.
void expand_member(Forest& f, size_t i, std::span<const double>* sets) {
  TreeBranch branch = f.nodes[i];
  branch.mode = NodeMode::kEq;
  size_t count = 0;
  while (count < sets->size() && !std::isnan((*sets)[count])) ++count;
  size_t at = i;
  for (size_t k = 0; k < count; ++k) {
    branch.value = (*sets)[k];
    f.nodes[at] = branch;
    if (k + 1 == count) break;
    f.nodes[at].when_false = static_cast<int32_t>(f.nodes.size());
    at = f.nodes.size();
    f.nodes.push_back(branch);
  }
  if (count == 0) f.nodes[i].mode = NodeMode::kEq, f.nodes[i].value = std::nan("");
  *sets = sets->subspan(std::min(sets->size(), count + 1));
}

// The form of TreeEnsemble: leaves are apart from the branches.
Result<Forest> read_indexed(const Attributes& a, int64_t outputs) {
  auto features = a.get_ints("nodes_featureids"), tracks = a.get_ints("nodes_missing_value_tracks_true");
  auto on_true = a.get_ints("nodes_truenodeids"), on_false = a.get_ints("nodes_falsenodeids");
  auto true_leaf = a.get_ints("nodes_trueleafs"), false_leaf = a.get_ints("nodes_falseleafs");
  auto targets = a.get_ints("leaf_targetids"), roots = a.get_ints("tree_roots");
  size_t n = features.size();
  KL_TRY(
      same_length(a, {"nodes_truenodeids", "nodes_falsenodeids", "nodes_trueleafs", "nodes_falseleafs"}, n));
  const Tensor *modes = a.get_tensor("nodes_modes"), *splits = a.get_tensor("nodes_splits");
  const Tensor *weights = a.get_tensor("leaf_weights"), *members = a.get_tensor("membership_values");
  for (const Tensor* t : {splits, weights, members}) {
    KL_REQUIRE(t == nullptr || dtype_kind(t->dtype()) == 'f', kInvalidGraph,
               "splits, weights and members are floats");
  }
  auto count = [](const Tensor* t) { return t == nullptr ? 0 : static_cast<size_t>(t->count()); };
  KL_REQUIRE(modes->dtype() == DType::kUInt8, kInvalidGraph, "nodes_modes is ", modes->dtype());
  KL_TRY(same_length("nodes_modes", count(modes), n));
  KL_TRY(same_length("nodes_splits", count(splits), n));
  if (!tracks.empty()) KL_TRY(same_length("nodes_missing_value_tracks_true", tracks.size(), n));
  size_t leaves = targets.size();
  KL_TRY(same_length("leaf_weights", count(weights), leaves));
  KL_REQUIRE(n + leaves + count(members) < kernels::kFeatureMask, kLimitExceeded, n, " tree nodes");
  std::vector<double> sets;
  for (size_t i = 0; i < count(members); ++i) sets.push_back(members->number(static_cast<int64_t>(i)));
  std::span<const double> rest = sets;

  Forest f;
  f.nodes.resize(n + leaves);
  auto child = [&](int64_t is_leaf, int64_t id) -> Result<int32_t> {
    int64_t limit = static_cast<int64_t>(is_leaf != 0 ? leaves : n);
    KL_REQUIRE(id >= 0 && id < limit, kInvalidGraph, "a branch points to ", is_leaf != 0 ? "leaf " : "node ",
               id, " of ", limit);
    return static_cast<int32_t>(is_leaf != 0 ? id + static_cast<int64_t>(n) : id);
  };
  for (size_t i = 0; i < n; ++i) {
    TreeBranch b;
    uint8_t mode = modes->data<uint8_t>()[i];
    KL_REQUIRE(mode < static_cast<uint8_t>(NodeMode::kLeaf), kInvalidGraph, "a node's mode is ", mode);
    b.mode = static_cast<NodeMode>(mode);
    b.missing_is_true = !tracks.empty() && tracks[i] != 0;
    b.feature = features[i];
    b.value = splits->number(static_cast<int64_t>(i));
    KL_ASSIGN(b.when_true, child(true_leaf[i], on_true[i]));
    KL_ASSIGN(b.when_false, child(false_leaf[i], on_false[i]));
    f.nodes[i] = b;
    if (b.mode == NodeMode::kMember) expand_member(f, i, &rest);
  }
  for (size_t l = 0; l < leaves; ++l) {
    KL_REQUIRE(targets[l] >= 0 && targets[l] < outputs, kInvalidGraph, "leaf_targetids has ", targets[l],
               " of ", outputs);
    f.nodes[n + l].when_true = static_cast<int32_t>(l);
    f.targets.push_back(static_cast<int32_t>(targets[l]));
    f.weights.push_back(weights->number(static_cast<int64_t>(l)));
    f.spans.push_back(static_cast<int32_t>(l) + 1);
  }
  for (int64_t r : roots) {
    KL_ASSIGN(int32_t root, child(0, r));
    f.roots.push_back(root);
  }
  return f;
}

Result<ValueId> regression(Expansion& e, const Forest& forest, int64_t outputs, int64_t aggregate) {
  KL_REQUIRE(aggregate >= 0 && aggregate <= 3, kInvalidGraph, "the aggregate function is unknown");
  bool narrow = e.c.dtype(0) == DType::kFloat32 || e.c.dtype(0) == DType::kFloat16;
  ValueId scores = add_trees(e, forest, outputs, static_cast<kernels::Aggregate>(aggregate), narrow);
  KL_ASSIGN(std::vector<double> base, doubles_of(e.attributes(), "base_values", "base_values_as_tensor"));
  // Scores without a leaf are -0.
  if (base.empty()) base.assign(1, 0.0);
  if (base.size() != 1) e.expect("base_values", static_cast<int64_t>(base.size()), outputs);
  scores = e.op("Add", {scores, e.doubles(base)});
  return e.attributes().has("post_transform") ? transformed(e, scores, outputs) : scores;
}

Status expand_regressor(ExpandContext& c) {
  static constexpr std::string_view kAggregates[] = {"AVERAGE", "SUM", "MIN", "MAX"};
  static constexpr VoteNames kNames = {"target_treeids", "target_nodeids", "target_ids", "target_weights",
                                       "target_weights_as_tensor"};
  Expansion e(c);
  int64_t outputs = c.attributes().get_int("n_targets", 1);
  auto at = std::ranges::find(kAggregates, c.attributes().get_string("aggregate_function", "SUM"));
  KL_ASSIGN(Forest forest, read_numbered(c.attributes(), kNames, outputs));
  KL_ASSIGN(ValueId out, regression(e, forest, outputs, at - kAggregates));
  return e.finish(e.cast(out, DType::kFloat32));
}

Status expand_ensemble(ExpandContext& c) {
  Expansion e(c);
  int64_t outputs = c.attributes().get_int("n_targets", 1);
  KL_ASSIGN(Forest forest, read_indexed(c.attributes(), outputs));
  KL_ASSIGN(ValueId out, regression(e, forest, outputs, c.attributes().get_int("aggregate_function", 1)));
  return e.finish(e.op("CastLike", {out, c.input(0)}));
}

Status expand_classifier(ExpandContext& c) {
  static constexpr VoteNames kNames = {"class_treeids", "class_nodeids", "class_ids", "class_weights",
                                       "class_weights_as_tensor"};
  Expansion e(c);
  const Attributes& a = c.attributes();
  KL_ASSIGN(Tensor labels, labels_of(a, "classlabels_int64s"));
  KL_ASSIGN(Forest forest, read_numbered(a, kNames, labels.count()));
  KL_ASSIGN(std::vector<double> base, doubles_of(a, "base_values", "base_values_as_tensor"));
  auto ids = a.get_ints("class_ids");
  bool one_class = labels.count() == 2 && !ids.empty() && std::ranges::count(ids, ids[0]) == std::ssize(ids);
  bool all_positive = std::ranges::all_of(forest.weights, [](double w) { return w >= 0; });
  ValueId scores =
      add_trees(e, forest, labels.count(), kernels::Aggregate::kSum, c.dtype(0) == DType::kFloat32);
  add_classes(e, scores, labels, one_class ? ClassRule::kOneTreeClass : ClassRule::kLargestTrees,
              all_positive, base);
  return e.finish();
}

#define KL_NODES                                                                            \
  "nodes_falsenodeids:is nodes_featureids:is nodes_hitrates:fs nodes_hitrates_as_tensor:t " \
  "nodes_missing_value_tracks_true:is nodes_modes:ss nodes_nodeids:is nodes_treeids:is "    \
  "nodes_truenodeids:is "                                                                   \
  "nodes_values:fs nodes_values_as_tensor:t base_values:fs base_values_as_tensor:t post_transform:s='NONE' "

constexpr OpDef kTreeEnsemble[] = {
    {.domain = kOnnxMl,
     .name = "TreeEnsemble",
     .signature =
         "X:T -> Y:T | T=float16,float32,float64 | aggregate_function:i=1 leaf_targetids:is! "
         "leaf_weights:t! membership_values:t n_targets:i=1 nodes_falseleafs:is! nodes_falsenodeids:is! "
         "nodes_featureids:is! nodes_hitrates:t nodes_missing_value_tracks_true:is nodes_modes:t! "
         "nodes_splits:t! nodes_trueleafs:is! nodes_truenodeids:is! post_transform:i=0 tree_roots:is!",
     .expand = expand_ensemble},
    {.domain = kOnnxMl,
     .name = "TreeEnsembleClassifier",
     .signature = "X:float32,float64,int64,int32 -> Y:string,int64 Z:float32 | | " KL_NODES
                  "class_ids:is class_nodeids:is class_treeids:is class_weights:fs class_weights_as_tensor:t "
                  "classlabels_int64s:is classlabels_strings:ss",
     .expand = expand_classifier},
    {.domain = kOnnxMl,
     .name = "TreeEnsembleRegressor",
     .signature = "X:float32,float64,int64,int32 -> Y:float32 | | " KL_NODES
                  "aggregate_function:s='SUM' n_targets:i target_ids:is target_nodeids:is target_treeids:is "
                  "target_weights:fs target_weights_as_tensor:t",
     .expand = expand_regressor},
};
#undef KL_NODES

}  // namespace

std::span<const OpDef> tree_ensemble() { return kTreeEnsemble; }

}  // namespace kinglet::ops
