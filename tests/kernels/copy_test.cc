#include "kernels/copy/copy.h"

#include <doctest/doctest.h>

#include <numeric>
#include <random>

#include "kernels/copy/element.h"

namespace kinglet::kernels {
namespace {

template <class T>
T element(uint32_t i) {
  if constexpr (std::is_same_v<T, std::string>)
    return "element " + std::to_string(i);
  else if constexpr (std::is_same_v<T, Bytes16>)
    return {i, ~uint64_t{i}};
  else
    return static_cast<T>(i * 2654435761u >> 3);
}
template <class T>
bool same(const T& a, const T& b) {
  if constexpr (std::is_same_v<T, Bytes16>)
    return a.low == b.low && a.high == b.high;
  else
    return a == b;
}

// A dense target with its axes in a random order; a source that is dense in another order, repeated or
// reversed here and there.
Box random_box(std::mt19937& random, int64_t* source_size, int64_t* target_size) {
  static constexpr int64_t kExtents[] = {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 33};
  auto pick = [&](size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random); };
  size_t rank = 1 + pick(5);
  Box box;
  for (size_t i = 0; i < rank; ++i) box.add(kExtents[pick(rank > 3 ? 6 : std::size(kExtents))], 0, 0);
  std::vector<size_t> order(rank);
  std::iota(order.begin(), order.end(), 0);
  if (pick(2)) std::shuffle(order.begin(), order.end(), random);
  *source_size = 1;
  for (size_t i = rank; i-- > 0;) {
    Box::Dim& d = box.dims[order[i]];
    size_t kind = pick(6);
    if (kind == 0) continue;
    d.source = *source_size;
    *source_size *= d.extent + static_cast<int64_t>(pick(2));
    if (kind == 1) box.source_offset += d.source * (d.extent - 1), d.source = -d.source;
  }
  if (pick(4) == 0) std::shuffle(order.begin(), order.end(), random);
  *target_size = 1;
  bool target_order = pick(3) == 0;
  for (size_t i = rank; i-- > 0;) {
    Box::Dim& d = box.dims[target_order ? order[i] : i];
    d.target = *target_size;
    *target_size *= d.extent + static_cast<int64_t>(pick(3) == 0);
  }
  return box;
}

template <class T>
void check_copies(int bytes) {
  std::mt19937 random(static_cast<unsigned>(bytes) + 1);
  Parallel alone;
  for (int round = 0; round < 300; ++round) {
    int64_t source_size = 0, target_size = 0;
    Box box = random_box(random, &source_size, &target_size);
    std::vector<T> source(static_cast<size_t>(source_size)), want(static_cast<size_t>(target_size)), got;
    for (size_t i = 0; i < source.size(); ++i) source[i] = element<T>(static_cast<uint32_t>(i));
    for (size_t i = 0; i < want.size(); ++i) want[i] = element<T>(static_cast<uint32_t>(i) + 1000000);
    got = want;
    copy_box_reference(box, bytes, source.data(), want.data());
    if (round % 2) collapse(&box);
    copy_box(box, bytes, source.data(), got.data(), alone);
    REQUIRE(std::equal(want.begin(), want.end(), got.begin(), same<T>));
  }
}

}  // namespace

TEST_CASE("copy_box agrees with its judge for every element size") {
#define COPY(bytes, type) \
  SUBCASE("bytes " #bytes ", " #type) { check_copies<type>(bytes); }
#include "kernels/copy/copy.inc"
#undef COPY
}

TEST_CASE("collapse: a dense box becomes one run, a transposition keeps two dimensions") {
  Box dense = make_box({2, 1, 3, 4}, {12, 12, 4, 1}, {12, 12, 4, 1});
  collapse(&dense);
  REQUIRE(dense.dims.size() == 1);
  CHECK(dense.dims[0].extent == 24);
  Box turned = make_box({3, 4, 2}, {4, 1, 12}, {8, 2, 1});
  collapse(&turned);
  CHECK(turned.dims.size() == 2);
}

TEST_CASE("an empty box touches nothing") {
  Parallel alone;
  Box box = make_box({3, 0}, {0, 1}, {0, 1});
  copy_box(box, 4, nullptr, nullptr, alone);
}

}  // namespace kinglet::kernels
