#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/scores/scores.h"
#include "kernels/tree/tree.h"

using namespace kinglet;
using namespace kinglet::kernels;

namespace {

template <class T>
struct RandomTrees {
  std::vector<TreeNode<T>> nodes;
  std::vector<int32_t> roots, spans{0}, targets;
  std::vector<double> weights;

  Trees<T> view(Aggregate aggregate, size_t outputs) const {
    return {nodes, roots, spans, targets, weights, outputs, aggregate, plain_nodes<T>(nodes)};
  }
};

template <class T>
int32_t leaf(RandomTrees<T>& t, std::mt19937& random, size_t outputs) {
  auto at = static_cast<int32_t>(t.nodes.size());
  TreeNode<T> node{};
  auto number = static_cast<int32_t>(t.spans.size()) - 1;
  std::memcpy(&node.value, &number, sizeof number);
  node.next[0] = node.next[1] = at;
  t.nodes.push_back(node);
  for (size_t i = 0; i < random() % 3; ++i) {
    t.targets.push_back(static_cast<int32_t>(random() % outputs));
    t.weights.push_back(static_cast<double>(random() % 64) / 8 - 4);
  }
  t.spans.push_back(static_cast<int32_t>(t.targets.size()));
  return at;
}

template <class T>
int32_t grow(RandomTrees<T>& t, std::mt19937& random, int depth, size_t features, size_t outputs,
             bool plain) {
  if (depth == 0 || random() % 5 == 0) return leaf(t, random, outputs);
  auto at = t.nodes.size();
  TreeNode<T> node{};
  node.value = static_cast<T>(random() % 16) / 4 - 2;
  node.feature = static_cast<int32_t>(random() % features);
  if (!plain) node.feature |= static_cast<int32_t>(random() % 4) * kEqualNode;
  t.nodes.push_back(node);
  int32_t first = grow(t, random, depth - 1, features, outputs, plain);
  int32_t second = random() % 8 == 0 ? first : grow(t, random, depth - 1, features, outputs, plain);
  t.nodes[at].next[0] = first;
  t.nodes[at].next[1] = second;
  return static_cast<int32_t>(at);
}

template <class T>
void check_agrees() {
  std::mt19937 random(7);
  Parallel one;
  for (size_t rows : {0, 1, 7, 8, 9, 64, 65, 150}) {
    for (auto aggregate : {Aggregate::kAverage, Aggregate::kSum, Aggregate::kMin, Aggregate::kMax}) {
      bool plain = random() % 2 == 0;
      size_t features = 1 + random() % 5, outputs = 1 + random() % 4;
      RandomTrees<T> t;
      // Also fewer trees than are walked at once, one more, and none.
      int trees = std::array{9, 3, 16, 0, 8}[random() % 5];
      for (int i = 0; i < trees; ++i) t.roots.push_back(grow(t, random, i % 9, features, outputs, plain));
      Trees<T> view = t.view(aggregate, outputs);
      CHECK(valid_trees(view, features));
      std::vector<T> x(rows * features);
      for (T& v : x) {
        T special[] = {std::numeric_limits<T>::quiet_NaN(), std::numeric_limits<T>::infinity(),
                       -std::numeric_limits<T>::infinity(), T(-0.0)};
        v = random() % 8 == 0 ? special[random() % 4] : static_cast<T>(random() % 32) / 8 - 2;
      }
      std::vector<double> fast(rows * outputs, 99), judge(rows * outputs, -99);
      run_trees(view, x.data(), rows, features, fast.data(), one);
      run_trees_reference(view, x.data(), rows, features, judge.data());
      CHECK((fast.empty() || std::memcmp(fast.data(), judge.data(), fast.size() * sizeof(double)) == 0));
    }
  }
}

}  // namespace

TEST_CASE("trees: fast walks end where single ones end") {
  check_agrees<float>();
  check_agrees<double>();
}

TEST_CASE("trees: what a walk relies on is checked") {
  std::mt19937 random(3);
  RandomTrees<float> good;
  good.roots.push_back(grow(good, random, 4, 3, 2, true));
  good.roots.push_back(grow(good, random, 3, 3, 2, true));
  REQUIRE(valid_trees(good.view(Aggregate::kSum, 2), 3));
  CHECK(!valid_trees(good.view(Aggregate::kSum, 2), 1));
  auto refused = [&](auto damage) {
    RandomTrees<float> t = good;
    damage(t);
    return !valid_trees(t.view(Aggregate::kSum, 2), 3);
  };
  CHECK(refused([](auto& t) { t.roots[0] = -1; }));
  CHECK(refused([](auto& t) { t.roots[1] = static_cast<int32_t>(t.nodes.size()); }));
  CHECK(refused([](auto& t) { t.nodes[0].next[1] = 0; }));
  CHECK(refused([](auto& t) { t.nodes[1].next[0] = 0, t.nodes[1].next[1] = 0; }));
  CHECK(refused([](auto& t) { t.nodes[0].next[0] = static_cast<int32_t>(t.nodes.size()); }));
  CHECK(refused([](auto& t) { t.nodes[0].feature = 3; }));
  CHECK(refused([](auto& t) { t.nodes[0].feature = std::numeric_limits<int32_t>::min(); }));
  CHECK(refused([](auto& t) {
    int32_t far = 1 << 20;
    std::memcpy(&t.nodes.back().value, &far, sizeof far);
  }));
  Trees<float> flagged = good.view(Aggregate::kSum, 2);
  std::vector<TreeNode<float>> nodes = good.nodes;
  nodes[0].feature |= kEqualNode;
  flagged.nodes = nodes;
  CHECK(!valid_trees(flagged, 3));
  CHECK(refused([](auto& t) { t.spans.back() += 1; }));
  CHECK(refused([](auto& t) { t.spans[0] = -1; }));
  CHECK(refused([](auto& t) { t.spans.clear(); }));
  CHECK(refused([](auto& t) { t.targets.push_back(0); }));
  CHECK(refused([](auto& t) {
    if (!t.targets.empty()) t.targets[0] = 2;
  }));
}

TEST_CASE("probit is the inverse of the normal distribution function") {
  for (double p : {1e-300, 1e-12, 0.001, 0.02425, 0.3, 0.5, 0.7, 0.975, 0.999999}) {
    CAPTURE(p);
    CHECK(std::erfc(-probit(p) / std::sqrt(2.0)) / 2 == doctest::Approx(p).epsilon(1e-9));
  }
  CHECK(probit(0) == -std::numeric_limits<double>::infinity());
  CHECK(probit(1) == std::numeric_limits<double>::infinity());
  CHECK(std::isnan(probit(1.5)));
  CHECK(std::isnan(probit(-1e-9)));
}
