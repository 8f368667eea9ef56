#include <cmath>
#include <limits>

#include "support/evaluate_op.h"

using namespace kinglet;
using namespace kinglet::testing;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr int32_t kMin32 = std::numeric_limits<int32_t>::min();
constexpr int64_t kMin64 = std::numeric_limits<int64_t>::min();

template <class T>
std::vector<T> binary(const char* op, std::vector<T> a, std::vector<T> b, Attributes attributes = {}) {
  Shape shape_a{static_cast<int64_t>(a.size())}, shape_b{static_cast<int64_t>(b.size())};
  return read<T>(run_op(op, {tensor<T>(shape_a, a), tensor<T>(shape_b, b)}, attributes)[0]);
}

// What broadcasting means, one element at a time.
std::vector<float> subtract(const Tensor& a, const Tensor& b, const Shape& out) {
  std::vector<float> result;
  for (int64_t i = 0; i < out.count(); ++i) {
    auto at = [&](const Tensor& t) {
      int64_t index = 0, rest = i, stride = 1;
      for (int d = out.rank() - 1; d >= 0; --d) {
        int own = d - (out.rank() - t.rank());
        if (own >= 0) {
          if (t.shape().at(own) != 1) index += rest % out.at(d) * stride;
          stride *= t.shape().at(own);
        }
        rest /= out.at(d);
      }
      return t.data<float>()[index];
    };
    result.push_back(at(a) - at(b));
  }
  return result;
}

Tensor ramp(const Shape& shape, float step) {
  std::vector<float> values;
  for (int64_t i = 0; i < shape.count(); ++i) values.push_back(static_cast<float>(i) * step);
  return floats(shape, values);
}

}  // namespace

TEST_CASE(
    "broadcasting: rows, columns, scalars, channels, inner dimensions short and long, ranks that differ") {
  const std::pair<Shape, Shape> cases[] = {{{2, 3, 4}, {2, 3, 4}},
                                           {{2, 3, 4}, {4}},
                                           {{2, 3, 4}, {3, 1}},
                                           {{2, 3, 4}, {}},
                                           {{1}, {5, 7}},
                                           {{2, 5, 6, 7}, {1, 5, 1, 1}},
                                           {{3, 1, 40}, {1, 50, 40}},
                                           {{40, 1}, {1, 50}},
                                           {{2, 1, 3, 1}, {4, 1, 2}},
                                           {{300, 3}, {3}},
                                           {{300, 3}, {300, 1}},
                                           {{2, 0, 3}, {1, 3}},
                                           {{600}, {600}},
                                           {{2, 3, 1, 1, 100}, {3, 4, 1, 100}}};
  for (const auto& [left, right] : cases) {
    for (bool swap : {false, true}) {
      Tensor a = ramp(swap ? right : left, 1.0f), b = ramp(swap ? left : right, 0.25f);
      auto shape = broadcast(left, right);
      REQUIRE(shape.ok());
      CAPTURE(str(a.shape(), b.shape()));
      Tensor got = run_op("Sub", {a, b})[0];
      CHECK(got.shape() == *shape);
      CHECK(read<float>(got) == subtract(a, b, *shape));
      // The same through the conversion of narrow types; the numbers are exact in float64.
      Tensor wide = run_op("Sub", {cast(a, DType::kFloat64), cast(b, DType::kFloat64)})[0];
      CHECK(read<float>(cast(wide, DType::kFloat32)) == subtract(a, b, *shape));
    }
  }
}

TEST_CASE("shapes that do not fit are refused") {
  std::vector<Tensor> out;
  CHECK(try_op("Add", {ramp({2, 3}, 1), ramp({2}, 1)}, &out).code() == Code::kInvalidShape);
  CHECK(try_op("PRelu", {ramp({3}, 1), ramp({2, 3}, 1)}, &out).code() == Code::kInvalidShape);
  CHECK(try_op("Clip", {ramp({3}, 1), ramp({2}, 1)}, &out).code() == Code::kInvalidShape);
}

TEST_CASE("integers: narrow types wrap, division truncates, dividing by zero gives 0") {
  CHECK(binary<uint8_t>("Add", {250, 1}, {10, 2}) == std::vector<uint8_t>{4, 3});
  CHECK(binary<int8_t>("Mul", {100, -128}, {2, -1}) == std::vector<int8_t>{-56, -128});
  CHECK(binary<int32_t>("Div", {7, -7, 5, kMin32}, {2, 2, 0, -1}) == std::vector<int32_t>{3, -3, 0, kMin32});
  CHECK(binary<int64_t>("Div", {-9, kMin64, 1}, {4, -1, 0}) == std::vector<int64_t>{-2, kMin64, 0});
  CHECK(binary<uint64_t>("Div", {~uint64_t{0}}, {2}) == std::vector<uint64_t>{~uint64_t{0} >> 1});
  CHECK(binary<uint64_t>("Max", {~uint64_t{0}}, {1}) == std::vector<uint64_t>{~uint64_t{0}});
  CHECK(binary<int16_t>("Sub", {-32768}, {1}) == std::vector<int16_t>{32767});
}

