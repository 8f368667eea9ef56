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
