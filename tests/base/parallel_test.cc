#include "base/parallel.h"

#include <doctest/doctest.h>

#include <vector>

using namespace kinglet;

TEST_CASE("a taker has its own stretch first, then what the others have left") {
  Shares shares(10, 3);
  auto next = [&](size_t taker) {
    size_t item = 99;
    return shares.take(taker, &item) ? item : 99;
  };
  std::vector<size_t> order;
  for (size_t taker : {1, 0, 2, 1, 1, 1, 2, 2, 0, 0, 0, 1}) order.push_back(next(taker));
  // Stretches are [0, 4), [4, 7) and [7, 10).
  CHECK(order == std::vector<size_t>{4, 0, 7, 5, 6, 8, 9, 1, 2, 3, 99, 99});
  CHECK(next(2) == 99);
}

TEST_CASE("fewer items than takers") {
  Shares shares(1, 4);
  size_t item = 99;
  CHECK(shares.take(3, &item));
  CHECK(item == 0);
  CHECK(!shares.take(0, &item));
  size_t calls = 0;
  Parallel one;
  parallel_slots(one, 0, [&](size_t, size_t) { ++calls; });
  CHECK(calls == 0);
}