TEST_CASE("Mod: the sign of the divisor, or of the dividend with fmod") {
  // numpy.mod and numpy.fmod
  auto fmod = attributes({{"fmod", int64_t{1}}});
  CHECK(binary<int32_t>("Mod", {-4, 7, 5, 4, -7, 8, 3}, {2, -3, 8, -2, 3, 5, 0}) ==
        std::vector<int32_t>{0, -2, 5, 0, 2, 3, 0});
  CHECK(binary<int32_t>("Mod", {-4, 7, 5, 4, -7, 8}, {2, -3, 8, -2, 3, 5}, fmod) ==
        std::vector<int32_t>{0, 1, 5, 0, -1, 3});
  CHECK(binary<float>("Mod", {-4.5f, 7.5f}, {2, -3}, fmod) == std::vector<float>{-0.5f, 1.5f});
}

TEST_CASE("Pow: mixed types, special exponents, integers without overflow traps") {
  auto pow = [](const Tensor& x, const Tensor& y) { return run_op("Pow", {x, y})[0]; };
  Tensor x = floats({5}, {-2, 0, 4, -kInf, kNan});
  CHECK(read<float>(pow(floats({3}, {-2, 0, 9}), tensor<int64_t>({}, {2}))) == std::vector<float>{4, 0, 81});
  auto root = read<float>(pow(x, floats({}, {0.5f})));
  CHECK(std::isnan(root[0]));
  CHECK(root[2] == 2);
  CHECK(root[3] == kInf);  // as C's pow, unlike sqrt
  CHECK(std::isnan(root[4]));
  CHECK(read<int32_t>(pow(tensor<int32_t>({4}, {2, -1, 3, 0}), tensor<int32_t>({4}, {31, -3, -1, 0}))) ==
        std::vector<int32_t>{kMin32, -1, 0, 1});
  CHECK(read<int64_t>(pow(tensor<int64_t>({2}, {2, 10}), floats({2}, {0.5f, 2}))) ==
        std::vector<int64_t>{1, 100});
  CHECK(read<float>(pow(floats({2}, {2, 3}), tensor<uint8_t>({2}, {3, 2}))) == std::vector<float>{8, 9});
}

TEST_CASE("shifts by the width or more give 0") {
  auto left = attributes({{"direction", std::string("LEFT")}}),
       right = attributes({{"direction", std::string("RIGHT")}});
  CHECK(binary<uint8_t>("BitShift", {16, 4, 255}, {1, 8, 200}, left) == std::vector<uint8_t>{32, 0, 0});
  CHECK(binary<uint64_t>("BitShift", {1, 1, 1}, {63, 64, 1000}, left) ==
        std::vector<uint64_t>{uint64_t{1} << 63, 0, 0});
  CHECK(binary<uint32_t>("BitShift", {0x80000000u, 7}, {31, 32}, right) == std::vector<uint32_t>{1, 0});
  std::vector<Tensor> out;
  CHECK(try_op("BitShift", {tensor<uint8_t>({1}, {1}), tensor<uint8_t>({1}, {1})}, &out,
               attributes({{"direction", std::string("UP")}}))
            .code() == Code::kInvalidGraph);
}

TEST_CASE("of any number of inputs none may be left out") {
  Tensor a = floats({2}, {1, 2});
  std::vector<Tensor> out;
  for (const char* op : {"Max", "Min", "Sum", "Mean", "SequenceConstruct"})
    CHECK(try_op(op, {a, Tensor(), a}, &out).code() == Code::kInvalidGraph);
  Attributes axis = attributes({{"axis", int64_t{0}}});
  CHECK(try_op("Concat", {a, Tensor(), a}, &out, axis).code() == Code::kInvalidGraph);
}

