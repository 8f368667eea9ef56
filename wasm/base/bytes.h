#pragma once
// A cursor over bytes that nobody vouches for. Reading beyond the end is a failure.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/result.h"

namespace kinglet {

using Bytes = std::span<const std::byte>;

inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : rest_(bytes) {}
  bool done() const { return rest_.empty(); }
  size_t left() const { return rest_.size(); }
  Bytes rest() const { return rest_; }

  Result<Bytes> take(uint64_t count) {
    KL_REQUIRE(count <= rest_.size(), kInvalidModel, count, " bytes wanted, ", rest_.size(), " left");
    Bytes out = rest_.first(static_cast<size_t>(count));
    rest_ = rest_.subspan(static_cast<size_t>(count));
    return out;
  }
  // Little-endian, any alignment.
  template <class T>
  Result<T> fixed() {
    KL_ASSIGN(Bytes bytes, take(sizeof(T)));
    T value;
    std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }
  // Takes a varint of one byte, as most are; false if the next is none.
  bool short_varint(uint64_t* value) {
    if (rest_.empty() || (rest_.front() & std::byte{0x80}) != std::byte{0}) return false;
    *value = static_cast<uint64_t>(rest_.front());
    rest_ = rest_.subspan(1);
    return true;
  }
  // Base-128, at most ten bytes.
  Result<uint64_t> varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      KL_REQUIRE(!rest_.empty(), kInvalidModel, "the file ends inside a number");
      auto byte = static_cast<uint8_t>(rest_.front());
      rest_ = rest_.subspan(1);
      KL_REQUIRE(shift != 63 || byte <= 1, kInvalidModel, "a number has more than 64 bits");
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    return fail(Code::kInvalidModel, "a number has more than ten bytes");
  }

 private:
  Bytes rest_;
};

}  // namespace kinglet
