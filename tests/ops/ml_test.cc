#include <doctest/doctest.h>

#include "kernels/tree/tree.h"
#include "support/evaluate_op.h"

using namespace kinglet;
using namespace kinglet::testing;

namespace {

using Ints = std::vector<int64_t>;
using Floats = std::vector<float>;
using Strings = std::vector<std::string>;

// Two trees: x0 <= 1 ? 10 : (x1 > 2 ? 20 : 30), and a single leaf of 1.
Attributes two_trees() {
  return attributes({
      {"nodes_treeids", Ints{5, 5, 5, 5, 5, 8}},
      {"nodes_nodeids", Ints{0, 1, 2, 3, 4, 0}},
      {"nodes_featureids", Ints{0, 0, 1, 0, 0, 0}},
      {"nodes_values", Floats{1, 0, 2, 0, 0, 0}},
      {"nodes_modes", Strings{"BRANCH_LEQ", "LEAF", "BRANCH_GT", "LEAF", "LEAF", "LEAF"}},
      {"nodes_truenodeids", Ints{1, 0, 3, 0, 0, 0}},
      {"nodes_falsenodeids", Ints{2, 0, 4, 0, 0, 0}},
      {"target_treeids", Ints{5, 5, 5, 8}},
      {"target_nodeids", Ints{1, 3, 4, 0}},
      {"target_ids", Ints{0, 0, 0, 0}},
      {"target_weights", Floats{10, 20, 30, 1}},
      {"n_targets", int64_t{1}},
  });
}

Tensor sample() { return floats({3, 2}, {0, 0, 2, 3, 2, 1}); }

Status run_trees(const Attributes& a, std::vector<Tensor>* out) {
  return try_op("TreeEnsembleRegressor", {sample()}, out, a, "ai.onnx.ml");
}

// The code of the failure after one attribute was replaced; kInternal when there was none.
Code damaged(Attribute a) {
  Attributes list = two_trees();
  list.set(a.name, a.value);
  std::vector<Tensor> out;
  Status s = run_trees(list, &out);
  return s.ok() ? Code::kInternal : s.code();
}

}  // namespace

TEST_CASE("trees are walked") {
  std::vector<Tensor> out;
  require_ok(run_trees(two_trees(), &out));
  CHECK(numbers(out[0]) == std::vector<double>{11, 21, 31});
}

TEST_CASE("trees: a node may have several parents, but no cycle") {
  // x0 <= 1 ? 10 : (x1 > 2 ? 20 : (x0 > 5 ? 30 : 10))
  Attributes a = two_trees();
  a.set("nodes_modes", Strings{"BRANCH_LEQ", "LEAF", "BRANCH_GT", "LEAF", "BRANCH_GT", "LEAF"});
  a.set("nodes_treeids", Ints{5, 5, 5, 5, 5, 5});
  a.set("nodes_nodeids", Ints{0, 1, 2, 3, 4, 5});
  a.set("nodes_values", Floats{1, 0, 2, 0, 5, 0});
  a.set("nodes_truenodeids", Ints{1, 0, 3, 0, 5, 0});
  a.set("nodes_falsenodeids", Ints{2, 0, 4, 0, 1, 0});
  a.set("target_treeids", Ints{5, 5, 5, 5});
  a.set("target_nodeids", Ints{1, 3, 5, 4});
  std::vector<Tensor> out;
  require_ok(run_trees(a, &out));
  CHECK(numbers(out[0]) == std::vector<double>{10, 20, 10});
  CHECK(damaged({"nodes_falsenodeids", Ints{2, 0, 2, 0, 0, 0}}) == Code::kInvalidGraph);
}

