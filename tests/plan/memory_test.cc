#include "plan/memory.h"

#include <doctest/doctest.h>

#include <random>

#include "base/tensor.h"

using namespace kinglet;

namespace {
bool overlap(const Lifetime& a, const Lifetime& b) {
  bool in_time = a.first <= b.last && b.first <= a.last;
  bool in_space = a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
  return in_time && in_space;
}
}  // namespace

TEST_CASE("blocks alive together never overlap, and the arena is at least the largest sum at a step") {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    std::vector<Lifetime> blocks(40);
    for (Lifetime& b : blocks) {
      b.first = static_cast<int>(random() % 30);
      b.last = b.first + static_cast<int>(random() % 6);
      b.bytes = random() % 5000;
    }
    auto total = assign_offsets(blocks);
    REQUIRE(total.ok());
    for (size_t i = 0; i < blocks.size(); ++i) {
      CHECK(blocks[i].offset % kBufferAlignment == 0);
      CHECK(blocks[i].offset + blocks[i].bytes <= *total);
      for (size_t j = 0; j < i; ++j) CHECK_FALSE(overlap(blocks[i], blocks[j]));
    }
    for (int step = 0; step < 36; ++step) {
      size_t alive = 0;
      for (const Lifetime& b : blocks) alive += b.first <= step && step <= b.last ? b.bytes : 0;
      CHECK(*total >= alive);
    }
  }
}

TEST_CASE("blocks of disjoint lifetimes share memory") {
  std::vector<Lifetime> blocks = {{0, 1, 1024, 0}, {2, 3, 1024, 0}, {4, 4, 512, 0}};
  auto total = assign_offsets(blocks);
  REQUIRE(total.ok());
  CHECK(*total == 1024);
}

TEST_CASE("blocks that live long are placed first where that takes less") {
  std::vector<Lifetime> blocks = {{0, 2, 2048, 0}, {3, 3, 4096, 0}, {0, 3, 4096, 0}, {1, 1, 3072, 0}};
  auto total = assign_offsets(blocks);
  REQUIRE(total.ok());
  CHECK(*total == 9216);
}

TEST_CASE("sizes whose sum does not fit are a failure") {
  std::vector<Lifetime> blocks = {{0, 1, SIZE_MAX - 70, 0}, {0, 1, 4096, 0}};
  CHECK_FALSE(assign_offsets(blocks).ok());
}
