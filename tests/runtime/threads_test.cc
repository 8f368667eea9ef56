#include "runtime/threads.h"

#ifndef __wasm__
#include <numeric>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using namespace kinglet;

namespace {

// A pool with `count` helpers that have arrived.
struct Crew {
  explicit Crew(int count) {
    pool.set_threads(count + 1);
    for (int i = 0; i < count; ++i) threads.emplace_back([this] { pool.help(); });
    while (pool.helpers() < count) std::this_thread::yield();
    pool.begin(false);
  }
  ~Crew() {
    pool.stop();
    for (std::thread& thread : threads) thread.join();
  }
  ThreadPool pool;
  std::vector<std::thread> threads;
};

// How often each index of [0, n) is visited; every range but the last is a multiple of `grain`.
std::vector<int> visits(Parallel& pool, size_t n, size_t grain) {
  std::vector<int> count(n);
  parallel_for(pool, n, grain, [&](size_t begin, size_t end) {
    if (begin % grain != 0 || (end != n && end % grain != 0)) count[begin] = -1;
    for (size_t i = begin; i < end; ++i) ++count[i];
  });
  return count;
}

}  // namespace

TEST_CASE("every index is visited once, whatever the grain") {
  Crew crew(3);
  for (size_t n : {1, 2, 3, 7, 64, 1000, 4097})
    for (size_t grain : {1, 2, 3, 64, 5000}) {
      auto count = visits(crew.pool, n, grain);
      CHECK(std::accumulate(count.begin(), count.end(), size_t{0}) == n);
      CHECK(*std::ranges::min_element(count) == 1);
    }
}

TEST_CASE("short runs one behind the other do not meet each other's work") {
  Crew crew(3);
  for (size_t round = 0; round < 20000; ++round) {
    std::atomic<size_t> sum = 0;
    parallel_for(crew.pool, 8, 1, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) sum += i + round;
    });
    REQUIRE(sum == 28 + 8 * round);
  }
}

TEST_CASE("helpers take part") {
  Crew crew(1);
  std::atomic<int> inside = 0;
  parallel_for(crew.pool, 2, 1, [&](size_t, size_t) {
    ++inside;
    while (inside < 2) std::this_thread::yield();
  });
  CHECK(inside == 2);
}

TEST_CASE("a run inside a run stays on its thread") {
  Crew crew(2);
  std::atomic<int> inner = 0;
  parallel_for(crew.pool, 6, 1, [&](size_t, size_t) {
    auto self = std::this_thread::get_id();
    parallel_for(crew.pool, 10, 1, [&](size_t begin, size_t end) {
      if (std::this_thread::get_id() == self) inner += static_cast<int>(end - begin);
    });
  });
  CHECK(inner == 60);
}

TEST_CASE("a slot is never two threads' at a time") {
  Crew crew(3);
  std::atomic<int> busy[4] = {};
  std::atomic<int> clashes = 0, items = 0;
  parallel_slots(crew.pool, 500, [&](size_t slot, size_t) {
    if (busy[slot]++ != 0) ++clashes;
    ++items;
    --busy[slot];
  });
  CHECK(clashes == 0);
  CHECK(items == 500);
}

TEST_CASE("pieces not begun are left out after a cancel") {
  Crew crew(1);
  CancelFlag cancel;
  crew.pool.cancel = &cancel;
  std::atomic<size_t> done = 0;
  parallel_for(crew.pool, 1000, 1, [&](size_t begin, size_t end) {
    cancel.request();
    done += end - begin;
  });
  CHECK(done < 1000);
}

TEST_CASE("helpers that are there wait while the caller is alone") {
  Crew crew(2);
  CHECK(crew.pool.threads() == 3);
  crew.pool.begin(true);
  CHECK(crew.pool.threads() == 1);
  CHECK(crew.pool.most_threads() == 3);
  auto self = std::this_thread::get_id();
  std::atomic<int> here = 0;
  parallel_for(crew.pool, 100, 1, [&](size_t begin, size_t end) {
    if (std::this_thread::get_id() == self) here += static_cast<int>(end - begin);
  });
  CHECK(here == 100);
}

TEST_CASE("without helpers the caller does all") {
  ThreadPool pool;
  pool.set_threads(4);
  pool.begin(false);
  CHECK(pool.threads() == 1);
  auto count = visits(pool, 100, 7);
  CHECK(std::ranges::count(count, 1) == 100);
}
#endif