TEST_CASE("trees: nodes are listed in any order, and each tree has one root") {
  auto shuffled = [](const auto& list, std::span<const size_t> order) {
    auto out = list;
    for (size_t i = 0; i < list.size(); ++i) out[i] = list[order[i]];
    return out;
  };
  const Attributes listed = two_trees();
  std::vector<size_t> order{0, 1, 2, 3, 4, 5};
  do {
    Attributes a = listed;
    for (const char* name :
         {"nodes_treeids", "nodes_nodeids", "nodes_featureids", "nodes_truenodeids", "nodes_falsenodeids"}) {
      auto ints = listed.get_ints(name);
      a.set(name, shuffled(Ints(ints.begin(), ints.end()), order));
    }
    a.set("nodes_values", shuffled(Floats{1, 0, 2, 0, 0, 0}, order));
    a.set("nodes_modes", shuffled(Strings{"BRANCH_LEQ", "LEAF", "BRANCH_GT", "LEAF", "LEAF", "LEAF"}, order));
    std::vector<Tensor> out;
    require_ok(run_trees(a, &out));
    REQUIRE(numbers(out[0]) == std::vector<double>{11, 21, 31});
  } while (std::ranges::next_permutation(order).found);

  auto failure = [](Attribute changed) {
    Attributes a = two_trees();
    a.set(changed.name, changed.value);
    std::vector<Tensor> out;
    Status s = run_trees(a, &out);
    REQUIRE_FALSE(s.ok());
    CHECK(s.code() == Code::kInvalidGraph);
    return s.detail();
  };
  // A child that is the first node leaves another without a parent, which must not become the root.
  CHECK(damaged({"nodes_falsenodeids", Ints{2, 0, 0, 0, 0, 0}}) == Code::kInvalidGraph);
  CHECK(failure({"nodes_falsenodeids", Ints{2, 0, 0, 0, 0, 0}}).starts_with("tree 5 has a cycle"));
  CHECK(failure({"nodes_falsenodeids", Ints{2, 0, 1, 0, 0, 0}}) ==
        "tree 5 has several nodes without a parent");
  CHECK(failure({"nodes_modes", Strings{"BRANCH_LEQ", "LEAF", "BRANCH_GT", "LEAF", "BRANCH_GT", "LEAF"}}) ==
        "tree 5 has no root: a cycle");
}

TEST_CASE("trees: a root may be a node of another tree, and be listed twice") {
  // n0: x0 <= 1 ? n1 : n2, n1: x1 <= 2 ? 1 : 10, n2: x1 <= 3 ? 10 : 100; the leaf of 10 has two parents.
  auto forest = [](const Ints& roots, int64_t last_true, int64_t last_is_leaf) {
    return attributes({
        {"nodes_featureids", Ints{0, 1, 1}},
        {"nodes_modes", tensor<uint8_t>({3}, {0, 0, 0})},
        {"nodes_splits", floats({3}, {1, 2, 3})},
        {"nodes_truenodeids", Ints{1, 0, last_true}},
        {"nodes_trueleafs", Ints{0, 1, last_is_leaf}},
        {"nodes_falsenodeids", Ints{2, 1, 2}},
        {"nodes_falseleafs", Ints{0, 1, 1}},
        {"leaf_targetids", Ints{0, 0, 0}},
        {"leaf_weights", floats({3}, {1, 10, 100})},
        {"tree_roots", roots},
    });
  };
  Ints roots{0, 0, 1, 2};
  std::vector<Tensor> out;
  do {
    require_ok(try_op("TreeEnsemble", {sample()}, &out, forest(roots, 1, 1), "ai.onnx.ml"));
    CHECK(numbers(out[0]) == std::vector<double>{13, 40, 31});
  } while (std::ranges::next_permutation(roots).found);
  for (const Ints& some : {Ints{0}, Ints{2, 1}, Ints{1, 0}}) {
    Status s = try_op("TreeEnsemble", {sample()}, &out, forest(some, 0, 0), "ai.onnx.ml");
    CHECK(s.code() == Code::kInvalidGraph);
    CHECK(s.detail().starts_with("a tree has a cycle at node "));
  }
}

