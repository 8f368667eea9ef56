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

// Trees as they are drawn; `next` follow their parents, and a node may have several.
template <class T>
struct DrawnNode {
  T value = 0;
  int32_t feature = 0, next[2] = {};
  int32_t leaf = -1;
};

template <class T>
struct Drawing {
  std::vector<DrawnNode<T>> drawn;
  std::vector<int32_t> first_nodes, spans{0}, targets;
  std::vector<double> weights;
  // As kernels have them.
  std::vector<std::byte> nodes;
  std::vector<int32_t> roots, levels;

  // `votes`: weights of each leaf, one for every output in order, or one for any; 0: up to two for any.
  int32_t add_leaf(std::mt19937& random, size_t outputs, size_t votes) {
    DrawnNode<T> node;
    node.leaf = static_cast<int32_t>(spans.size()) - 1;
    size_t count = votes == 0 ? random() % 3 : votes;
    for (size_t i = 0; i < count; ++i) {
      targets.push_back(static_cast<int32_t>(votes > 1 ? i : random() % outputs));
      weights.push_back(static_cast<double>(random() % 64) / 8 - 4);
    }
    spans.push_back(static_cast<int32_t>(targets.size()));
    drawn.push_back(node);
    return static_cast<int32_t>(drawn.size()) - 1;
  }

  // The first node of each tree beside itself, then the children of branches in order.
  void lay_out() {
    std::vector<int32_t> pair(drawn.size());
    auto pairs = static_cast<int32_t>(first_nodes.size());
    for (size_t i = 0; i < drawn.size(); ++i)
      if (drawn[i].leaf < 0) pair[i] = pairs++;
    constexpr auto kBytes = static_cast<int32_t>(kPairBytes<T>), kSide = static_cast<int32_t>(sizeof(T));
    nodes.assign(static_cast<size_t>(pairs * kBytes), std::byte{0});
    auto put = [&](int32_t from, int32_t place) {
      const DrawnNode<T>& d = drawn[static_cast<size_t>(from)];
      auto node = leaf_node<T>(d.leaf, place);
      if (d.leaf < 0) node = {key_of(d.value), d.feature, pair[static_cast<size_t>(from)] * kBytes};
      store_node(nodes.data() + place, node);
    };
    roots.clear();
    for (size_t t = 0; t < first_nodes.size(); ++t) {
      for (int32_t side : {0, kSide}) put(first_nodes[t], static_cast<int32_t>(t) * kBytes + side);
      roots.push_back(static_cast<int32_t>(t) * kBytes + (t % 2 == 0 ? 0 : kSide));
    }
    for (size_t i = 0; i < drawn.size(); ++i) {
      if (drawn[i].leaf >= 0) continue;
      for (int32_t side : {0, 1}) put(drawn[i].next[side], pair[i] * kBytes + side * kSide);
    }
  }

  bool prepare(Trees<T>* trees, Aggregate aggregate, size_t outputs, size_t columns) {
    *trees = {nodes, roots, {}, spans, targets, weights, outputs, aggregate};
    std::vector<int32_t> of_pairs(nodes.size() / kPairBytes<T>);
    if (!prepare_trees(*trees, columns, std::span(of_pairs))) return false;
    levels.clear();
    for (int32_t root : roots) levels.push_back(of_pairs[static_cast<size_t>(root) / kPairBytes<T>]);
    trees->levels = levels;
    return true;
  }

  // The leaf of a row, by the drawing.
  int32_t leaf_of(int32_t at, const T* row) const {
    for (;;) {
      const DrawnNode<T>& node = drawn[static_cast<size_t>(at)];
      if (node.leaf >= 0) return node.leaf;
      T x = row[node.feature & kFeatureMask];
      bool first = (node.feature & kEqualNode) != 0 ? x == node.value : x <= node.value;
      if (x != x) first = (node.feature & kNanFirst) != 0;
      at = node.next[first ? 0 : 1];
    }
  }
};

struct Kind {
  size_t features = 3, outputs = 2, votes = 0;
  bool equal = false, missing = false;
};

