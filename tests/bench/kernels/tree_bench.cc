// Branches of trees per second: rows through one tree, and trees for one row.
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "bench/kernels/benches.h"
#include "bench/kernels/timing.h"
#include "kernels/tree/tree.h"

namespace kinglet::bench {

namespace {

struct Shape {
  const char* name;
  size_t trees, features, outputs, rows;
  int32_t depth;
};

constexpr Shape kShapes[] = {
    {"boosting", 1000, 32, 1, 512, 5},       {"boosting, one row", 1000, 32, 1, 1, 5},
    {"forest", 100, 32, 8, 512, 10},         {"forest, one row", 100, 32, 8, 1, 10},
    {"stumps of three", 100, 32, 1, 512, 3},
};

// Complete trees: the branches of a level in order, then its leaves.
void run(const Shape& s, const char* filter) {
  std::string text = std::string(s.name) + " " + std::to_string(s.trees) + " of depth " +
                     std::to_string(s.depth) + ", rows " + std::to_string(s.rows);
  if (text.find(filter) == std::string::npos) return;
  std::mt19937 random(1);
  constexpr auto kBytes = static_cast<int32_t>(kernels::kPairBytes<float>);
  int32_t branches = (1 << s.depth) - 1;
  auto count = static_cast<int32_t>(s.trees);
  std::vector<std::byte> nodes(s.trees * static_cast<size_t>(branches + 1) * kBytes);
  std::vector<int32_t> roots, levels(s.trees, s.depth), spans{0}, targets;
  std::vector<double> weights;
  for (int32_t t = 0; t < count; ++t) {
    int32_t first = t * (branches + 1);
    roots.push_back(first * kBytes);
    // Node n of a tree lies in pair (n + 1) / 2; its children are nodes 2 n + 1 and 2 n + 2.
    for (int32_t n = 0; n < 2 * branches + 1; ++n) {
      int32_t place = (first + (n + 1) / 2) * kBytes + (n % 2 == 0 && n > 0 ? 4 : 0);
      if (n < branches) {
        auto value = kernels::key_of(static_cast<float>(random() % 1000));
        auto feature = static_cast<int32_t>(random() % s.features);
        kernels::store_node<float>(nodes.data() + place, {value, feature, (first + n + 1) * kBytes});
        continue;
      }
      kernels::store_node(nodes.data() + place,
                          kernels::leaf_node<float>(static_cast<int32_t>(spans.size()) - 1, place));
      for (size_t k = 0; k < s.outputs; ++k) {
        targets.push_back(static_cast<int32_t>(k));
        weights.push_back(static_cast<double>(random() % 100));
      }
      spans.push_back(static_cast<int32_t>(targets.size()));
    }
    // Beside the root, the root.
    auto root = kernels::load_node<float>(nodes.data() + first * kBytes);
    kernels::store_node(nodes.data() + first * kBytes + 4, root);
  }
  kernels::Trees<float> trees{nodes, roots, levels, spans, targets, weights, s.outputs};
  std::vector<int32_t> of_pairs(nodes.size() / kBytes);
  if (!kernels::prepare_trees(trees, s.features, std::span(of_pairs))) return;
  // Other rows each time, as in use.
  constexpr size_t kOthers = 64;
  std::vector<float> x((s.rows + kOthers) * s.features);
  for (float& v : x) v = static_cast<float>(random() % 1000) + 0.5f;
  std::vector<double> scores(s.rows * s.outputs);
  std::vector<std::byte> scratch(kernels::trees_scratch<float>(s.rows, s.features, 1));
  Parallel one;
  size_t turn = 0;
  double steps = static_cast<double>(s.rows * s.trees) * s.depth;
  Speed speed = measure(steps, steps * 12, [&] {
    turn = (turn + 1) % kOthers;
    kernels::run_trees(trees, x.data() + turn * s.features, s.rows, s.features, scores.data(), scratch.data(),
                       one);
    sink = static_cast<float>(scores[0]) * 1e-30f;
  });
  print("trees", text.c_str(), speed);
}

}  // namespace

void trees(const char* filter) {
  for (const Shape& s : kShapes) run(s, filter);
}

}  // namespace kinglet::bench