TEST_CASE("trees: every number of the lists is checked") {
  CHECK(damaged({"nodes_truenodeids", Ints{7, 0, 3, 0, 0, 0}}) == Code::kInvalidGraph);
  CHECK(damaged({"nodes_truenodeids", Ints{-1, 0, 3, 0, 0, 0}}) == Code::kInvalidGraph);
  CHECK(damaged({"nodes_truenodeids", Ints{1, 0}}) == Code::kInvalidGraph);
  CHECK(damaged({"nodes_featureids", Ints{0, 0, 2, 0, 0, 0}}) == Code::kInvalidShape);
  CHECK(damaged({"nodes_featureids", Ints{0, 0, -1, 0, 0, 0}}) == Code::kInvalidGraph);
  CHECK(damaged({"nodes_featureids", Ints{0, 0, int64_t{1} << 40, 0, 0, 0}}) == Code::kInvalidGraph);
  CHECK(damaged({"nodes_values", Floats{1}}) == Code::kInvalidGraph);
  CHECK(damaged({"nodes_modes", Strings(6, "BRANCH")}) == Code::kInvalidGraph);
  CHECK(damaged({"nodes_missing_value_tracks_true", Ints{1}}) == Code::kInvalidGraph);
  CHECK(damaged({"nodes_treeids", Ints{5}}) == Code::kInvalidGraph);
  CHECK(damaged({"target_ids", Ints{0, 0, 1, 0}}) == Code::kInvalidGraph);
  CHECK(damaged({"target_ids", Ints{0, 0, -1, 0}}) == Code::kInvalidGraph);
  CHECK(damaged({"target_nodeids", Ints{1, 3, 9, 0}}) == Code::kInvalidGraph);
  CHECK(damaged({"target_treeids", Ints{5, 5, 6, 8}}) == Code::kInvalidGraph);
  CHECK(damaged({"target_weights", Floats{}}) == Code::kInvalidGraph);
  CHECK(damaged({"n_targets", int64_t{0}}) == Code::kInvalidGraph);
  CHECK(damaged({"n_targets", int64_t{1} << 62}) == Code::kInvalidGraph);
  CHECK(damaged({"base_values", Floats{1, 2}}) == Code::kInvalidGraph);
  CHECK(damaged({"aggregate_function", std::string("MEDIAN")}) == Code::kInvalidGraph);
  CHECK(damaged({"post_transform", std::string("TANH")}) == Code::kInvalidGraph);
}

TEST_CASE("trees: a deep one needs no deep stack") {
  constexpr int64_t kDepth = 200000;
  Attributes a;
  Ints trees(2 * kDepth + 1), ids, yes, no;
  Strings modes;
  // Branch i at 2 i, its true leaf behind it, then the next branch; the last node is a leaf.
  for (int64_t i = 0; i < 2 * kDepth + 1; ++i) {
    bool branch = i % 2 == 0 && i < 2 * kDepth;
    ids.push_back(i);
    modes.push_back(branch ? "BRANCH_LEQ" : "LEAF");
    yes.push_back(branch ? i + 1 : 0);
    no.push_back(branch ? i + 2 : 0);
  }
  a.set("nodes_treeids", trees);
  a.set("nodes_nodeids", ids);
  a.set("nodes_featureids", trees);
  a.set("nodes_values", Floats(trees.size(), -1));
  a.set("nodes_modes", modes);
  a.set("nodes_truenodeids", yes);
  a.set("nodes_falsenodeids", no);
  a.set("target_treeids", Ints{0});
  a.set("target_nodeids", Ints{2 * kDepth});
  a.set("target_ids", Ints{0});
  a.set("target_weights", Floats{4});
  std::vector<Tensor> out;
  require_ok(run_trees(a, &out));
  CHECK(numbers(out[0]) == std::vector<double>{4, 4, 4});
}

TEST_CASE("internal operators check what a file could give them") {
  std::vector<Tensor> out;
  Tensor nodes = *Tensor::allocate(DType::kInt32, {1, 6});
  for (int32_t place : {0, 4}) kernels::store_node(nodes.data() + place, kernels::leaf_node<float>(0, place));
  std::vector<int32_t> zero{0}, span{0, 1};
  Tensor roots = *Tensor::of<int32_t>({1}, std::span<const int32_t>(zero));
  Tensor spans = *Tensor::of<int32_t>({2}, std::span<const int32_t>(span));
  Tensor weights = *Tensor::allocate(DType::kFloat64, {1});
  Status s = try_op("Trees", {sample(), nodes, roots, spans, roots, weights}, &out,
                    attributes({{"outputs", int64_t{1}}}), "kinglet");
  CHECK(s.ok());
  nodes.data<int32_t>()[5] = 5;
  s = try_op("Trees", {sample(), nodes, roots, spans, roots, weights}, &out,
             attributes({{"outputs", int64_t{1}}}), "kinglet");
  CHECK(s.code() == Code::kInvalidShape);
  Tensor labels = *Tensor::allocate(DType::kInt64, {3});
  s = try_op("Classes", {sample(), labels}, &out, attributes({{"rule", int64_t{0}}}), "kinglet", 2);
  CHECK(s.code() == Code::kInvalidShape);
  s = try_op("Classes", {sample(), labels}, &out, attributes({{"rule", int64_t{9}}}), "kinglet", 2);
  CHECK(s.code() == Code::kInvalidGraph);
}

