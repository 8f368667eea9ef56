#include <doctest/doctest.h>

#include <algorithm>

#include "base/tensor.h"

using namespace kinglet;

namespace {

constexpr size_t kPart = 2 * kLargeBuffer;

std::shared_ptr<Buffer> allocate(size_t bytes) {
  auto buffer = Buffer::allocate(bytes);
  REQUIRE(buffer.ok());
  return *buffer;
}

bool inside(const std::byte* block, size_t bytes, Buffer& buffer) {
  return buffer.data() >= block && buffer.data() + buffer.bytes() <= block + bytes;
}

bool is_all(Buffer& buffer, int value) {
  return std::all_of(buffer.data(), buffer.data() + buffer.bytes(),
                     [&](std::byte b) { return b == static_cast<std::byte>(value); });
}

}  // namespace

TEST_CASE("what is free of a block that was broken up serves later buffers, and all of it comes back") {
  size_t before = Buffer::live_bytes(), size = 5 * kPart + 150;
  auto whole = allocate(size);
  std::byte* block = whole->data();
  std::vector<std::shared_ptr<Buffer>> parts;
  // Gaps of 5, 30, one part and 29 bytes.
  for (size_t at : {size_t{5}, kPart + 35, 3 * kPart + 35, 4 * kPart + 64})
    parts.push_back(Buffer::borrow(block + at, kPart, whole));
  for (size_t i = 0; i < parts.size(); ++i)
    std::fill_n(parts[i]->data(), kPart, static_cast<std::byte>(i + 1));
  Buffer::break_up(whole, parts);
  whole.reset();
  CHECK(Buffer::live_bytes() == before + size);
  auto in_gap = allocate(kPart - 32);
  CHECK(inside(block, size, *in_gap));
  CHECK(is_all(*in_gap, 0));
  CHECK_FALSE(inside(block, size, *allocate(kPart)));
  CHECK_FALSE(inside(block, size, *allocate(100)));
  // The same size fits into a part's place, and neighbours that are free are one place.
  parts[0].reset();
  auto first = allocate(kPart);
  CHECK(inside(block, size, *first));
  parts[3].reset();
  parts[2].reset();
  auto large = allocate(2 * kPart);
  CHECK(inside(block, size, *large));
  std::fill_n(large->data(), large->bytes(), std::byte{9});
  CHECK(is_all(*parts[1], 2));
  CHECK(is_all(*first, 0));
  CHECK(Buffer::live_bytes() == before + size);
  for (auto* buffer : {&large, &first, &in_gap}) buffer->reset();
  parts.clear();
  CHECK(Buffer::live_bytes() == before);
}

TEST_CASE("bytes that parts share are never given away") {
  size_t size = 4 * kPart;
  auto whole = allocate(size);
  std::byte* block = whole->data();
  std::vector<std::shared_ptr<Buffer>> parts;
  // The second lies in the first, the third begins in it.
  for (auto [at, bytes] : {std::pair<size_t, size_t>{0, 2 * kPart}, {kPart / 2, kPart}, {kPart, 2 * kPart}})
    parts.push_back(Buffer::borrow(block + at, bytes, whole));
  std::fill_n(block, size, std::byte{7});
  Buffer::break_up(whole, parts);
  whole.reset();
  for (size_t gone = 0; gone < parts.size(); ++gone) {
    parts[gone].reset();
    std::vector<std::shared_ptr<Buffer>> taken;
    for (size_t bytes = 2 * kPart; bytes >= kLargeBuffer; bytes /= 2) taken.push_back(allocate(bytes));
    for (auto& buffer : taken) std::fill_n(buffer->data(), buffer->bytes(), std::byte{1});
    for (auto& part : parts) CHECK((part == nullptr || is_all(*part, 7)));
  }
}

