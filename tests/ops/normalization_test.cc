#include <cmath>

#include "support/evaluate_op.h"

using namespace kinglet;
using namespace kinglet::testing;

namespace {

// The expected values were computed with numpy from this input.
const std::vector<float> kX = {-4, 3, -1, 6, 2, -2, 5, 1, -3, 4, 0, -4};

void near(const Tensor& t, const std::vector<double>& want, double tolerance = 2e-6) {
  REQUIRE(t.count() == static_cast<int64_t>(want.size()));
  for (size_t i = 0; i < want.size(); ++i) {
    CAPTURE(i);
    CHECK(std::fabs(t.number(static_cast<int64_t>(i)) - want[i]) <=
          tolerance * std::fmax(1, std::fabs(want[i])));
  }
}

// In all float types that the operator takes.
template <class Check>
void in_every_type(const Tensor& x, Check check) {
  check(x, 2e-6);
  check(cast(x, DType::kFloat64), 1e-6);
  check(cast(x, DType::kFloat16), 2e-3);
  check(cast(x, DType::kBFloat16), 1.6e-2);
}

}  // namespace

TEST_CASE("LayerNormalization: scale and bias, outputs, every type, axis, scale over another axis") {
  in_every_type(floats({2, 2, 3}, kX), [](const Tensor& x, double tolerance) {
    Tensor scale = cast(floats({3}, {1, 2, -1}), x.dtype()),
           bias = cast(floats({3}, {0.5f, 0, 1}), x.dtype());
    auto out = run_op("LayerNormalization", {x, scale, bias}, {}, "", 3);
    near(out[0],
         {-0.6624757, 2.5574467, 1.1162475, 1.7247443, 0, 2.2247443, 1.7247443, 0, 2.2247443, 1.7247443, 0,
          2.2247443},
         tolerance);
    CHECK(out[1].dtype() == DType::kFloat32);
    CHECK(out[1].shape() == Shape{2, 2, 1});
    near(out[1], {-0.6666667, 2, 1, 0}, tolerance);
    near(out[2], {0.34874272, 0.30618608, 0.30618608, 0.30618608}, tolerance);
    Tensor other = cast(floats({2, 1, 1}, {2, 3}), x.dtype());
    near(run_op("LayerNormalization", {x, other})[0],
         {-2.3249514, 2.5574467, -0.23249513, 2.4494886, 0, -2.4494886, 3.674233, 0, -3.674233, 3.674233, 0,
          -3.674233},
         tolerance);
  });
  Tensor x = floats({2, 2, 3}, kX), one = floats({}, {1});
  Tensor flat = run_op("LayerNormalization", {x.reshaped({2, 6}), one})[0];
  Tensor folded = run_op("LayerNormalization", {x, one}, attributes({{"axis", int64_t{1}}}))[0];
  CHECK(read<float>(flat) == read<float>(folded));
  std::vector<Tensor> out;
  CHECK_FALSE(try_op("LayerNormalization", {x, floats({2}, {1, 1})}, &out).ok());
}

TEST_CASE("LayerNormalization of long rows whose mean is far from zero") {
  std::vector<float> v;
  for (int i = 0; i < 1003; ++i) v.push_back(1000 + static_cast<float>(i % 5 - 2));
  Tensor y =
      run_op("LayerNormalization", {floats({1, 1003}, v), floats({1003}, std::vector<float>(1003, 1))})[0];
  // 201 of each of -2, -1, 0 and 200 of 1, 2 (about 1000)
  double mean = (-3.0 * 201 + 3.0 * 200) / 1003, square = (5.0 * 201 + 5.0 * 200) / 1003;
  double deviation = std::sqrt(square - mean * mean + 1e-5);
  for (int i = 0; i < 1003; ++i)
    CHECK(y.number(i) == doctest::Approx((i % 5 - 2 - mean) / deviation).epsilon(1e-4));
}

TEST_CASE("RMSNormalization and SimplifiedLayerNormalization") {
  std::vector<double> want = {-1.3587316, 2.0380974,  0.3396829,  1.5666983, 1.0444655, 0.5222328,
                              1.4638494,  0.58553976, 0.87830967, 1.2247443, 0,         1.2247443};
  in_every_type(floats({2, 2, 3}, kX), [&](const Tensor& x, double tolerance) {
    Tensor scale = floats({3}, {1, 2, -1});
    Tensor mixed = run_op("RMSNormalization", {x, scale})[0];
    CHECK(mixed.dtype() == DType::kFloat32);
    near(mixed, want, tolerance);
    near(run_op("SimplifiedLayerNormalization", {x, cast(scale, x.dtype())})[0], want, tolerance);
  });
}