template <class T>
int32_t grow(Drawing<T>& t, std::mt19937& random, int depth, const Kind& kind) {
  if (depth == 0 || random() % 5 == 0) return t.add_leaf(random, kind.outputs, kind.votes);
  auto at = t.drawn.size();
  DrawnNode<T> node;
  node.value = static_cast<T>(random() % 16) / 4 - 2;
  node.feature = static_cast<int32_t>(random() % kind.features);
  if (kind.equal && random() % 2 == 0) node.feature |= kEqualNode;
  if (kind.missing && random() % 2 == 0) node.feature |= kNanFirst;
  t.drawn.push_back(node);
  int32_t first = grow(t, random, depth - 1, kind);
  int32_t second = random() % 8 == 0 ? first : grow(t, random, depth - 1, kind);
  t.drawn[at].next[0] = first;
  t.drawn[at].next[1] = second;
  return static_cast<int32_t>(at);
}

// Rows around the splits. `specials`: 0 none, 1 infinities and -0, 2 also NaN.
template <class T>
std::vector<T> rows_of(std::mt19937& random, size_t count, unsigned specials) {
  constexpr T kInfinity = std::numeric_limits<T>::infinity();
  const T special[] = {kInfinity, -kInfinity, T(-0.0), std::numeric_limits<T>::quiet_NaN()};
  std::vector<T> x(count);
  for (T& v : x) {
    bool is_special = specials != 0 && random() % 8 == 0;
    v = is_special ? special[random() % (specials + 2)] : static_cast<T>(random() % 32) / 8 - 2;
  }
  return x;
}

template <class T>
void check_walks(Drawing<T>& t, const std::vector<T>& x, size_t rows, Aggregate aggregate, const Kind& kind) {
  t.lay_out();
  Trees<T> trees;
  REQUIRE(t.prepare(&trees, aggregate, kind.outputs, kind.features));
  CHECK((!trees.ordered || !kind.equal || t.drawn.size() < 8));
  Parallel one;
  std::vector<double> fast(rows * kind.outputs, 99), judge(rows * kind.outputs, -99);
  std::vector<std::byte> scratch(trees_scratch<T>(rows, kind.features, 1));
  run_trees(trees, x.data(), rows, kind.features, fast.data(), scratch.data(), one);
  run_trees_reference(trees, x.data(), rows, kind.features, judge.data());
  CHECK((fast.empty() || std::memcmp(fast.data(), judge.data(), fast.size() * sizeof(double)) == 0));
  if (aggregate != Aggregate::kSum) return;
  std::vector<double> sums(rows * kind.outputs, -0.0);
  for (size_t r = 0; r < rows; ++r) {
    for (int32_t root : t.first_nodes) {
      auto leaf = static_cast<size_t>(t.leaf_of(root, x.data() + r * kind.features));
      for (auto i = static_cast<size_t>(t.spans[leaf]); i < static_cast<size_t>(t.spans[leaf + 1]); ++i)
        sums[r * kind.outputs + static_cast<size_t>(t.targets[i])] += t.weights[i];
    }
  }
  CHECK((fast.empty() || std::memcmp(fast.data(), sums.data(), fast.size() * sizeof(double)) == 0));
}

template <class T>
void check_agrees() {
  std::mt19937 random(7);
  for (size_t rows : {0, 1, 7, 15, 16, 17, 64, 65, 150}) {
    for (unsigned round = 0; round < 36; ++round) {
      CAPTURE(rows);
      CAPTURE(round);
      auto aggregate = round % 3 == 0 ? static_cast<Aggregate>(round / 3 % 4) : Aggregate::kSum;
      Kind kind{1 + random() % 5, 1 + random() % 4, 0, random() % 2 == 0, random() % 2 == 0};
      kind.votes = std::array{size_t{0}, size_t{1}, kind.outputs}[random() % 3];
      Drawing<T> t;
      // Also more trees than are walked at once, as many, fewer, and none.
      int trees = std::array{65, 3, 130, 0, 64, 1}[random() % 6];
      for (int i = 0; i < trees; ++i) t.first_nodes.push_back(grow(t, random, i % 9, kind));
      check_walks(t, rows_of<T>(random, rows * kind.features, round % 3), rows, aggregate, kind);
    }
  }
}