TEST_CASE("classical operators refuse lists that do not fit") {
  std::vector<Tensor> out;
  auto code = [&](const char* op, const Attributes& a, const Tensor& x = sample(), int count = 1) {
    return try_op(op, {x}, &out, a, "ai.onnx.ml", count).code();
  };
  CHECK(code("LinearRegressor", attributes({{"coefficients", Floats{1, 2, 3}}, {"targets", int64_t{2}}})) ==
        Code::kInvalidGraph);
  CHECK(code("LinearRegressor", attributes({{"coefficients", Floats{1, 2}}, {"targets", int64_t{0}}})) ==
        Code::kInvalidGraph);
  CHECK(code("LinearRegressor", attributes({{"coefficients", Floats{1, 2, 3}}})) == Code::kInvalidShape);
  CHECK(code("LinearClassifier", attributes({{"coefficients", Floats{1, 2}}}), sample(), 2) ==
        Code::kInvalidGraph);
  Attributes svm = attributes({{"support_vectors", Floats{1, 2, 3, 4}},
                               {"vectors_per_class", Ints{1, 1}},
                               {"coefficients", Floats{1, -1}},
                               {"rho", Floats{0}},
                               {"kernel_type", std::string("RBF")},
                               {"kernel_params", Floats{1, 0, 0}},
                               {"classlabels_ints", Ints{0, 1}}});
  require_ok(try_op("SVMClassifier", {sample()}, &out, svm, "ai.onnx.ml", 2));
  auto with = [&](Attribute a) {
    Attributes list = svm;
    list.set(a.name, a.value);
    return code("SVMClassifier", list, sample(), 2);
  };
  CHECK(with({"vectors_per_class", Ints{1, -1}}) == Code::kInvalidGraph);
  CHECK(with({"vectors_per_class", Ints{int64_t{1} << 62, int64_t{1} << 62}}) == Code::kInvalidGraph);
  CHECK(with({"vectors_per_class", Ints{2}}) == Code::kInvalidGraph);
  CHECK(with({"coefficients", Floats{1}}) == Code::kInvalidGraph);
  CHECK(with({"rho", Floats{}}) == Code::kInvalidGraph);
  CHECK(with({"prob_a", Floats{1}}) == Code::kInvalidGraph);
  CHECK(with({"kernel_params", Floats{1}}) == Code::kInvalidGraph);
  CHECK(with({"kernel_type", std::string("COSINE")}) == Code::kInvalidGraph);
  CHECK(with({"support_vectors", Floats{}}) == Code::kInvalidGraph);
  Attributes encoder = attributes({{"keys_int64s", Ints{1, 2}}, {"values_int64s", Ints{3}}});
  Tensor integers = *Tensor::ints(std::array<int64_t, 2>{1, 2});
  CHECK(code("LabelEncoder", encoder, integers) == Code::kInvalidGraph);
  CHECK(code("LabelEncoder", attributes({{"keys_strings", Strings{"a"}}, {"values_int64s", Ints{3}}}),
             integers) == Code::kInvalidGraph);
  Attributes strict = attributes({{"cats_int64s", Ints{1}}, {"zeros", int64_t{0}}});
  CHECK(code("OneHotEncoder", strict, integers) == Code::kInvalidInput);
  CHECK(code("FeatureVectorizer", attributes({{"inputdimensions", Ints{-1}}})) == Code::kInvalidGraph);
  CHECK(code("FeatureVectorizer", attributes({{"inputdimensions", Ints{1, 1}}})) == Code::kInvalidGraph);
}