TEST_CASE("a block that somebody else holds stays as it is") {
  size_t before = Buffer::live_bytes();
  auto whole = allocate(2 * kPart);
  auto other = whole;
  {
    auto part = Buffer::borrow(whole->data() + 64, kPart, whole);
    Buffer::break_up(whole, std::span(&part, 1));
  }
  whole.reset();
  CHECK_FALSE(inside(other->data(), other->bytes(), *allocate(kPart)));
  CHECK(is_all(*other, 0));
  other.reset();
  CHECK(Buffer::live_bytes() == before);
}

TEST_CASE("contents are rewritten in their place, with free neighbours where that is needed") {
  size_t before = Buffer::live_bytes(), size = 5 * kPart + 128;
  auto whole = allocate(size);
  std::byte* block = whole->data();
  std::vector<std::shared_ptr<Buffer>> parts;
  // A gap of 64 bytes at the beginning, none between the first two, 32 bytes before the last.
  for (size_t at : {size_t{64}, kPart + 64, 2 * kPart + 64, 4 * kPart + 96})
    parts.push_back(Buffer::borrow(block + at, at < 2 * kPart || at > 3 * kPart ? kPart : 2 * kPart, whole));
  for (size_t i = 0; i < parts.size(); ++i)
    std::fill_n(parts[i]->data(), parts[i]->bytes(), static_cast<std::byte>(i + 1));
  Buffer::break_up(whole, parts);
  whole.reset();
  auto rewrite = [&](Buffer& buffer, size_t bytes, int value) {
    int old = static_cast<int>(buffer.data()[0]);
    auto write = [&](std::byte* to) {
      CHECK(is_all(buffer, old));
      CHECK(to[bytes - 1] == std::byte{0});
      std::fill_n(to, bytes, static_cast<std::byte>(value));
    };
    CHECK(buffer.rewrite(bytes, write).ok());
    CHECK(buffer.bytes() == bytes);
    CHECK(is_all(buffer, value));
    CHECK(inside(block, size, buffer));
  };
  for (auto& part : parts) CHECK(part->is_separate());
  // Less than before, the whole gap below, all that is above.
  REQUIRE(parts[1]->make_room(kPart - 100));
  rewrite(*parts[1], kPart - 100, 21);
  CHECK_FALSE(parts[1]->make_room(kPart + 1));
  REQUIRE(parts[0]->make_room(kPart + 64));
  CHECK_FALSE(parts[0]->make_room(kPart + 65));
  rewrite(*parts[0], kPart + 64, 11);
  REQUIRE(parts[2]->make_room(2 * kPart + 20));
  rewrite(*parts[2], 2 * kPart + 20, 31);
  CHECK(is_all(*parts[1], 21));
  CHECK(is_all(*parts[3], 4));
  // A neighbour that goes is room, from both sides.
  parts[1].reset();
  REQUIRE(parts[2]->make_room(2 * kPart + 500));
  rewrite(*parts[2], 2 * kPart + 500, 32);
  auto rest = allocate(kPart - 496);
  CHECK(inside(block, size, *rest));
  std::fill_n(rest->data(), rest->bytes(), std::byte{5});
  CHECK(is_all(*parts[0], 11));
  CHECK(is_all(*parts[2], 32));
  CHECK(is_all(*parts[3], 4));
  parts.clear();
  rest.reset();
  CHECK(Buffer::live_bytes() == before);
  // A block of its own; memory of somebody else.
  auto own = allocate(1000);
  CHECK(own->is_separate());
  CHECK_FALSE(own->make_room(1001));
  REQUIRE(own->make_room(900));
  CHECK(own->rewrite(900, [](std::byte* to) { std::fill_n(to, 900, std::byte{3}); }).ok());
  CHECK(is_all(*own, 3));
  CHECK(Buffer::live_bytes() == before + 900);
  auto view = Buffer::borrow(own->data(), 100, own);
  CHECK_FALSE(view->is_separate());
  CHECK_FALSE(view->make_room(10));
  Buffer::set_limit(before + 1000);
  CHECK_FALSE(own->rewrite(900, [](std::byte*) { FAIL("no room"); }).ok());
  Buffer::set_limit(SIZE_MAX);
  CHECK(is_all(*own, 3));
}