// A chain of branches on one feature: x <= 0, x <= 1, ... each with a leaf at one of its sides.
template <class T>
void check_chain(int32_t length) {
  std::mt19937 random(9);
  Kind kind{1, 1, 1};
  Drawing<T> t;
  t.first_nodes = {0, 0};
  for (int32_t i = 0; i < length; ++i) {
    DrawnNode<T> node;
    node.value = static_cast<T>(i);
    t.drawn.push_back(node);
  }
  for (int32_t i = 0; i < length; ++i) {
    int32_t leaf = t.add_leaf(random, 1, 1);
    t.drawn[static_cast<size_t>(i)].next[0] = leaf;
    t.drawn[static_cast<size_t>(i)].next[1] = i + 1 < length ? i + 1 : leaf;
  }
  std::vector<T> x;
  for (int i = 0; i < 70; ++i) x.push_back(static_cast<T>(random() % static_cast<uint32_t>(length + 2)) - 1);
  check_walks(t, x, x.size(), Aggregate::kSum, kind);
  check_walks(t, x, 1, Aggregate::kSum, kind);
  CHECK(t.levels == std::vector<int32_t>{length, length});
}

}  // namespace

TEST_CASE("trees: fast walks end where single ones end") {
  check_agrees<float>();
  check_agrees<double>();
}

TEST_CASE("trees of one branch after another, to thousands of levels") {
  for (int32_t length : {1, 2, 3, 100, 5001}) {
    check_chain<float>(length);
    check_chain<double>(length);
  }
}

TEST_CASE("trees: a leaf's number is whole, whatever its size") {
  for (int32_t number : {0, 1, (1 << 22) - 1, 1 << 22, (1 << 28) + 12345}) {
    auto leaf = leaf_node<float>(number, 24);
    CHECK(is_leaf(leaf));
    CHECK(leaf.child == 24);
    CHECK(leaf.feature == number >> 22);
    auto wide = leaf_node<double>(number, 32);
    CHECK(is_leaf(wide));
    CHECK(wide.feature == number >> 22);
  }
  // More leaves than a NaN has numbers: the feature tells them apart.
  constexpr size_t kLeaves = (size_t{1} << 22) + 2;
  std::vector<int32_t> spans(kLeaves + 1), targets(2), roots{0, 24};
  std::vector<double> weights{3, 5};
  spans[kLeaves - 1] = 1, spans[kLeaves] = 2;
  for (size_t i = 3; i < kLeaves - 1; ++i) spans[i] = 1;
  std::vector<std::byte> nodes(48);
  for (int32_t place : {0, 4, 24, 28}) {
    int32_t number = place < 24 ? 2 : static_cast<int32_t>(kLeaves) - 1;
    store_node(nodes.data() + place, leaf_node<float>(number, place));
  }
  std::vector<int32_t> levels(2), of_roots(2);
  Trees<float> trees{nodes, roots, of_roots, spans, targets, weights, 1};
  CHECK(!prepare_trees(trees, 1, std::span(levels)));
  REQUIRE(prepare_trees(trees, 2, std::span(levels)));
  const float x[2] = {1, 2};
  double score = 0;
  Parallel one;
  std::vector<std::byte> scratch(trees_scratch<float>(1, 2, 1));
  run_trees(trees, x, 1, 2, &score, scratch.data(), one);
  CHECK(score == 8);
}

