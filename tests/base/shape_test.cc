#include "base/shape.h"

#include <doctest/doctest.h>

#include <vector>

using namespace kinglet;

TEST_CASE("counts are checked") {
  CHECK(*checked_count({2, 3, 4}) == 24);
  CHECK(*checked_count({}) == 1);
  CHECK(*checked_count({5, 0, 7}) == 0);
  CHECK_FALSE(checked_count({2, -1}).ok());
  CHECK_FALSE(checked_count({int64_t{1} << 40, int64_t{1} << 40}).ok());
  CHECK_FALSE(checked_count({0, int64_t{1} << 62, int64_t{1} << 47}).ok());
}

TEST_CASE("shapes broadcast as ONNX says") {
  CHECK(*broadcast({2, 1, 4}, {3, 1}) == Shape{2, 3, 4});
  CHECK(*broadcast({}, {5}) == Shape{5});
  CHECK(*broadcast({0, 1}, {1, 7}) == Shape{0, 7});
  auto bad = broadcast({2, 3}, {4});
  REQUIRE_FALSE(bad.ok());
  CHECK(bad.status().code() == Code::kInvalidShape);
  CHECK(bad.status().detail() == "[2,3] and [4] do not broadcast");
}

TEST_CASE("a rank above the limit is refused, axes are normalised") {
  std::vector<int64_t> many(kMaxRank + 1, 1);
  CHECK_FALSE(shape_from(many).ok());
  CHECK(*normalize_axis(-1, 3) == 2);
  CHECK_FALSE(normalize_axis(3, 3).ok());
}
