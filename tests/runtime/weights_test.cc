// Weights of which only a packed form is kept.
#include <algorithm>
#include <cmath>

#include "runtime/session.h"
#include "support/graph_builder.h"
#include "support/named_values.h"

using namespace kinglet;
using namespace kinglet::testing;

namespace {

float pattern(size_t i) { return static_cast<float>(static_cast<int>(i * 7 % 23) - 11) / 16; }

Tensor filled(const Shape& shape) {
  std::vector<float> values(static_cast<size_t>(shape.count()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = pattern(i);
  return floats(shape, std::move(values));
}

// The same in steps of a sixteenth from `zero`.
template <class T>
Tensor filled_bytes(const Shape& shape, int zero) {
  std::vector<T> values(static_cast<size_t>(shape.count()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<T>(pattern(i) * 16 + static_cast<float>(zero));
  return tensor<T>(shape, std::move(values));
}

template <class T = float>
std::vector<T> run(Session& session, std::vector<NamedValue> feeds) {
  std::vector<Value> out;
  require_ok(testing::run(session, feeds, &out));
  return read<T>(out[0]);
}

void check_close(const std::vector<float>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) REQUIRE(std::abs(a[i] - b[i]) <= 1e-4 * (1 + std::abs(b[i])));
}

std::shared_ptr<Graph> bound(std::shared_ptr<Graph> graph) {
  require_ok(bind(*graph));
  return graph;
}

bool has_elements(Session& session, ValueId id) {
  return session.program().graph().edge(id).constant.data() != nullptr;
}

constexpr int64_t kIn = 40, kOut = 24;

// filled([rows, kIn]) times filled([kOut, kIn]) transposed.
std::vector<double> product(int64_t rows) {
  std::vector<double> out;
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < kOut; ++c) {
      double sum = 0;
      for (int64_t k = 0; k < kIn; ++k)
        sum += double{pattern(static_cast<size_t>(r * kIn + k))} *
               double{pattern(static_cast<size_t>(c * kIn + k))};
      out.push_back(sum);
    }
  }
  return out;
}

// filled([1, channels, side, side]) with filled([channels, channels, 3, 3]), padded by 1.
std::vector<double> convolution(int64_t channels, int64_t side) {
  std::vector<double> out;
  auto x = [&](int64_t c, int64_t h, int64_t w) {
    bool in = h >= 0 && w >= 0 && h < side && w < side;
    return in ? double{pattern(static_cast<size_t>((c * side + h) * side + w))} : 0.0;
  };
  for (int64_t o = 0; o < channels; ++o) {
    for (int64_t at = 0; at < side * side; ++at) {
      double sum = 0;
      for (int64_t i = 0; i < channels * 9; ++i)
        sum += x(i / 9, at / side + i % 9 / 3 - 1, at % side + i % 3 - 1) *
               double{pattern(static_cast<size_t>(o * channels * 9 + i))};
      out.push_back(sum);
    }
  }
  return out;
}

struct Product {
  std::shared_ptr<Graph> graph = std::make_shared<Graph>();
  ValueId x = add_input(*graph, "x", DType::kFloat32);
  ValueId w = graph->add_constant("w", filled({kOut, kIn}));
  ValueId add_gemm(ValueId a) {
    Attributes attributes;
    attributes.set("transB", int64_t{1});
    return add(*graph, "Gemm", {a, w}, 1, attributes)[0];
  }
};

}  // namespace

TEST_CASE("a product keeps its weights packed only, for one row and for many") {
  Product p;
  p.graph->outputs = {p.add_gemm(p.x)};
  Session session(bound(p.graph));
  check_close(run(session, {{"x", filled({1, kIn})}}), product(1));
  CHECK(has_elements(session, p.w));
  for (int64_t rows : {3, 1, 50, 1, 3}) {
    check_close(run(session, {{"x", filled({rows, kIn})}}), product(rows));
    CHECK_FALSE(has_elements(session, p.w));
  }
  Product many_first;
  many_first.graph->outputs = {many_first.add_gemm(many_first.x)};
  Session other(bound(many_first.graph));
  for (int64_t rows : {3, 1, 0, 2}) check_close(run(other, {{"x", filled({rows, kIn})}}), product(rows));
  CHECK_FALSE(has_elements(other, many_first.w));
}

TEST_CASE("weights that two nodes read, or that are an output, keep their elements") {
  Product p;
  ValueId y = p.add_gemm(p.x);
  SUBCASE("two nodes") { p.graph->outputs = {y, add(*p.graph, "Neg", {p.w})[0]}; }
  SUBCASE("an output") { p.graph->outputs = {y, p.w}; }
  Session session(bound(p.graph));
  for (int64_t rows : {3, 1}) check_close(run(session, {{"x", filled({rows, kIn})}}), product(rows));
  CHECK(has_elements(session, p.w));
}

TEST_CASE("a step that can only be planned in the run works with packed weights") {
  Product p;
  ValueId rows = add_input(*p.graph, "rows", DType::kInt64);
  ValueId shape = add(*p.graph, "Concat", {rows, p.graph->add_constant("k", ints({kIn}))}, 1, [] {
    Attributes attributes;
    attributes.set("axis", int64_t{0});
    return attributes;
  }())[0];
  p.graph->outputs = {p.add_gemm(add(*p.graph, "Reshape", {p.x, shape})[0])};
  Session session(bound(p.graph));
  for (int64_t n = 2; n < 60; ++n)
    check_close(run(session, {{"x", filled({n * kIn})}, {"rows", ints({n})}}), product(n));
  CHECK_FALSE(has_elements(session, p.w));
  CHECK(std::ranges::any_of(session.program().plans().front()->steps, &Step::late));
}

TEST_CASE("a convolution does with the form that it has, whatever the image") {
  constexpr int64_t kChannels = 32;
  for (bool small_first : {false, true}) {
    CAPTURE(small_first);
    auto graph = std::make_shared<Graph>();
    ValueId x = add_input(*graph, "x", DType::kFloat32);
    ValueId w = graph->add_constant("w", filled({kChannels, kChannels, 3, 3}));
    Attributes attributes;
    attributes.set("pads", std::vector<int64_t>{1, 1, 1, 1});
    graph->outputs = add(*graph, "Conv", {x, w}, 1, attributes);
    Session session(bound(graph));
    auto kernel = [&] { return std::string_view(session.program().plans().front()->steps[0].work->kernel); };
    if (small_first) {
      check_close(run(session, {{"x", filled({1, kChannels, 4, 4})}}), convolution(kChannels, 4));
      CHECK_FALSE(kernel().starts_with("conv_winograd"));
      CHECK(has_elements(session, w));
    }
    for (int64_t side : {40, 4, 3, 33}) {
      check_close(run(session, {{"x", filled({1, kChannels, side, side})}}), convolution(kChannels, side));
      // With two packed forms both stay, and so do the elements.
      CHECK(has_elements(session, w) == small_first);
    }
    CHECK(kernel().starts_with("conv_winograd"));
    CHECK(run(session, {{"x", filled({0, kChannels, 8, 8})}}).empty());
  }
}

TEST_CASE("integer weights are kept packed only, too") {
  constexpr int64_t kChannels = 32;
  constexpr int kZero = 100;
  for (bool small_first : {false, true}) {
    CAPTURE(small_first);
    auto graph = std::make_shared<Graph>();
    auto scale = [&](float value) { return graph->add_constant("scale", floats({}, {value})); };
    auto zero = [&](uint8_t value) { return graph->add_constant("zero", tensor<uint8_t>({}, {value})); };
    ValueId x = add_input(*graph, "x", DType::kInt8);
    ValueId x_zero = graph->add_constant("x_zero", tensor<int8_t>({}, {0}));
    ValueId w = graph->add_constant("w", filled_bytes<uint8_t>({kChannels, kChannels, 3, 3}, kZero));
    Attributes attributes;
    attributes.set("pads", std::vector<int64_t>{1, 1, 1, 1});
    graph->outputs = add(*graph, "QLinearConv",
                         {x, scale(1.0f / 16), x_zero, w, scale(1.0f / 16), zero(kZero), scale(1), zero(128)},
                         1, attributes);
    Session session(bound(graph));
    auto check = [&](int64_t side) {
      auto y = run<uint8_t>(session, {{"x", filled_bytes<int8_t>({1, kChannels, side, side}, 0)}});
      auto want = convolution(kChannels, side);
      REQUIRE(y.size() == want.size());
      for (size_t i = 0; i < y.size(); ++i)
        REQUIRE(y[i] == std::clamp(std::nearbyint(want[i]) + 128, 0.0, 255.0));
    };
    if (small_first) check(4);
    for (int64_t side : {40, 4, 3, 33}) {
      check(side);
      CHECK(has_elements(session, w) == small_first);
    }
    CHECK(run<uint8_t>(session, {{"x", filled_bytes<int8_t>({0, kChannels, 8, 8}, 0)}}).empty());
  }
  auto graph = std::make_shared<Graph>();
  ValueId x = add_input(*graph, "x", DType::kInt8);
  ValueId w = graph->add_constant("w", filled_bytes<int8_t>({kIn, kOut}, 0));
  graph->outputs = add(*graph, "MatMulInteger", {x, w});
  Session session(bound(graph));
  for (int64_t rows : {1, 3, 0, 50}) {
    auto y = run<int32_t>(session, {{"x", filled_bytes<int8_t>({rows, kIn}, 0)}});
    for (int64_t i = 0; i < rows * kOut; ++i) {
      float sum = 0;
      for (int64_t k = 0; k < kIn; ++k)
        sum += 256 * pattern(static_cast<size_t>(i / kOut * kIn + k)) *
               pattern(static_cast<size_t>(k * kOut + i % kOut));
      REQUIRE(static_cast<float>(y[static_cast<size_t>(i)]) == sum);
    }
    CHECK_FALSE(has_elements(session, w));
  }
}
