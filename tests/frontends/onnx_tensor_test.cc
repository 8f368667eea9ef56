#include <doctest/doctest.h>

#include <cstring>

#include "frontends/onnx/reader.h"
#include "support/onnx_writer.h"

using namespace kinglet;
using namespace kinglet::testing;

namespace {
Tensor read(const Proto& p) {
  auto t = read_onnx_tensor(p.buffer());
  REQUIRE_MESSAGE(t.ok(), t.status().message());
  return *t;
}
Code fault(const Proto& p) {
  auto t = read_onnx_tensor(p.buffer());
  REQUIRE(!t.ok());
  return t.status().code();
}
template <class T>
std::vector<T> list(const Tensor& t) {
  return {t.values<T>().begin(), t.values<T>().end()};
}
}  // namespace

TEST_CASE("large raw data is used in place when it is aligned, in WebAssembly always") {
  const std::vector<float> few{1, 2, 3, 4}, many(kLargeBuffer / sizeof(float), 5);
  for (const auto& values : {few, many}) {
    std::string raw(values.size() * sizeof(float), 0);
    std::memcpy(raw.data(), values.data(), raw.size());
    for (size_t padding = 0; padding < 8; ++padding) {
      Proto p = Proto().bytes(12, std::string(padding, 'x'));
      p.integer(1, 2).integer(1, static_cast<int64_t>(values.size() / 2)).integer(2, 1).bytes(9, raw);
      auto buffer = p.buffer();
      auto t = read_onnx_tensor(buffer);
      REQUIRE(t.ok());
      CHECK(list<float>(*t) == values);
      CHECK((t->shape() == Shape{2, static_cast<int64_t>(values.size() / 2)}));
      bool inside = t->data() >= buffer->data() && t->data() < buffer->data() + buffer->bytes();
      bool aligned = (p.data().size() - raw.size()) % 4 == 0;
#ifdef __wasm__
      aligned = true;  // WebAssembly loads from any address
#endif
      CHECK(inside == (aligned && raw.size() >= kLargeBuffer));
    }
  }
}

TEST_CASE("typed data, packed and single") {
  CHECK(list<float>(read(tensor("", DType::kFloat32, {3}).packed<float>(4, {1, 2, 3}))) ==
        std::vector<float>{1, 2, 3});
  CHECK(list<float>(read(tensor("", DType::kFloat32, {2}).float32(4, 5).float32(4, 6))) ==
        std::vector<float>{5, 6});
  CHECK(list<double>(read(tensor("", DType::kFloat64, {2}).packed<double>(10, {-1, 2}))) ==
        std::vector<double>{-1, 2});
  CHECK(list<int32_t>(read(tensor("", DType::kInt32, {3}).packed_varints(5, {-1, 2, 300}))) ==
        std::vector<int32_t>{-1, 2, 300});
  CHECK(list<int32_t>(
            read(tensor("", DType::kInt32, {3}).integer(5, -1).packed_varints(5, {2}).integer(5, 7))) ==
        std::vector<int32_t>{-1, 2, 7});
  CHECK(list<int8_t>(read(tensor("", DType::kInt8, {2}).packed_varints(5, {-128, 127}))) ==
        std::vector<int8_t>{-128, 127});
  CHECK(list<uint8_t>(read(tensor("", DType::kUInt8, {2}).packed_varints(5, {255, 1}))) ==
        std::vector<uint8_t>{255, 1});
  CHECK(list<bool>(read(tensor("", DType::kBool, {3}).packed_varints(5, {1, 0, 256}))) ==
        std::vector<bool>{true, false, true});
  CHECK(list<bool>(read(tensor("", DType::kBool, {2}).bytes(9, std::string_view("\x02\x00", 2)))) ==
        std::vector<bool>{true, false});
  CHECK(list<int64_t>(read(tensor("", DType::kInt64, {2}).packed_varints(7, {INT64_MIN, INT64_MAX}))) ==
        std::vector<int64_t>{INT64_MIN, INT64_MAX});
  CHECK(list<uint32_t>(read(tensor("", DType::kUInt32, {1}).packed_varints(11, {0xffffffff}))) ==
        std::vector<uint32_t>{0xffffffff});
  CHECK(list<uint64_t>(read(tensor("", DType::kUInt64, {1}).packed_varints(11, {-1}))) ==
        std::vector<uint64_t>{UINT64_MAX});
  CHECK(list<std::string>(read(tensor("", DType::kString, {2}).bytes(6, "a").bytes(6, ""))) ==
        std::vector<std::string>{"a", ""});
  CHECK(read(tensor("", DType::kFloat16, {2}).packed_varints(5, {0x3c00, 0xc000})).number(1) == -2);
  CHECK(read(tensor("", DType::kBFloat16, {1}).packed_varints(5, {0x3f80})).number(0) == 1);
  CHECK(read(tensor("", DType::kFloat8E4M3FN, {1}).packed_varints(5, {0x38})).number(0) == 1);
  Tensor nibbles = read(tensor("", DType::kInt4, {3}).packed_varints(5, {0xf1, 0x07}));
  CHECK(nibbles.number(0) == 1);
  CHECK(nibbles.number(1) == -1);
  CHECK(nibbles.number(2) == 7);
  CHECK(read(tensor("", DType::kComplex64, {1}).packed<float>(4, {1, -1})).data<float>()[1] == -1);
  CHECK(read(tensor("", DType::kFloat32, {0, 3})).count() == 0);
  CHECK(read(tensor("", DType::kFloat32, {}).packed<float>(9, {4})).number(0) == 4);
}

TEST_CASE("tensors that contradict themselves are refused") {
  CHECK(fault(tensor("", DType::kFloat32, {2}).packed<float>(9, {1})) == Code::kInvalidModel);
  CHECK(fault(tensor("", DType::kFloat32, {2}).packed<float>(4, {1})) == Code::kInvalidModel);
  CHECK(fault(tensor("", DType::kFloat32, {1}).packed<float>(4, {1}).packed<float>(4, {1})) ==
        Code::kInvalidModel);
  CHECK(fault(tensor("", DType::kFloat32, {2})) == Code::kInvalidModel);
  CHECK(fault(tensor("", DType::kInt32, {2}).packed_varints(5, {1, 2, 3})) == Code::kInvalidModel);
  CHECK(fault(tensor("", DType::kString, {2}).bytes(6, "a")) == Code::kInvalidModel);
  CHECK(fault(tensor("", DType::kFloat32, {1 << 30, 1 << 30, 1 << 30})) == Code::kLimitExceeded);
  CHECK(fault(tensor("", DType::kFloat32, {-1})) == Code::kInvalidShape);
  CHECK(fault(tensor("", DType::kNone, {1}).packed<float>(9, {1})) == Code::kInvalidModel);
  CHECK(fault(tensor("", static_cast<DType>(99), {1}).packed<float>(9, {1})) == Code::kUnsupportedType);
  CHECK(fault(tensor("", DType::kFloat32, {1}).packed<float>(9, {1}).message(3, Proto().integer(1, 0))) ==
        Code::kUnsupportedFeature);
  CHECK(fault(tensor("", DType::kFloat32, {1}).tag(9, 3)) == Code::kInvalidModel);  // a group
  CHECK(fault(tensor("", DType::kFloat32, {1}).tag(9, 2).varint(1 << 20)) == Code::kInvalidModel);
  CHECK(fault(tensor("", DType::kFloat32, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1})) ==
        Code::kLimitExceeded);
}
