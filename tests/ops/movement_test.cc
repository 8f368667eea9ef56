// Expected values: numpy, or the rule of the specification applied by hand.
#include "base/narrow_float.h"
#include "support/evaluate.h"

namespace kinglet::testing {
namespace {

Tensor count_up(const Shape& shape) {
  std::vector<float> values(static_cast<size_t>(shape.count()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  return floats(shape, values);
}
Tensor strings(const Shape& shape, std::vector<std::string> values) {
  return tensor<std::string>(shape, values);
}
// uint4 elements, two to a byte.
Tensor nibbles(const Shape& shape, std::vector<uint8_t> bytes) {
  Tensor t = *Tensor::allocate(DType::kUInt4, shape);
  std::copy(bytes.begin(), bytes.end(), t.data<uint8_t>());
  return t;
}
std::vector<uint8_t> raw(const Value& v) {
  auto* p = v.tensor()->data<uint8_t>();
  return {p, p + v.tensor()->bytes()};
}
using Floats = std::vector<float>;
using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("Transpose: strings, and 4-bit elements that change their place in the byte") {
  auto y = evaluate_op({"Transpose", {strings({2, 2}, {"a", "b", "c", "d"})}});
  CHECK(read<std::string>(y[0]) == Strings{"a", "c", "b", "d"});
  // 1 2 3 / 4 5 6 becomes 1 4 / 2 5 / 3 6
  auto n = evaluate_op({"Transpose", {nibbles({2, 3}, {0x21, 0x43, 0x65})}});
  CHECK(n[0].tensor()->shape() == Shape{3, 2});
  CHECK(raw(n[0]) == std::vector<uint8_t>{0x41, 0x52, 0x63});
}

TEST_CASE("Transpose: a perm that is no permutation is refused") {
  CHECK(evaluate_fails({"Transpose", {count_up({2, 3})}, attributes({{"perm", list({0, 0})}})}) ==
        Code::kInvalidShape);
  CHECK(evaluate_fails({"Transpose", {count_up({2, 3})}, attributes({{"perm", list({0, 2})}})}) ==
        Code::kInvalidShape);
}

TEST_CASE("Slice: bounds far outside, negative steps, the smallest step") {
  auto slice = [](std::vector<int64_t> starts, std::vector<int64_t> ends, std::vector<int64_t> steps) {
    return read<float>(
        evaluate_op({"Slice", {count_up({5}), ints(starts), ints(ends), ints({-1}), ints(steps)}})[0]);
  };
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min(), kMax = std::numeric_limits<int64_t>::max();
  CHECK(slice({1}, {kMax}, {2}) == Floats{1, 3});
  CHECK(slice({-1}, {kMin}, {-1}) == Floats{4, 3, 2, 1, 0});
  CHECK(slice({kMax}, {kMin}, {kMin}) == Floats{4});
  CHECK(slice({0}, {kMax}, {kMax}) == Floats{0});
  CHECK(slice({3}, {1}, {1}) == Floats{});
  CHECK(evaluate_fails({"Slice", {count_up({5}), ints({0}), ints({1}), ints({0}), ints({0})}}) ==
        Code::kInvalidArgument);
  CHECK(evaluate_fails({"Slice", {count_up({5}), ints({0}), ints({1}), ints({1})}}) == Code::kInvalidShape);
}

TEST_CASE("Split: uneven parts, sizes that do not fit, absent outputs of a node without outputs") {
  auto y = evaluate_op({"Split", {count_up({7})}, attributes({{"num_outputs", int64_t{3}}}), 3});
  CHECK(read<float>(y[2]) == Floats{6});
  CHECK(read<float>(y[1]) == Floats{3, 4, 5});
  CHECK(evaluate_fails({"Split", {count_up({7}), ints({5, 3})}, {}, 2}) == Code::kInvalidShape);
  CHECK(evaluate_fails({"Split", {count_up({7}), ints({8, -1})}, {}, 2}) == Code::kInvalidShape);
}

TEST_CASE("Concat: along an inner axis, with an empty part") {
  auto y = evaluate_op({"Concat",
                        {floats({2, 1}, {1, 2}), floats({2, 0}, {}), floats({2, 2}, {3, 4, 5, 6})},
                        attributes({{"axis", int64_t{-1}}})});
  CHECK(read<float>(y[0]) == Floats{1, 3, 4, 2, 5, 6});
  CHECK(evaluate_fails(
            {"Concat", {floats({2}, {1, 2}), floats({1, 1}, {1})}, attributes({{"axis", int64_t{0}}})}) ==
        Code::kInvalidShape);
}

TEST_CASE("Expand and Tile: values, and counts that overflow") {
  auto y = evaluate_op({"Expand", {floats({2, 1}, {1, 2}), ints({3, 1, 2})}});
  CHECK(read<float>(y[0]) == Floats{1, 1, 2, 2, 1, 1, 2, 2, 1, 1, 2, 2});
  auto t = evaluate_op({"Tile", {floats({1, 2}, {1, 2}), ints({2, 2})}});
  CHECK(read<float>(t[0]) == Floats{1, 2, 1, 2, 1, 2, 1, 2});
  CHECK(evaluate_fails({"Tile", {count_up({3}), ints({int64_t{1} << 62})}}) == Code::kLimitExceeded);
  CHECK(evaluate_fails({"Expand", {count_up({1}), ints({int64_t{1} << 40, int64_t{1} << 40})}}) ==
        Code::kLimitExceeded);
}

TEST_CASE("Pad: modes as numpy.pad, also wider than the tensor") {
  auto pad = [](std::string mode, std::vector<int64_t> pads) {
    return read<float>(evaluate_op({"Pad", {count_up({3}), ints(pads)}, attributes({{"mode", mode}})})[0]);
  };
  CHECK(pad("reflect", {5, 3}) == Floats{1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1});
  CHECK(pad("wrap", {4, 2}) == Floats{2, 0, 1, 2, 0, 1, 2, 0, 1});
  CHECK(pad("edge", {2, 1}) == Floats{0, 0, 0, 1, 2, 2});
  CHECK(pad("constant", {-1, 2}) == Floats{1, 2, 0, 0});
  CHECK(pad("constant", {-4, 3}) == Floats{0, 0});
  CHECK(evaluate_fails({"Pad", {count_up({3}), ints({-2, -2})}}) == Code::kInvalidShape);
  auto two = evaluate_op(
      {"Pad", {count_up({2, 2}), ints({1, 1, 0, 1})}, attributes({{"mode", std::string("edge")}})});
  CHECK(read<float>(two[0]) == Floats{0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3});
  auto text = evaluate_op({"Pad", {strings({1}, {"a"}), ints({1, 1}), strings({}, {"x"})}});
  CHECK(read<std::string>(text[0]) == Strings{"x", "a", "x"});
  auto small = evaluate_op({"Pad", {nibbles({3}, {0x21, 0x03}), ints({1, 0}), nibbles({1}, {0x07})}});
  CHECK(raw(small[0]) == std::vector<uint8_t>{0x17, 0x32});
}

TEST_CASE("Gather family: negative indices wrap, others are refused by name") {
  auto y = evaluate_op({"Gather", {strings({3}, {"a", "b", "c"}), tensor<int32_t>({2}, {-1, 0})}});
  CHECK(read<std::string>(y[0]) == Strings{"c", "a"});
  for (int64_t bad : {3, -4}) {
    std::vector<Value> results;
    Status s = try_evaluate({"Gather", {count_up({2, 3}), ints({bad})}, attributes({{"axis", int64_t{1}}})},
                            &results);
    REQUIRE_FALSE(s.ok());
    CHECK(s.code() == Code::kIndexOutOfRange);
    CHECK(s.detail() == str("index ", bad, " is outside axis 1 with extent 3"));
    CHECK(evaluate_fails({"GatherElements", {count_up({3}), ints({bad})}}) == Code::kIndexOutOfRange);
    CHECK(evaluate_fails({"GatherND", {count_up({3}), ints({bad})}}) == Code::kIndexOutOfRange);
    CHECK(evaluate_fails({"ScatterElements", {count_up({3}), ints({bad}), floats({1}, {1})}}) ==
          Code::kIndexOutOfRange);
    CHECK(evaluate_fails({"ScatterND", {count_up({3}), tensor<int64_t>({1, 1}, {bad}), floats({1}, {1})}}) ==
          Code::kIndexOutOfRange);
  }
}

TEST_CASE("Scatter: reductions with repeated indices") {
  auto scatter = [](std::string reduction) {
    return read<float>(evaluate_op({"ScatterElements",
                                    {floats({3}, {1, 2, 3}), ints({1, -2, 0}), floats({3}, {5, 7, -1})},
                                    attributes({{"reduction", reduction}})})[0]);
  };
  CHECK(scatter("none") == Floats{-1, 7, 3});
  CHECK(scatter("add") == Floats{0, 14, 3});
  CHECK(scatter("mul") == Floats{-1, 70, 3});
  CHECK(scatter("max") == Floats{1, 7, 3});
  CHECK(scatter("min") == Floats{-1, 2, 3});
  auto bools = evaluate_op(
      {"ScatterND",
       {tensor<bool>({2}, {false, true}), tensor<int64_t>({2, 1}, {0, 1}), tensor<bool>({2}, {true, true})},
       attributes({{"reduction", std::string("add")}})});
  CHECK(read<bool>(bools[0]) == std::vector<bool>{true, true});
  CHECK(evaluate_fails({"ScatterND",
                        {strings({1}, {"a"}), tensor<int64_t>({1, 1}, {0}), strings({1}, {"b"})},
                        attributes({{"reduction", std::string("add")}})}) == Code::kUnsupportedType);
}

TEST_CASE("ConstantOfShape: an extent that is negative or beyond memory") {
  CHECK(evaluate_fails({"ConstantOfShape", {ints({-1})}}) == Code::kInvalidShape);
  CHECK(evaluate_fails({"ConstantOfShape", {ints({int64_t{1} << 60})}}) == Code::kLimitExceeded);
  Tensor value = nibbles({1}, {0x05});
  auto y = evaluate_op({"ConstantOfShape", {ints({3})}, attributes({{"value", value}})});
  CHECK(raw(y[0]) == std::vector<uint8_t>{0x55, 0x05});
}

TEST_CASE("MaxPool: int8, float16, and the places of the maxima") {
  auto small = evaluate_op({"MaxPool",
                            {tensor<int8_t>({1, 1, 4}, {-100, -128, 3, -5})},
                            attributes({{"kernel_shape", list({2})}, {"strides", list({2})}})});
  CHECK(read<int8_t>(small[0]) == std::vector<int8_t>{-100, 3});
  Tensor half = *Tensor::allocate(DType::kFloat16, {1, 1, 3});
  for (int i = 0; i < 3; ++i) half.data<uint16_t>()[i] = float_to_half(static_cast<float>(i) / 2);
  auto y = evaluate_op({"MaxPool", {half}, attributes({{"kernel_shape", list({2})}}), 2});
  CHECK(y[0].tensor()->dtype() == DType::kFloat16);
  CHECK(y[0].tensor()->number(1) == 1.0);
  CHECK(read<int64_t>(y[1]) == std::vector<int64_t>{1, 2});
}

TEST_CASE("pooling refuses windows that do not fit and lists of the wrong length") {
  auto pool = [](std::initializer_list<std::pair<std::string_view, AttributeValue>> list) {
    return evaluate_fails({"AveragePool", {count_up({1, 1, 3})}, attributes(list)});
  };
  CHECK(pool({{"kernel_shape", list({4})}}) == Code::kInvalidShape);
  CHECK(pool({{"kernel_shape", list({2, 2})}}) == Code::kInvalidShape);
  CHECK(pool({{"kernel_shape", list({2})}, {"strides", list({0})}}) == Code::kInvalidArgument);
  CHECK(pool({{"kernel_shape", list({2})}, {"pads", list({-1, 0})}}) == Code::kInvalidArgument);
  CHECK(pool({{"kernel_shape", list({int64_t{1} << 40})}}) == Code::kInvalidArgument);
}

}  // namespace kinglet::testing