TEST_CASE("trees: features beyond 16 bits") {
  std::mt19937 random(5);
  Kind kind{.features = (1 << 16) + 9, .outputs = 1, .votes = 1};
  Drawing<float> t;
  DrawnNode<float> node;
  node.value = 0.5f;
  node.feature = (1 << 16) + 3;
  t.drawn.push_back(node);
  for (int side : {0, 1}) {
    int32_t leaf = t.add_leaf(random, 1, 1);
    t.weights.back() = side;
    t.drawn[0].next[side] = leaf;
  }
  t.first_nodes = {0};
  const size_t rows = 17;
  std::vector<float> x(rows * kind.features);
  // The feature of the same low bits says the opposite.
  for (size_t r = 0; r < rows; ++r) {
    x[r * kind.features + 3] = static_cast<float>(r % 2);
    x[r * kind.features + (1 << 16) + 3] = static_cast<float>(1 - r % 2);
  }
  check_walks(t, x, rows, Aggregate::kSum, kind);
  check_walks(t, x, 1, Aggregate::kSum, kind);
}

TEST_CASE("trees: what a walk relies on is checked") {
  std::mt19937 random(3);
  Kind kind;
  Drawing<float> good;
  do {
    good = {};
    good.first_nodes.push_back(grow(good, random, 4, kind));
  } while (good.drawn.size() < 8);
  good.first_nodes.push_back(grow(good, random, 0, kind));
  good.lay_out();
  Trees<float> trees;
  REQUIRE(good.prepare(&trees, Aggregate::kSum, 2, 3));
  CHECK(!good.prepare(&trees, Aggregate::kSum, 2, 1));
  CHECK(!good.prepare(&trees, Aggregate::kSum, 1, 3));
  auto refused = [&](auto damage) {
    Drawing<float> t = good;
    damage(t);
    return !t.prepare(&trees, Aggregate::kSum, 2, 3);
  };
  CHECK(!refused([](auto&) {}));
  auto bytes = static_cast<int32_t>(good.nodes.size());
  for (int32_t root : {-1, -24, bytes, bytes + 24, 8, 12, 1, std::numeric_limits<int32_t>::min()})
    CHECK(refused([&](auto& t) { t.roots[0] = root; }));
  // Node 0 is a branch: its child has to be a pair that lies behind it.
  for (int32_t child : {0, -24, 4, 28, 25, bytes, bytes - 4, bytes + 24, std::numeric_limits<int32_t>::max(),
                        std::numeric_limits<int32_t>::min()}) {
    CAPTURE(child);
    CHECK(refused([&](auto& t) {
      auto node = load_node<float>(t.nodes.data());
      node.child = child;
      store_node(t.nodes.data(), node);
    }));
  }
  for (int32_t feature : {3, kFeatureMask, 3 | kNanFirst, -1, std::numeric_limits<int32_t>::min()})
    CHECK(refused([&](auto& t) {
      auto node = load_node<float>(t.nodes.data());
      node.feature = feature;
      store_node(t.nodes.data(), node);
    }));
  // The second root is a leaf, in both nodes of pair 1.
  for (int32_t place : {24, 28}) {
    for (int32_t child : {0, 24 + 28 - place, 48, -24})
      CHECK(refused([&](auto& t) { store_node(t.nodes.data() + place, leaf_node<float>(0, child)); }));
    auto leaves = static_cast<int32_t>(good.spans.size()) - 1;
    for (int32_t number : {leaves, leaves + 1000, (1 << 22) - 1})
      CHECK(refused([&](auto& t) { store_node(t.nodes.data() + place, leaf_node<float>(number, place)); }));
    CHECK(refused([&](auto& t) { store_node(t.nodes.data() + place, leaf_node<float>(7 << 22, place)); }));
  }
  CHECK(refused([](auto& t) { t.nodes.pop_back(); }));
  CHECK(refused([](auto& t) { t.nodes.resize(t.nodes.size() - 24); }));
  CHECK(refused([](auto& t) { t.spans.back() += 1; }));
  CHECK(refused([](auto& t) { t.spans[0] = -1; }));
  CHECK(refused([](auto& t) { t.spans.clear(); }));
  CHECK(refused([](auto& t) { t.targets.push_back(0); }));
  REQUIRE(!good.targets.empty());
  CHECK(refused([](auto& t) { t.targets[0] = 2; }));
  CHECK(refused([](auto& t) { t.targets[0] = -1; }));
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