TEST_CASE("Max, Min, Sum, Mean: any number of inputs that broadcast; NaN passes through") {
  Tensor a = floats({2, 2}, {1, kNan, 3, 4}), b = floats({2}, {2, 2}), c = floats({2, 1}, {0, 5});
  auto max = read<float>(run_op("Max", {a, b, c})[0]);
  CHECK(max[0] == 2);
  CHECK(std::isnan(max[1]));
  CHECK(max[2] == 5);
  CHECK(std::isnan(read<float>(run_op("Min", {b, a})[0])[1]));
  CHECK(read<float>(run_op("Sum", {b, c, floats({}, {10})})[0]) == std::vector<float>{12, 12, 17, 17});
  CHECK(read<float>(run_op("Mean", {b, c, floats({}, {10})})[0]) ==
        std::vector<float>{4, 4, 17 / 3.0f, 17 / 3.0f});
  CHECK(read<float>(run_op("Mean", {b})[0]) == std::vector<float>{2, 2});
  CHECK(read<int8_t>(run_op("Max", {tensor<int8_t>({2}, {-1, 5}), tensor<int8_t>({1}, {2})})[0]) ==
        std::vector<int8_t>{2, 5});
}

TEST_CASE("narrow floats compute in float32 and round once") {
  Tensor half = cast(floats({3}, {1, 2048, 65504}), DType::kFloat16);
  Tensor sum = run_op("Add", {half, half})[0];
  CHECK(sum.dtype() == DType::kFloat16);
  CHECK(numbers(sum) == std::vector<double>{2, 4096, std::numeric_limits<double>::infinity()});
  Tensor relu = run_op("Relu", {cast(floats({2}, {-3, 1.5f}), DType::kBFloat16)})[0];
  CHECK(numbers(relu) == std::vector<double>{0, 1.5});
  CHECK(numbers(run_op("Sin", {cast(floats({1}, {1}), DType::kFloat16)})[0])[0] ==
        doctest::Approx(0.84147).epsilon(1e-3));
}

TEST_CASE("unary functions of integers") {
  CHECK(read<int8_t>(run_op("Abs", {tensor<int8_t>({3}, {-128, -1, 5})})[0]) ==
        std::vector<int8_t>{-128, 1, 5});
  CHECK(read<int64_t>(run_op("Neg", {tensor<int64_t>({2}, {kMin64, 3})})[0]) ==
        std::vector<int64_t>{kMin64, -3});
  CHECK(read<uint64_t>(run_op("Abs", {tensor<uint64_t>({1}, {~uint64_t{0}})})[0])[0] == ~uint64_t{0});
  CHECK(read<uint64_t>(run_op("Sign", {tensor<uint64_t>({2}, {~uint64_t{0}, 0})})[0]) ==
        std::vector<uint64_t>{1, 0});
  CHECK(read<int32_t>(run_op("Sign", {tensor<int32_t>({3}, {-5, 0, 9})})[0]) ==
        std::vector<int32_t>{-1, 0, 1});
  CHECK(read<uint8_t>(run_op("BitwiseNot", {tensor<uint8_t>({2}, {0, 0x0f})})[0]) ==
        std::vector<uint8_t>{255, 0xf0});
  CHECK(read<int32_t>(run_op("Shrink", {tensor<int32_t>({4}, {-3, 0, 1, 4})},
                             attributes({{"lambd", 1.5f}, {"bias", 1.0f}}))[0]) ==
        std::vector<int32_t>{-2, 0, 0, 3});
}

TEST_CASE("Round: half to even; Clip: bounds absent, crossed, of integers; NaN stays") {
  CHECK(read<float>(run_op("Round", {floats({6}, {0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 0.9f})})[0]) ==
        std::vector<float>{0, 2, 2, 0, -2, 1});
  Tensor x = floats({4}, {-5, 0.5f, 5, kNan});
  auto clipped = read<float>(run_op("Clip", {x, floats({}, {-1}), floats({}, {1})})[0]);
  CHECK(std::isnan(clipped[3]));
  clipped.pop_back();
  CHECK(clipped == std::vector<float>{-1, 0.5f, 1});
  CHECK(read<float>(run_op("Clip", {x, Tensor(), floats({}, {1})})[0])[0] == -5);
  CHECK(read<float>(run_op("Clip", {x, floats({}, {2}), floats({}, {1})})[0])[0] == 1);
  CHECK(read<uint64_t>(
            run_op("Clip", {tensor<uint64_t>({2}, {3, ~uint64_t{0}}), tensor<uint64_t>({}, {5})})[0]) ==
        std::vector<uint64_t>{5, ~uint64_t{0}});
  CHECK(read<int8_t>(run_op("Clip", {tensor<int8_t>({2}, {-100, 100}), Tensor(),
                                     tensor<int8_t>({}, {7})})[0]) == std::vector<int8_t>{-100, 7});
}

