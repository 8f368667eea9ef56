#include "plan/pace.h"

#include <doctest/doctest.h>

using namespace kinglet;

namespace {

// Runs that take `alone` or `shared` microseconds; how many of the last 100 of 1000 were shared.
int shared_runs(Pace& pace, int64_t alone, int64_t shared) {
  int count = 0;
  for (int i = 0; i < 1000; ++i) {
    bool together = !pace.alone();
    pace.add(together ? shared : alone, together);
    if (i >= 900 && together) ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("helpers are for long runs that they make shorter") {
  Pace big, small, slower;
  slower.add(20000, false);
  CHECK(shared_runs(big, 20000, 11000) == 100);
  CHECK(shared_runs(small, 900, 600) == 0);
  CHECK(shared_runs(slower, 20000, 25000) < 20);
}

TEST_CASE("a run that was long once is no long run") {
  Pace pace;
  for (int64_t us : {9000, 4000, 900}) pace.add(us, false);
  CHECK(shared_runs(pace, 900, 600) == 0);
}

TEST_CASE("a run that was long once, and only that was alone, is tried alone again") {
  Pace pace;
  pace.add(9000, false);
  CHECK(shared_runs(pace, 900, 600) == 0);
  Pace middle;
  middle.add(9000, false);
  CHECK(shared_runs(middle, 1500, 900) >= 98);
}

TEST_CASE("helpers come back once they help") {
  Pace pace;
  pace.add(20000, false);
  CHECK(shared_runs(pace, 20000, 25000) < 20);
  CHECK(shared_runs(pace, 20000, 11000) == 100);
}
