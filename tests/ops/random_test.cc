// Operators whose results are random: what can be said of them all the same.
#include <cmath>

#include "support/evaluate_op.h"

using namespace kinglet;
using namespace kinglet::testing;

namespace {

constexpr int64_t kCount = 40000;

double mean(const std::vector<double>& v) {
  double sum = 0;
  for (double x : v) sum += x;
  return sum / double(v.size());
}

// Pairs of neighbours are independent: how often both are set follows from how often one is.
double share_of_pairs(const std::vector<double>& v) {
  double both = 0;
  for (size_t i = 1; i < v.size(); ++i) both += v[i] != 0 && v[i - 1] != 0;
  return both / double(v.size() - 1);
}

}  // namespace

TEST_CASE("Bernoulli: the share of ones is the probability; a seed repeats, none does not") {
  for (double p : {0.0, 0.1, 0.5, 0.9, 1.0}) {
    Tensor x = tensor<double>({kCount}, std::vector<double>(kCount, p));
    for (DType dtype :
         {DType::kFloat32, DType::kFloat64, DType::kFloat16, DType::kBool, DType::kInt8, DType::kUInt64}) {
      Attributes a = attributes({{"dtype", static_cast<int64_t>(dtype)}, {"seed", 3.0f}});
      Tensor y = run_op("Bernoulli", {x}, a)[0];
      CHECK(y.dtype() == dtype);
      auto values = numbers(y);
      for (double v : values) REQUIRE((v == 0 || v == 1));
      // Five standard deviations.
      double tolerance = 5 * std::sqrt(p * (1 - p) / kCount);
      CHECK(mean(values) == doctest::Approx(p).scale(1).epsilon(tolerance + 1e-12));
      CHECK(share_of_pairs(values) == doctest::Approx(p * p).scale(1).epsilon(2 * tolerance + 1e-12));
      CHECK(numbers(run_op("Bernoulli", {x}, a)[0]) == values);
    }
  }
  Tensor x = tensor<float>({64}, std::vector<float>(64, 0.5f));
  CHECK(run_op("Bernoulli", {x})[0].dtype() == DType::kFloat32);
  CHECK(numbers(run_op("Bernoulli", {x})[0]) != numbers(run_op("Bernoulli", {x})[0]));
  auto seeded = [&](float seed) {
    return numbers(run_op("Bernoulli", {x}, attributes({{"seed", seed}}))[0]);
  };
  CHECK(seeded(1) != seeded(2));
}

TEST_CASE("Dropout in training: share, scale, mask and seed") {
  std::vector<double> given;
  for (int64_t i = 0; i < kCount; ++i) given.push_back(double(i % 7) + 1);
  Tensor training = tensor<bool>({}, {true});
  for (float ratio : {0.0f, 0.25f, 0.75f}) {
    for (DType dtype : {DType::kFloat32, DType::kFloat64, DType::kFloat16}) {
      Tensor x = cast(tensor<double>({kCount}, given), dtype), r = tensor<float>({}, {ratio});
      Attributes seed = attributes({{"seed", int64_t{11}}});
      auto out = run_op("Dropout", {x, r, training}, seed, "", 2);
      auto y = numbers(out[0]), mask = numbers(out[1]);
      CHECK(out[1].dtype() == DType::kBool);
      double keep = 1 - double(ratio), tolerance = 5 * std::sqrt(keep * (1 - keep) / kCount);
      CHECK(mean(mask) == doctest::Approx(keep).scale(1).epsilon(tolerance + 1e-12));
      CHECK(share_of_pairs(mask) == doctest::Approx(keep * keep).scale(1).epsilon(2 * tolerance + 1e-12));
      for (size_t i = 0; i < y.size(); ++i)
        REQUIRE(y[i] ==
                doctest::Approx(mask[i] * given[i] / keep).epsilon(dtype == DType::kFloat16 ? 1e-3 : 1e-6));
      auto again = run_op("Dropout", {x, r, training}, seed, "", 2);
      CHECK(numbers(again[1]) == mask);
      CHECK(numbers(again[0]) == y);
      // The same numbers with the mask not wanted.
      CHECK(numbers(run_op("Dropout", {x, r, training}, seed)[0]) == y);
      if (ratio > 0) {
        auto other = run_op("Dropout", {x, r, training}, attributes({{"seed", int64_t{12}}}), "", 2);
        CHECK(numbers(other[1]) != mask);
      }
    }
  }
  // Without a ratio one half is dropped.
  Tensor x = tensor<double>({kCount}, given);
  auto out = run_op("Dropout", {x, Tensor(), training}, attributes({{"seed", int64_t{5}}}), "", 2);
  CHECK(mean(numbers(out[1])) == doctest::Approx(0.5).epsilon(0.03));
  CHECK(numbers(run_op("Dropout", {x, Tensor(), training})[0]) !=
        numbers(run_op("Dropout", {x, Tensor(), training})[0]));
  std::vector<Tensor> refused;
  Status status = try_op("Dropout", {x, tensor<float>({}, {1.0f}), training}, &refused);
  REQUIRE_FALSE(status.ok());
  CHECK(status.code() == Code::kInvalidArgument);
}