TEST_CASE("SkipLayerNormalization: the sum is normalised, and given out") {
  Tensor x = floats({2, 2, 3}, kX), zero = floats({2, 2, 3}, std::vector<float>(12, 0.5f));
  Tensor gamma = floats({3}, {1, 2, -1}), beta = floats({3}, {0.5f, 0, 1}),
         bias = floats({3}, {-0.5f, -0.5f, -0.5f});
  auto out = run_op("SkipLayerNormalization", {x, zero, gamma, beta, bias}, attributes({{"epsilon", 1e-5f}}),
                    "com.microsoft", 4);
  near(out[0], {-0.6624757, 2.5574467, 1.1162475, 1.7247443, 0, 2.2247443, 1.7247443, 0, 2.2247443, 1.7247443,
                0, 2.2247443});
  CHECK(read<float>(out[3]) == kX);
}

TEST_CASE("InstanceNormalization and GroupNormalization") {
  std::vector<double> want = {-1.32495141, 3.557446718, 0.767504871, 2.67423296, -1, -4.67423296,
                              3.44948864,  1,           -1.44948864, 2.67423296, -1, -4.67423296};
  in_every_type(floats({2, 2, 3}, kX), [&](const Tensor& x, double tolerance) {
    Tensor scale = cast(floats({2}, {2, 3}), x.dtype()), bias = cast(floats({2}, {1, -1}), x.dtype());
    near(run_op("InstanceNormalization", {x, scale, bias})[0], want, tolerance);
    near(run_op("GroupNormalization", {x, scale, bias}, attributes({{"num_groups", int64_t{2}}}))[0], want,
         tolerance);
    // One group: the layer norm over channels and places, scaled by channel.
    Tensor whole =
        run_op("GroupNormalization", {x, scale, bias}, attributes({{"num_groups", int64_t{1}}}))[0];
    Tensor layer = run_op("LayerNormalization", {x, scale.reshaped({2, 1}), bias.reshaped({2, 1})},
                          attributes({{"axis", int64_t{1}}}))[0];
    near(whole, numbers(layer), 2 * tolerance);
  });
  std::vector<Tensor> out;
  Tensor x = floats({2, 2, 3}, kX), two = floats({2}, {1, 1});
  CHECK_FALSE(
      try_op("GroupNormalization", {x, two, two}, &out, attributes({{"num_groups", int64_t{3}}})).ok());
  CHECK_FALSE(
      try_op("GroupNormalization", {x, two, two}, &out, attributes({{"num_groups", int64_t{0}}})).ok());
  CHECK_FALSE(try_op("InstanceNormalization", {x, floats({3}, {1, 1, 1}), two}, &out).ok());
}

TEST_CASE("BatchNormalization: training statistics, inference with them, rank 2, mixed types") {
  std::vector<double> want = {-1.61711812,  2.779640436,  0.267206907,  3.391548276,
                              -0.121690363, -3.634929001, 4.035857201,  1.523423672,
                              -0.989009976, 1.634929001,  -1.878309637, -5.391548276};
  in_every_type(floats({2, 2, 3}, kX), [&](const Tensor& x, double tolerance) {
    Tensor scale = floats({2}, {2, 3}), bias = floats({2}, {1, -1});
    auto out = run_op("BatchNormalization", {x, scale, bias, floats({2}, {1, 2}), floats({2}, {3, 4})},
                      attributes({{"training_mode", int64_t{1}}}), "", 3);
    near(out[0], want, tolerance);
    near(out[1], {0.916666668, 1.900000001});
    near(out[2], {3.713888955, 4.766666746});
    Tensor mean = floats({2}, {0.16666667f, 1}), variance = floats({2}, {10.138889f, 11.666667f});
    near(run_op("BatchNormalization", {x, scale, bias, mean, variance})[0], want, tolerance);
  });
  Tensor rows = floats({2, 2}, {1, 2, 3, 4}), one = floats({2}, {1, 1}), zero = floats({2}, {0, 0});
  near(run_op("BatchNormalization", {rows, one, one, zero, one}, attributes({{"epsilon", 0.0f}}))[0],
       {2, 3, 4, 5});
  near(run_op("BatchNormalization",
              {floats({2}, {1, 2}), floats({1}, {2}), floats({1}, {1}), floats({1}, {0}), floats({1}, {1})},
              attributes({{"epsilon", 0.0f}}))[0],
       {3, 5});
}

