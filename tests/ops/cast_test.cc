#include <cmath>
#include <limits>

#include "support/evaluate_op.h"

using namespace kinglet;
using namespace kinglet::testing;

namespace {
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
}  // namespace

TEST_CASE("every numeric type to every other keeps small integers") {
  for (int from = 1; from < kDTypeCount; ++from) {
    for (int to = 1; to < kDTypeCount; ++to) {
      auto a = static_cast<DType>(from), b = static_cast<DType>(to);
      bool numeric = true;
      for (DType d : {a, b})
        numeric &=
            dtype_kind(d) != 's' && dtype_kind(d) != 'c' && d != DType::kBool && d != DType::kFloat8E8M0;
      if (!numeric) continue;
      CAPTURE(str(a, " to ", b));
      CHECK(numbers(cast(cast(floats({5}, {0, 1, 1, 0, 1}), a), b)) == std::vector<double>{0, 1, 1, 0, 1});
    }
  }
}

TEST_CASE("integers wrap when cast to narrower ones") {
  Tensor x = tensor<int64_t>({4}, {200, -1, 65536 + 7, int64_t{1} << 40});
  CHECK(read<int8_t>(cast(x, DType::kInt8)) == std::vector<int8_t>{-56, -1, 7, 0});
  CHECK(read<uint8_t>(cast(x, DType::kUInt8)) == std::vector<uint8_t>{200, 255, 7, 0});
  CHECK(read<uint32_t>(cast(x, DType::kUInt32)) == std::vector<uint32_t>{200, 0xffffffff, 65543, 0});
  CHECK(numbers(cast(x, DType::kInt4)) == std::vector<double>{-8, -1, 7, 0});
  CHECK(read<bool>(cast(x, DType::kBool)) == std::vector<bool>{true, true, true, true});
  CHECK(read<float>(cast(tensor<uint64_t>({1}, {~uint64_t{0}}), DType::kFloat32)) ==
        std::vector<float>{0x1p64f});
}

TEST_CASE("floats outside of an integer's range saturate or wrap, and never trap") {
  Tensor x = floats({7}, {300.7f, -1.5f, 1e20f, -1e20f, kNan, kInf, 2.9f});
  CHECK(read<int32_t>(cast(x, DType::kInt32)) ==
        std::vector<int32_t>{300, -1, std::numeric_limits<int32_t>::max(),
                             std::numeric_limits<int32_t>::min(), 0, std::numeric_limits<int32_t>::max(), 2});
  CHECK(read<int64_t>(cast(x, DType::kInt64))[2] == std::numeric_limits<int64_t>::max());
  CHECK(read<uint8_t>(cast(floats({3}, {300.7f, -1.5f, 255.9f}), DType::kUInt8)) ==
        std::vector<uint8_t>{44, 255, 255});
  CHECK(read<uint64_t>(cast(floats({2}, {0x1p63f, kInf}), DType::kUInt64)) ==
        std::vector<uint64_t>{uint64_t{1} << 63, ~uint64_t{0}});
  CHECK(read<bool>(cast(floats({4}, {0.2f, -0.0f, kNan, 0}), DType::kBool)) ==
        std::vector<bool>{true, false, true, false});
}

TEST_CASE("to float16: nearest even, subnormals, overflow, and float64 is rounded once") {
  // numpy.float16
  Tensor x = floats({6}, {2049, 2051, 65520, 5.9604645e-8f, 2.9802322e-8f, -0.0f});
  Tensor h = cast(x, DType::kFloat16);
  const uint16_t* bits = h.data<uint16_t>();
  const uint16_t want[] = {0x6800, 0x6802, 0x7c00, 0x0001, 0x0000, 0x8000};
  for (int i = 0; i < 6; ++i) CHECK(bits[i] == want[i]);
  // Just above the middle of two halves, which float32 cannot tell from the middle.
  Tensor d = cast(tensor<double>({2}, {1 + 0x1p-11 + 0x1p-40, 1 + 0x1p-11}), DType::kFloat16);
  CHECK(d.data<uint16_t>()[0] == 0x3c01);
  CHECK(d.data<uint16_t>()[1] == 0x3c00);
  CHECK(std::isnan(cast(floats({1}, {kNan}), DType::kFloat16).number(0)));
}

TEST_CASE("strings: shortest digits there, any notation back, and text that is no number is refused") {
  Tensor x = floats({8}, {0.1f, 1, -123456, 1e20f, 1.5e-7f, kNan, -kInf, 16777216});
  Tensor text = cast(x, DType::kString);
  CHECK(read<std::string>(text) ==
        std::vector<std::string>{"0.1", "1", "-123456", "1e+20", "1.5e-07", "NaN", "-INF", "16777216"});
  Tensor back = cast(text, DType::kFloat32);
  for (int64_t i = 0; i < 8; ++i)
    if (i != 5) CHECK(back.data<float>()[i] == x.data<float>()[i]);
  CHECK(read<std::string>(cast(tensor<double>({1}, {0.1}), DType::kString))[0] == "0.1");
  CHECK(read<std::string>(cast(tensor<uint64_t>({1}, {~uint64_t{0}}), DType::kString))[0] ==
        "18446744073709551615");
  CHECK(read<int64_t>(cast(tensor<std::string>({3}, {" 42", "-7", "100.5"}), DType::kInt64)) ==
        std::vector<int64_t>{42, -7, 100});
  std::vector<Tensor> out;
  CHECK(
      try_op("Cast", {tensor<std::string>({1}, {"hello"})}, &out, attributes({{"to", int64_t{1}}})).code() ==
      Code::kInvalidInput);
}

TEST_CASE("float8: saturate or not") {
  auto to = static_cast<int64_t>(DType::kFloat8E4M3FN);
  Tensor x = floats({3}, {1000, -1000, 1.0625f});
  Tensor saturated = run_op("Cast", {x}, attributes({{"to", to}}))[0];
  CHECK(numbers(saturated) == std::vector<double>{448, -448, 1});
  Tensor open = run_op("Cast", {x}, attributes({{"to", to}, {"saturate", int64_t{0}}}))[0];
  CHECK(std::isnan(open.number(0)));
}

TEST_CASE("no type, complex numbers: refused") {
  std::vector<Tensor> out;
  for (int64_t to : {0, 14, 15, 99})
    CHECK(try_op("Cast", {floats({1}, {1})}, &out, attributes({{"to", to}})).ok() == false);
}
