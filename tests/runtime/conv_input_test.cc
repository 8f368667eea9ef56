// Convolutions that scale what they read, or change places with a mean: optimised equals unoptimised, at
// shapes that only the run knows.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>

#include "graph/text.h"
#include "passes/pipeline.h"
#include "runtime/session.h"
#include "support/graph_builder.h"
#include "support/named_values.h"

using namespace kinglet;
using namespace kinglet::testing;

namespace {

// Blocks of DenseNet and of EfficientNet: joined channels, normalised before each convolution; channels
// weighed by what they are on average, with a residual around them.
constexpr const char* kText = R"(graph {
  input x: float32[N,8,H,W]
  const w: float32[60,8,1,1] = ramp
  const u: float32[60,60,1,1] = ramp
  const q: float32[4,60,1,1] = ramp
  const e: float32[60,4,1,1] = ramp
  const d: float32[8,68,1,1] = ramp
  const tiny: float32 = [0.0002]
  const half: float32[8] = [0.5, 1.0, -0.5, 2.0, 1.0, 0.25, -1.0, 0.1]
  const ones: float32[8] = [1.0, 1.0, 1.5, 1.0, 1.0, 1.0, 2.0, 1.0]
  const k: float32[68,1,1] = ramp
  const scales: float32[60,1,1] = ramp
  n = BatchNormalization(x, half, half, ones, ones)
  r = Relu(n)
  c = Conv(r, w)
  t = Mul(c, tiny)
  a = GlobalAveragePool(t)
  a1 = Conv(a, q)
  a2 = Mul(a1, tiny)
  a3 = Relu(a2)
  a4 = Conv(a3, e)
  a5 = Mul(a4, tiny)
  gate = Sigmoid(a5)
  s = Mul(gate, t)
  p = Conv(s, u)
  p1 = Mul(p, tiny)
  y = Add(p1, t)
  joined = Concat(y, x) {axis=1}
  m = Mul(joined, k)
  m1 = Relu(m)
  z = Conv(m1, d)
  output y: float32
  output z: float32
})";

// A convolution behind which places are averaged: DenseNet between its blocks.
constexpr const char* kMeanText = R"(graph {
  input x: float32[N,8,H,W]
  const w: float32[120,4,1,1] = ramp
  const b: float32[120] = ramp
  const tiny: float32 = [0.002]
  r = Relu(x)
  a = Conv(r, w, b) {group=2}
  y = AveragePool(a) {kernel_shape=[3, 2], strides=[2, 2]}
  z = Mul(y, tiny)
  output y: float32
  output z: float32
})";

std::shared_ptr<Graph> parse(const char* text, bool optimised) {
  auto graph = parse_graph(text);
  REQUIRE_MESSAGE(graph.ok(), graph.status().message());
  require_ok(bind(**graph));
  if (optimised) require_ok(run_passes(**graph, {.verify = true}));
  return std::move(*graph);
}

void compare(const char* text, std::span<const Shape> shapes) {
  Session plain(parse(text, false)), optimised(parse(text, true));
  for (const Shape& shape : shapes) {
    for (int special = 0; special < 3; ++special) {
      std::vector<float> x(static_cast<size_t>(shape.count()));
      for (size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i)) * 2;
      constexpr float kSpecial[] = {std::numeric_limits<float>::quiet_NaN(),
                                    std::numeric_limits<float>::infinity()};
      if (special > 0 && !x.empty()) x[x.size() / 2] = kSpecial[special - 1];
      std::vector<NamedValue> feeds{{"x", floats(shape, x)}};
      std::vector<Value> want, got;
      require_ok(testing::run(plain, feeds, &want));
      require_ok(testing::run(optimised, feeds, &got));
      for (size_t o = 0; o < 2; ++o) {
        std::vector<float> a = read<float>(want[o]), b = read<float>(got[o]);
        REQUIRE(a.size() == b.size());
        float largest = 0;
        for (float v : a)
          if (std::isfinite(v)) largest = std::max(largest, std::abs(v));
        for (size_t i = 0; i < a.size(); ++i) {
          CAPTURE(i);
          bool same = std::isfinite(a[i]) ? std::abs(a[i] - b[i]) <= 1e-5f * largest
                      : std::isnan(a[i])  ? std::isnan(b[i])
                                          : a[i] == b[i];
          CHECK(same);
        }
      }
    }
  }
}

}  // namespace

TEST_CASE("inputs of convolutions that are scaled: optimised equals unoptimised") {
  std::shared_ptr<Graph> graph = parse(kText, true);
  int64_t scaled =
      std::ranges::count_if(graph->order(), [&](NodeId id) { return graph->node(id).input(4) != kNoValue; });
  CHECK(scaled == 3);
  const Shape shapes[] = {{1, 8, 6, 6}, {3, 8, 5, 7}, {2, 8, 1, 1}, {1, 8, 40, 41}, {0, 8, 4, 4}};
  compare(kText, shapes);
}

TEST_CASE("a mean before the convolution behind which it was: optimised equals unoptimised") {
  std::shared_ptr<Graph> graph = parse(kMeanText, true);
  CHECK(graph->node(graph->order()[1]).op == "AveragePool");
  const Shape shapes[] = {{1, 8, 6, 6}, {3, 8, 5, 7}, {2, 8, 3, 2}, {1, 8, 40, 41}, {0, 8, 4, 4}};
  compare(kMeanText, shapes);
}
