#include <cmath>
#include <limits>
#include <random>

#include "support/evaluate_op.h"

using namespace kinglet;
using namespace kinglet::testing;

namespace {

std::mt19937 numbers_of_test(7);

Tensor noise(const Shape& shape) {
  std::vector<float> values(static_cast<size_t>(shape.count()));
  for (float& v : values) v = static_cast<float>(static_cast<int>(numbers_of_test() % 2001) - 1000) / 500;
  return floats(shape, values);
}

// Relu(S * X + H) times W, and B and Z, by the definition.
std::vector<double> expected(const Tensor& x, const Tensor& w, const Tensor& b, const Tensor& z,
                             const Tensor& s, const Tensor& h, bool relu) {
  std::vector<double> out;
  int64_t channels = x.shape()[1], inner = x.shape().count(2), outputs = w.shape()[0], depth = w.shape()[1];
  int64_t each = outputs / (channels / depth);
  for (int64_t n = 0; n < x.shape()[0]; ++n) {
    for (int64_t o = 0; o < outputs; ++o) {
      for (int64_t i = 0; i < inner; ++i) {
        double sum = b.empty() ? 0 : b.number(o);
        if (!z.empty()) sum += z.number(static_cast<int64_t>(out.size()));
        for (int64_t k = 0; k < depth; ++k) {
          int64_t c = o / each * depth + k;
          double value = x.number((n * channels + c) * inner + i) * s.number((n * channels + c) % s.count());
          if (!h.empty()) value += h.number(c);
          if (relu && value < 0) value = 0;
          sum += value * w.number(o * depth + k);
        }
        out.push_back(sum);
      }
    }
  }
  return out;
}

void check(const std::vector<Tensor>& in, int64_t group, bool relu, double tolerance = 1e-5) {
  Attributes given = attributes({{"group", group}, {"input_relu", int64_t{relu}}});
  std::vector<double> got = numbers(run_op("FusedConv", in, given, "com.microsoft")[0]);
  std::vector<double> want = expected(in[0], in[1], in[2], in[3], in[4], in[5], relu);
  REQUIRE(got.size() == want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    CAPTURE(i);
    bool same = std::isnan(want[i])   ? std::isnan(got[i])
                : std::isinf(want[i]) ? got[i] == want[i]
                                      : std::abs(got[i] - want[i]) <= tolerance * (1 + std::abs(want[i]));
    CHECK(same);
  }
}

}  // namespace

TEST_CASE("FusedConv that scales and shifts what it reads") {
  for (int64_t images : {1, 3}) {
    for (int64_t group : {1, 2}) {
      for (int64_t outputs : {6, 120}) {
        int64_t channels = 10 * group;
        Tensor x = noise({images, channels, 5, 7}), w = noise({outputs, 10, 1, 1});
        Tensor each = noise({images, channels, 1, 1}), all = noise({channels}),
               one = noise({1, channels, 1, 1});
        Tensor b = noise({outputs}), z = noise({images, outputs, 5, 7}), h = noise({channels}), none;
        for (bool relu : {false, true}) {
          check({x, w, none, none, each, none}, group, relu);
          check({x, w, b, z, each, h}, group, relu);
          check({x, w, b, none, all, h}, group, relu);
          check({x, w, none, z, all, none}, group, relu);
          check({x, w, none, none, one, h}, group, relu);
        }
      }
    }
  }
  Tensor none;
  check({noise({2, 3, 4}), noise({5, 3, 1}), none, none, noise({2, 3, 1}), none}, 1, true);
  check({noise({2, 3, 2, 3, 4}), noise({5, 3, 1, 1, 1}), none, none, noise({3}), noise({3})}, 1, true);
  std::vector<Tensor> half{noise({2, 3, 4}), noise({5, 3, 1}), none, none, noise({2, 3, 1}), noise({3})};
  for (Tensor& t : half)
    if (!t.empty()) t = cast(t, DType::kFloat16);
  check(half, 1, true, 1e-2);
  // No images.
  check({noise({0, 3, 4}), noise({5, 3, 1}), none, none, noise({0, 3, 1}), none}, 1, false);
}

TEST_CASE("FusedConv that scales what it reads: NaN and infinities") {
  for (float special : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (int64_t outputs : {4, 70}) {
      for (bool relu : {false, true}) {
        Tensor x = noise({2, 3, 9}), w = noise({outputs, 3, 1}), s = noise({2, 3, 1}), h = noise({3}), none;
        x.data<float>()[4] = special, x.data<float>()[30] = -special;
        check({x, w, none, none, s, h}, 1, relu);
        check({x, w, none, none, s, none}, 1, relu);
        s.data<float>()[1] = special, s.data<float>()[4] = 0;
        check({x, w, none, none, s, none}, 1, relu);
      }
    }
  }
}

TEST_CASE("FusedConv that scales what it reads refuses what does not fit") {
  Tensor x = noise({2, 3, 5, 5}), w = noise({4, 3, 1, 1}), s = noise({3}), h = noise({3}), none;
  auto refused = [](const std::vector<Tensor>& in, Attributes given = {}) {
    std::vector<Tensor> out;
    CHECK_FALSE(try_op("FusedConv", in, &out, given, "com.microsoft").ok());
  };
  refused({x, w, none, none, noise({2}), none});
  refused({x, w, none, none, noise({2, 3}), none});
  refused({x, w, none, none, noise({3, 3, 1, 1}), none});
  refused({x, w, none, none, noise({2, 3, 5, 1}), none});
  refused({x, w, none, none, s, noise({2, 3, 1, 1})});
  refused({x, w, none, none, none, h});
  refused({x, w}, attributes({{"input_relu", int64_t{1}}}));
  refused({x, noise({4, 3, 3, 3}), none, none, s, h});
  refused({x, w, none, none, s, h}, attributes({{"strides", std::vector<int64_t>{2, 2}}}));
  refused({x, w, none, none, s, h}, attributes({{"pads", std::vector<int64_t>{0, 0, 1, 1}}}));
}
