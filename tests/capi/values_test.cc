// The exported calls on values, as JavaScript makes them.
#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

#include "capi/abi.h"

namespace {

std::string text_of(Text handle) {
  REQUIRE(handle != 0);
  std::string text(static_cast<const char*>(kl_bytes_data(handle)), kl_bytes_size(handle));
  kl_release(handle);
  return text;
}

std::string last_code() {
  std::string json = text_of(kl_last_error());
  size_t at = json.find("\"code\":\"") + 8;
  return json.substr(at, json.find('"', at) - at);
}

Handle floats(std::vector<int64_t> dims, std::vector<float> values) {
  Handle t = kl_tensor_new(1, dims.data(), dims.size());
  REQUIRE(t != 0);
  REQUIRE(kl_tensor_bytes(t) == values.size() * sizeof(float));
  std::memcpy(kl_tensor_data(t), values.data(), kl_tensor_bytes(t));
  return t;
}

// Packed as kl_strings_new wants it.
Handle packed(const std::vector<std::string>& strings) {
  size_t total = strings.size() * 4;
  for (const auto& s : strings) total += s.size();
  Handle bytes = kl_bytes_new(total);
  auto* out = static_cast<char*>(kl_bytes_data(bytes));
  for (const auto& s : strings) {
    uint32_t length = static_cast<uint32_t>(s.size());
    std::memcpy(out, &length, 4);
    out += 4;
  }
  for (const auto& s : strings) out = std::copy(s.begin(), s.end(), out);
  return bytes;
}

// Every test leaves no object behind.
struct Balanced {
  Size before = kl_live_objects();
  ~Balanced() { CHECK(kl_live_objects() == before); }
};

}  // namespace