TEST_CASE("comparisons: broadcast, NaN, bool, strings, uint64 beyond int64") {
  CHECK(read<bool>(run_op("Less", {floats({2, 2}, {1, kNan, -0.0f, 3}), floats({2}, {2, 0})})[0]) ==
        std::vector<bool>{true, false, true, false});
  CHECK(read<bool>(
      run_op("Greater", {tensor<uint64_t>({1}, {~uint64_t{0}}), tensor<uint64_t>({1}, {1})})[0])[0]);
  CHECK(read<bool>(run_op("GreaterOrEqual", {tensor<int32_t>({2}, {1, 2}), tensor<int32_t>({}, {2})})[0]) ==
        std::vector<bool>{false, true});
  Tensor equal = run_op("Equal", {tensor<bool>({2}, {true, false}), tensor<bool>({1}, {true})})[0];
  CHECK(numbers(equal) == std::vector<double>{1, 0});
  Tensor words = tensor<std::string>({2, 1}, {"one", "a much longer string that is kept elsewhere"});
  Tensor other = tensor<std::string>({3}, {"one", "two", "a much longer string that is kept elsewhere"});
  CHECK(read<bool>(run_op("Equal", {words, other})[0]) ==
        std::vector<bool>{true, false, false, false, false, true});
}

TEST_CASE("Where: three inputs that broadcast, every element size, strings") {
  Tensor condition = tensor<bool>({2, 1}, {true, false});
  CHECK(read<float>(run_op("Where", {condition, floats({2}, {1, 2}), floats({}, {9})})[0]) ==
        std::vector<float>{1, 2, 9, 9});
  CHECK(read<int64_t>(run_op("Where", {condition, ints({1, 2}), ints({3, 4})})[0]) ==
        std::vector<int64_t>{1, 2, 3, 4});
  CHECK(read<uint8_t>(
            run_op("Where", {condition, tensor<uint8_t>({1}, {7}), tensor<uint8_t>({2}, {8, 9})})[0]) ==
        std::vector<uint8_t>{7, 7, 8, 9});
  Tensor words = tensor<std::string>({2}, {"yes, and at some length to leave the short form", "y"});
  CHECK(read<std::string>(run_op("Where", {condition, words, tensor<std::string>({}, {"no"})})[0]) ==
        std::vector<std::string>{words.data<std::string>()[0], "y", "no", "no"});
}

TEST_CASE("logic, IsNaN, IsInf") {
  CHECK(
      read<bool>(run_op("Xor", {tensor<bool>({2, 1}, {true, false}), tensor<bool>({2}, {true, false})})[0]) ==
      std::vector<bool>{false, true, true, false});
  CHECK(read<bool>(run_op("Not", {tensor<bool>({2}, {true, false})})[0]) == std::vector<bool>{false, true});
  Tensor x = floats({4}, {kNan, kInf, -kInf, 0});
  CHECK(read<bool>(run_op("IsNaN", {x})[0]) == std::vector<bool>{true, false, false, false});
  CHECK(read<bool>(
            run_op("IsInf", {cast(x, DType::kFloat16)}, attributes({{"detect_negative", int64_t{0}}}))[0]) ==
        std::vector<bool>{false, true, false, false});
  CHECK(read<bool>(
            run_op("IsInf", {cast(x, DType::kFloat64)}, attributes({{"detect_positive", int64_t{0}}}))[0]) ==
        std::vector<bool>{false, false, true, false});
}

TEST_CASE("Gelu and its composed relatives") {
  // scipy.special: 0.5 x (1 + erf(x / sqrt 2)) and the tanh form
  Tensor x = floats({3}, {-1, 0.5f, 2}), bias = floats({3}, {1, 1, 1});
  auto near = [](const Tensor& t, std::vector<double> want) {
    for (size_t i = 0; i < want.size(); ++i) CHECK(numbers(t)[i] == doctest::Approx(want[i]).epsilon(1e-6));
  };
  near(run_op("Gelu", {x})[0], {-0.158655254, 0.345731235, 1.954499736});
  near(run_op("Gelu", {x}, attributes({{"approximate", std::string("tanh")}}))[0],
       {-0.158808009, 0.345714010, 1.954597694});
  near(run_op("BiasGelu", {x, bias}, {}, "com.microsoft")[0], {0.0, 1.399789198, 2.995950306});
  near(run_op("FastGelu", {x, bias}, {}, "com.microsoft")[0], {0.0, 1.399571577, 2.996362607});
  near(run_op("QuickGelu", {x}, {}, "com.microsoft")[0], {-0.154204234, 0.350388437, 1.935658623});
}