TEST_CASE("LRN: an even window, edges") {
  Tensor x = floats({1, 5, 2}, {5, 10, 2, 7, 12, 4, 9, 1, 6, 11});
  Attributes a = attributes({{"alpha", 0.5f}, {"beta", 0.75f}, {"bias", 1.0f}, {"size", int64_t{4}}});
  in_every_type(x, [&](const Tensor& t, double tolerance) {
    near(run_op("LRN", {t}, a)[0],
         {0.481979496, 0.997201477, 0.146090346, 0.695030069, 0.84991746, 0.364629266, 0.644533937,
          0.113253817, 0.7634599, 1.359103908},
         tolerance);
  });
  std::vector<Tensor> out;
  CHECK_FALSE(try_op("LRN", {x}, &out, attributes({{"size", int64_t{0}}})).ok());
}

TEST_CASE("Softmax and LogSoftmax along inner and middle axes, every type; masked and extreme rows") {
  in_every_type(floats({2, 2, 3}, kX), [](const Tensor& x, double tolerance) {
    near(run_op("Softmax", {x}, attributes({{"axis", int64_t{1}}}))[0],
         {4.539786e-05, 7.310586e-01, 7.310586e-01, 9.999546e-01, 2.689414e-01, 2.689414e-01, 7.310586e-01,
          7.310586e-01, 7.310586e-01, 2.689414e-01, 2.689414e-01, 2.689414e-01},
         tolerance);
    std::vector<double> log = {-7.019045,    -0.019044993, -4.019045, -0.018479329, -4.0184793, -8.018479,
                               -0.018479329, -4.0184793,   -8.018479, -0.018479329, -4.0184793, -8.018479};
    near(run_op("LogSoftmax", {x})[0], log, tolerance);
    std::vector<double> exp;
    for (double v : log) exp.push_back(std::exp(v));
    near(run_op("Softmax", {x})[0], exp, tolerance);
  });
  constexpr float kInf = std::numeric_limits<float>::infinity();
  near(run_op("Softmax", {floats({4}, {1000, -kInf, 1000, -1000})})[0], {0.5, 0, 0.5, 0});
  near(run_op("LogSoftmax", {floats({2, 1}, {1e30f, 1e30f})}, attributes({{"axis", int64_t{0}}}))[0],
       {-0.69314718, -0.69314718});
  std::vector<Tensor> out;
  CHECK_FALSE(try_op("Softmax", {floats({2}, {1, 2})}, &out, attributes({{"axis", int64_t{1}}})).ok());
}

TEST_CASE("Softmax of rows and columns around the lanes agrees with float64") {
  for (int64_t n : {1, 7, 8, 9, 63, 64, 65, 300}) {
    std::vector<float> v;
    for (int64_t i = 0; i < 3 * n; ++i) v.push_back(static_cast<float>(i * 37 % 101) / 7 - 6);
    for (bool columns : {false, true}) {
      Tensor x = floats(columns ? Shape{3, n} : Shape{3, n}, v);
      Attributes axis = attributes({{"axis", int64_t{columns ? 0 : 1}}});
      for (const char* op : {"Softmax", "LogSoftmax"})
        near(run_op(op, {x}, axis)[0], numbers(run_op(op, {cast(x, DType::kFloat64)}, axis)[0]), 3e-6);
    }
  }
}

TEST_CASE("MeanVarianceNormalization and LpNormalization") {
  Tensor x = floats({2, 2, 3, 1}, kX);
  // As BatchNormalization without epsilon, scale and bias.
  near(run_op("MeanVarianceNormalization", {x})[0],
       {-1.30855906, 0.88982022, -0.36639656, 1.46385011, 0.29277002, -0.87831007, 1.51792859, 0.26171181,
        -0.99450499, 0.87831007, -0.29277002, -1.46385011});
  near(run_op("LpNormalization", {floats({2, 2}, {3, 4, 0, 0})})[0], {0.6, 0.8, 0, 0});
  near(run_op("LpNormalization", {floats({2, 2}, {3, -1, 1, 1})},
              attributes({{"axis", int64_t{0}}, {"p", int64_t{1}}}))[0],
       {0.75, -0.5, 0.25, 0.5});
}

TEST_CASE("Dropout: nothing happens outside of training; in training the rest is scaled") {
  Tensor x = floats({1000}, std::vector<float>(1000, 3));
  auto out = run_op("Dropout", {x, floats({}, {0.25f})}, {}, "", 2);
  CHECK(read<float>(out[0]) == read<float>(x));
  CHECK(read<bool>(out[1]) == std::vector<bool>(1000, true));
  out = run_op("Dropout", {x, floats({}, {0.25f}), tensor<bool>({}, {true})},
               attributes({{"seed", int64_t{7}}}), "", 2);
  int kept = 0;
  for (int i = 0; i < 1000; ++i) {
    bool keep = out[1].data<bool>()[i];
    kept += keep;
    CHECK(out[0].number(i) == (keep ? 4 : 0));
  }
  CHECK(kept > 650);
  CHECK(kept < 850);
}
