#include "base/checked.h"

#include <doctest/doctest.h>

#include "base/bytes.h"

namespace kinglet {
namespace {

TEST_CASE("checked_mul and checked_add: the largest value passes, one more fails") {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  CHECK(*checked_mul<int64_t>(kMax / 7, 7) == kMax / 7 * 7);
  CHECK(checked_mul<int64_t>(kMax / 7 + 1, 7).status().code() == Code::kLimitExceeded);
  CHECK(*checked_add<int64_t>(kMax - 1, 1) == kMax);
  CHECK(checked_add<int64_t>(kMax, 1).status().code() == Code::kLimitExceeded);
  CHECK(checked_mul<int64_t>(std::numeric_limits<int64_t>::min(), -1).status().code() ==
        Code::kLimitExceeded);
}

TEST_CASE("fits: at and beyond the limits of the narrower type") {
  CHECK(fits<int8_t>(int64_t{-128}));
  CHECK_FALSE(fits<int8_t>(int64_t{-129}));
  CHECK(fits<uint8_t>(int64_t{255}));
  CHECK_FALSE(fits<uint8_t>(int64_t{256}));
  CHECK_FALSE(fits<uint64_t>(int64_t{-1}));
  CHECK_FALSE(fits<int64_t>(uint64_t{1} << 63));
  CHECK(fits<uint64_t>(~uint64_t{0}));
}

TEST_CASE(
    "varint: Protocol Buffers' own example, the widest number, and those that end early or go on too long") {
  auto read = [](std::initializer_list<uint8_t> list) {
    return ByteReader(std::as_bytes(std::span(list.begin(), list.size()))).varint();
  };
  CHECK(*read({0x96, 0x01}) == 150);
  CHECK(*read({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}) == ~uint64_t{0});
  CHECK_FALSE(read({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}).ok());
  CHECK_FALSE(read({0x80}).ok());
  CHECK_FALSE(read({}).ok());
}

TEST_CASE("take: up to the last byte, and not beyond") {
  const uint8_t data[4] = {1, 0, 0, 0};
  ByteReader reader(std::as_bytes(std::span(data)));
  CHECK_FALSE(reader.take(5).ok());
  CHECK(*reader.fixed<uint32_t>() == 1);
  CHECK(reader.done());
  CHECK_FALSE(reader.fixed<uint8_t>().ok());
}

}  // namespace
}  // namespace kinglet
