#include <cmath>

#include "support/evaluate_op.h"

using namespace kinglet;
using namespace kinglet::testing;

TEST_CASE("CDist is the sum of squared differences, or its root") {
  uint32_t state = 3;
  auto random = [&](const Shape& shape) {
    std::vector<float> x;
    for (int64_t i = 0; i < shape.count(); ++i) {
      state = state * 1664525 + 1013904223;
      x.push_back(static_cast<float>(state >> 8) / 16777216.0f - 0.5f);
    }
    return floats(shape, x);
  };
  for (int64_t m : {1, 4, 7}) {
    for (int64_t n : {1, 4, 9, 24}) {
      for (int64_t d : {1, 3, 20}) {
        Tensor a = random({m, d}), b = random({n, d});
        for (DType dtype : {DType::kFloat32, DType::kFloat64}) {
          for (const char* metric : {"sqeuclidean", "euclidean"}) {
            CAPTURE(m);
            CAPTURE(n);
            CAPTURE(d);
            CAPTURE(metric);
            Tensor got = run_op("CDist", {cast(a, dtype), cast(b, dtype)},
                                attributes({{"metric", std::string(metric)}}), "com.microsoft")[0];
            REQUIRE(got.shape() == Shape{m, n});
            for (int64_t i = 0; i < m; ++i) {
              for (int64_t j = 0; j < n; ++j) {
                double want = 0;
                for (int64_t k = 0; k < d; ++k)
                  want += std::pow(a.number(i * d + k) - b.number(j * d + k), 2);
                if (metric[0] == 'e') want = std::sqrt(want);
                double tolerance = dtype == DType::kFloat32 ? 2e-6 : 1e-14;
                CHECK(std::fabs(got.number(i * n + j) - want) <= tolerance * (1 + want));
              }
            }
          }
        }
      }
    }
  }
  CHECK(numbers(run_op("CDist", {floats({2, 0}, {}), floats({3, 0}, {})}, {}, "com.microsoft")[0]) ==
        std::vector<double>(6, 0.0));
}