TEST_CASE("a tensor keeps its type, dimensions and data") {
  Balanced balanced;
  Handle t = floats({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(kl_value_kind(t) == 1);
  CHECK(kl_tensor_dtype(t) == 1);
  REQUIRE(kl_tensor_rank(t) == 2);
  const auto* dims = static_cast<const int64_t*>(kl_tensor_dims(t));
  CHECK(dims[0] == 2);
  CHECK(dims[1] == 3);
  CHECK(static_cast<float*>(kl_tensor_data(t))[5] == 6);
  CHECK(kl_tensor_strings(t) == 0);
  CHECK(last_code() == "invalid_argument");
  kl_release(t);
}

TEST_CASE("sub-byte tensors are packed") {
  Balanced balanced;
  int64_t dims[] = {3, 3};
  Handle t = kl_tensor_new(22, dims, 2);
  CHECK(kl_tensor_bytes(t) == 5);
  kl_release(t);
}

TEST_CASE("tensors that cannot be are refused") {
  Balanced balanced;
  int64_t negative[] = {2, -1};
  CHECK(kl_tensor_new(1, negative, 2) == 0);
  CHECK(last_code() == "invalid_shape");
  int64_t huge[] = {int64_t{1} << 40, int64_t{1} << 40};
  CHECK(kl_tensor_new(1, huge, 2) == 0);
  std::vector<int64_t> many(17, 1);
  CHECK(kl_tensor_new(1, many.data(), many.size()) == 0);
  int64_t one[] = {1};
  for (int dtype : {-1, 0, 8, 27, 1000}) {
    CHECK(kl_tensor_new(dtype, one, 1) == 0);
    CHECK(last_code() == "invalid_argument");
  }
}

TEST_CASE("strings go in and come out byte for byte") {
  Balanced balanced;
  std::vector<std::string> strings = {"", "a", std::string("\0\xff", 2), "\xe4\xbd\xa0\xe5\xa5\xbd"};
  Handle in = packed(strings);
  int64_t dims[] = {2, 2};
  Handle t = kl_strings_new(dims, 2, in);
  REQUIRE(t != 0);
  CHECK(kl_tensor_dtype(t) == 8);
  CHECK(kl_tensor_data(t) == nullptr);
  CHECK(kl_tensor_bytes(t) == 0);
  Handle out = kl_tensor_strings(t);
  REQUIRE(kl_bytes_size(out) == kl_bytes_size(in));
  CHECK(std::memcmp(kl_bytes_data(out), kl_bytes_data(in), kl_bytes_size(in)) == 0);
  for (Handle h : {in, out, t}) kl_release(h);
}

TEST_CASE("strings that reach beyond their bytes are refused") {
  Balanced balanced;
  Handle in = packed({"abc", "de"});
  int64_t three[] = {3};
  CHECK(kl_strings_new(three, 1, in) == 0);
  int64_t many[] = {1 << 30};
  CHECK(kl_strings_new(many, 1, in) == 0);
  uint32_t length = 0xffffffff;
  std::memcpy(kl_bytes_data(in), &length, 4);
  int64_t two[] = {2};
  CHECK(kl_strings_new(two, 1, in) == 0);
  CHECK(last_code() == "invalid_argument");
  kl_release(in);
}

TEST_CASE("a sequence shares its items") {
  Balanced balanced;
  Handle item = floats({1}, {7});
  Handle list = kl_sequence_new();
  CHECK(kl_sequence_push(list, item) == 1);
  CHECK(kl_sequence_push(list, item) == 1);
  CHECK(kl_sequence_push(item, item) == 0);
  CHECK(kl_sequence_push(list, list) == 0);
  kl_release(item);
  CHECK(kl_value_kind(list) == 2);
  REQUIRE(kl_sequence_length(list) == 2);
  Handle second = kl_sequence_item(list, 1);
  CHECK(static_cast<float*>(kl_tensor_data(second))[0] == 7);
  CHECK(kl_sequence_item(list, 2) == 0);
  kl_release(list);
  CHECK(static_cast<float*>(kl_tensor_data(second))[0] == 7);
  kl_release(second);
}

TEST_CASE("a map has as many values as keys") {
  Balanced balanced;
  int64_t dims[] = {2};
  Handle bytes = packed({"a", "b"});
  Handle keys = kl_strings_new(dims, 1, bytes);
  Handle values = floats({2}, {0.25, 0.75});
  Handle short_values = floats({1}, {1});
  CHECK(kl_map_new(keys, short_values) == 0);
  CHECK(last_code() == "invalid_argument");
  Handle map = kl_map_new(keys, values);
  CHECK(kl_value_kind(map) == 3);
  Handle held = kl_map_values(map);
  CHECK(static_cast<float*>(kl_tensor_data(held))[1] == 0.75f);
  Handle held_keys = kl_map_keys(map);
  CHECK(kl_tensor_dtype(held_keys) == 8);
  for (Handle h : {bytes, keys, values, short_values, map, held, held_keys}) kl_release(h);
}

TEST_CASE("an empty optional is a value of its own") {
  Balanced balanced;
  Handle none = kl_none_new();
  CHECK(kl_value_kind(none) == 0);
  kl_release(none);
}

TEST_CASE("forged and stale handles are errors") {
  Balanced balanced;
  Handle t = floats({1}, {1});
  kl_release(t);
  kl_release(t);
  for (Handle h : {Handle{0}, t, Handle{12345}, Handle{0xffffffff}}) {
    CHECK(kl_value_kind(h) == -1);
    CHECK(kl_tensor_data(h) == nullptr);
    CHECK(kl_tensor_dims(h) == nullptr);
    CHECK(kl_bytes_data(h) == nullptr);
    CHECK(kl_bytes_size(h) == 0);
    CHECK(kl_sequence_length(h) == 0);
    CHECK(kl_map_keys(h) == 0);
    CHECK(kl_session_run(h, nullptr, 0) == 0);
    CHECK(last_code() == "invalid_argument");
    kl_release(h);
  }
  // The slot is used again under another number.
  Handle next = floats({1}, {2});
  CHECK(next != t);
  CHECK(kl_tensor_data(t) == nullptr);
  kl_release(next);
}

TEST_CASE("bytes that are too many end in out_of_memory") {
  Balanced balanced;
  CHECK(kl_bytes_new(SIZE_MAX / 2 + 1) == 0);
  CHECK(last_code() == "out_of_memory");
}

TEST_CASE("scratch memory grows") {
  void* small = kl_scratch(16);
  REQUIRE(small != nullptr);
  void* large = kl_scratch(1 << 20);
  REQUIRE(large != nullptr);
  std::memset(large, 1, 1 << 20);
  CHECK(kl_scratch(16) == large);
}
