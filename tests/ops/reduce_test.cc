#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>

#include "support/evaluate_op.h"

using namespace kinglet;
using namespace kinglet::testing;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Judge {
  const char* op;
  // All elements of one group, in order.
  std::function<double(const std::vector<double>&)> of;
};

double fold(const std::vector<double>& v, double a, double (*f)(double, double)) {
  for (double x : v) a = f(a, x);
  return a;
}
const Judge kJudges[] = {
    {"ReduceSum", [](auto& v) { return fold(v, 0, [](double a, double x) { return a + x; }); }},
    {"ReduceMean",
     [](auto& v) { return fold(v, 0, [](double a, double x) { return a + x; }) / double(v.size()); }},
    {"ReduceMax", [](auto& v) { return fold(v, -kInf, [](double a, double x) { return x > a ? x : a; }); }},
    {"ReduceMin", [](auto& v) { return fold(v, kInf, [](double a, double x) { return x < a ? x : a; }); }},
    {"ReduceProd", [](auto& v) { return fold(v, 1, [](double a, double x) { return a * x; }); }},
    {"ReduceL1", [](auto& v) { return fold(v, 0, [](double a, double x) { return a + std::fabs(x); }); }},
    {"ReduceL2", [](auto& v) { return std::sqrt(fold(v, 0, [](double a, double x) { return a + x * x; })); }},
    {"ReduceSumSquare", [](auto& v) { return fold(v, 0, [](double a, double x) { return a + x * x; }); }},
    {"ReduceLogSum", [](auto& v) { return std::log(fold(v, 0, [](double a, double x) { return a + x; })); }},
    {"ReduceLogSumExp",
     [](auto& v) { return std::log(fold(v, 0, [](double a, double x) { return a + std::exp(x); })); }},
};

std::vector<double> judged(const Judge& judge, const Tensor& x, const std::vector<int64_t>& axes) {
  Shape shape = x.shape();
  for (int64_t a : axes) shape[static_cast<size_t>(a)] = 1;
  std::vector<std::vector<double>> groups(static_cast<size_t>(shape.count()));
  for (int64_t i = 0; i < x.count(); ++i) {
    int64_t rest = i, index = 0, stride = 1;
    for (int d = x.rank() - 1; d >= 0; --d) {
      int64_t at = rest % x.shape().at(d);
      rest /= x.shape().at(d);
      if (shape.at(d) != 1) index += at * stride;
      stride *= shape.at(d);
    }
    groups[static_cast<size_t>(index)].push_back(x.number(i));
  }
  std::vector<double> result;
  for (auto& g : groups) result.push_back(judge.of(g));
  return result;
}

Tensor values(const Shape& shape, double low, double high, DType dtype) {
  std::vector<double> v;
  uint32_t state = 12345;
  for (int64_t i = 0; i < shape.count(); ++i) {
    state = state * 1664525 + 1013904223;
    v.push_back(low + (high - low) * (state >> 8) * 0x1p-24);
  }
  return cast(tensor<double>(shape, v), dtype);
}

}  // namespace

TEST_CASE("reductions against plain loops: every axis set of several shapes, every type of arithmetic") {
  const Shape shapes[] = {{7},      {3, 5},   {2, 3, 4},   {2, 1, 3, 40},
                          {5, 300}, {300, 5}, {2, 600, 3}, {1, 33, 2, 17}};
  for (const Judge& judge : kJudges) {
    for (const Shape& shape : shapes) {
      for (int set = 1; set < 1 << shape.rank(); ++set) {
        std::vector<int64_t> axes;
        for (int d = 0; d < shape.rank(); ++d)
          if (set >> d & 1) axes.push_back(d);
        for (DType dtype :
             {DType::kFloat32, DType::kFloat64, DType::kFloat16, DType::kInt32, DType::kUInt64}) {
          bool floating = dtype_kind(dtype) == 'f', product = judge.op == std::string_view("ReduceProd");
          if (product && !floating) continue;  // wraps
          if (!floating && judge.op == std::string_view("ReduceLogSumExp")) continue;
          // Positive, so that logarithms exist.
          Tensor x =
              product ? values(shape, 0.99, 1.01, dtype) : values(shape, 0.5, floating ? 3 : 50, dtype);
          CAPTURE(judge.op);
          CAPTURE(str(dtype, shape, std::span<const int64_t>(axes)));
          Tensor got = run_op(judge.op, {x, ints(axes)}, attributes({{"keepdims", int64_t{set % 2}}}))[0];
          std::vector<double> want = judged(judge, x, axes);
          REQUIRE(got.count() == static_cast<int64_t>(want.size()));
          double tolerance = dtype == DType::kFloat64 ? 1e-13 : dtype == DType::kFloat16 ? 1e-3 : 1e-6;
          for (size_t i = 0; i < want.size(); ++i) {
            double expected = floating ? want[i] : std::trunc(want[i] + 1e-9);
            if (dtype == DType::kFloat16 && expected > 65504) continue;
            CHECK(std::fabs(got.number(static_cast<int64_t>(i)) - expected) <=
                  tolerance * std::fmax(1, std::fabs(expected)));
          }
        }
      }
    }
  }
}

TEST_CASE("reductions: axes absent, empty, negative, repeated, outside; keepdims; noop") {
  Tensor x = floats({2, 3}, {1, 2, 3, 4, 5, 6});
  Tensor all = run_op("ReduceSum", {x})[0];
  CHECK(all.shape() == Shape{1, 1});
  CHECK(read<float>(all) == std::vector<float>{21});
  CHECK(run_op("ReduceSum", {x, ints({})}, attributes({{"keepdims", int64_t{0}}}))[0].shape() == Shape{});
  CHECK(read<float>(run_op("ReduceSum", {x, ints({-1})})[0]) == std::vector<float>{6, 15});
  CHECK(read<float>(run_op("ReduceSum", {x, ints({})},
                           attributes({{"noop_with_empty_axes", int64_t{1}}}))[0]) == read<float>(x));
  std::vector<Tensor> out;
  CHECK_FALSE(try_op("ReduceSum", {x, ints({2})}, &out).ok());
  CHECK_FALSE(try_op("ReduceSum", {x, ints({0, -2})}, &out).ok());
  CHECK(read<float>(run_op("ReduceMax", {floats({}, {3})})[0]) == std::vector<float>{3});
}

TEST_CASE("reductions of nothing give the neutral element") {
  Tensor none = floats({2, 0, 3}, {});
  auto of = [&](const char* op, DType dtype) {
    return run_op(op, {cast(none, dtype), ints({1})})[0].number(0);
  };
  CHECK(run_op("ReduceSum", {none, ints({1})})[0].shape() == Shape{2, 1, 3});
  CHECK(of("ReduceSum", DType::kFloat32) == 0);
  CHECK(of("ReduceProd", DType::kInt64) == 1);
  CHECK(of("ReduceMax", DType::kFloat32) == -kInf);
  CHECK(of("ReduceMin", DType::kFloat16) == kInf);
  CHECK(of("ReduceMax", DType::kInt8) == -128);
  CHECK(of("ReduceMin", DType::kUInt8) == 255);
  CHECK(of("ReduceMax", DType::kBool) == 0);
  CHECK(of("ReduceMin", DType::kBool) == 1);
  CHECK(of("ReduceLogSumExp", DType::kFloat32) == -kInf);
  CHECK(std::isnan(of("ReduceMean", DType::kFloat32)));
  CHECK(of("ReduceMean", DType::kInt32) == 0);
}

TEST_CASE("reductions: NaN passes through, large numbers in LogSumExp, integers wrap, means truncate") {
  Tensor x = floats({1, 40}, std::vector<float>(40, 1));
  x.data<float>()[17] = kNan;
  for (const char* op : {"ReduceMax", "ReduceMin", "ReduceSum", "ReduceLogSumExp"})
    CHECK(std::isnan(run_op(op, {x, ints({1})})[0].number(0)));
  CHECK(run_op("ReduceLogSumExp", {floats({2}, {1000, 1000})})[0].number(0) == doctest::Approx(1000.693147));
  CHECK(run_op("ReduceLogSumExp", {floats({2, 1}, {-1000, -1000}), ints({0})})[0].number(0) ==
        doctest::Approx(-999.306853));
  CHECK(run_op("ReduceLogSumExp", {floats({2}, {float(-kInf), float(-kInf)})})[0].number(0) == -kInf);
  CHECK(run_op("ReduceLogSumExp", {floats({2}, {float(kInf), 1})})[0].number(0) == kInf);
  CHECK(read<int32_t>(run_op("ReduceSum", {tensor<int32_t>({2}, {2147483647, 1})})[0])[0] ==
        std::numeric_limits<int32_t>::min());
  CHECK(read<int32_t>(run_op("ReduceMean", {tensor<int32_t>({2}, {-3, 0})})[0])[0] == -1);
  CHECK(read<uint64_t>(run_op("ReduceMax", {tensor<uint64_t>({2}, {~uint64_t{0}, 3})})[0])[0] ==
        ~uint64_t{0});
}

TEST_CASE("a long float32 sum is as good as float64 rounded") {
  Tensor x = floats({1, 1000000}, std::vector<float>(1000000, 0.1f));
  double want = 1000000 * static_cast<double>(0.1f);
  CHECK(run_op("ReduceSum", {x, ints({1})})[0].number(0) == doctest::Approx(want).epsilon(1e-6));
  CHECK(run_op("ReduceSum", {x.reshaped({1000000, 1}), ints({0})})[0].number(0) ==
        doctest::Approx(want).epsilon(1e-6));
}

TEST_CASE("ArgMax, ArgMin: first and last of equal ones, columns, rows of many stretches, NaN") {
  Tensor x = floats({2, 3}, {2, 5, 5, -1, -7, -1});
  auto arg = [](const char* op, const Tensor& t, int64_t axis, bool last = false, bool keep = false) {
    return read<int64_t>(run_op(
        op, {t},
        attributes({{"axis", axis}, {"select_last_index", int64_t{last}}, {"keepdims", int64_t{keep}}}))[0]);
  };
  CHECK(arg("ArgMax", x, 1) == std::vector<int64_t>{1, 0});
  CHECK(arg("ArgMax", x, -1, true) == std::vector<int64_t>{2, 2});
  CHECK(arg("ArgMin", x, 0) == std::vector<int64_t>{1, 1, 1});
  CHECK(arg("ArgMax", cast(x, DType::kInt8), 1, true) == std::vector<int64_t>{2, 2});
  CHECK(arg("ArgMin", cast(x, DType::kFloat64), 1) == std::vector<int64_t>{0, 1});
  Tensor row = floats({1, 300}, std::vector<float>(300, 1));
  CHECK(arg("ArgMax", row, 1) == std::vector<int64_t>{0});
  CHECK(arg("ArgMax", row, 1, true) == std::vector<int64_t>{299});
  row.data<float>()[130] = 2;
  CHECK(arg("ArgMax", row, 1) == std::vector<int64_t>{130});
  row.data<float>()[131] = kNan;  // numpy: NaN wins
  CHECK(arg("ArgMax", row, 1) == std::vector<int64_t>{131});
  CHECK(arg("ArgMin", row, 1) == std::vector<int64_t>{131});
  CHECK(run_op("ArgMax", {x}, attributes({{"axis", int64_t{1}}}))[0].shape() == Shape{2, 1});
  std::vector<Tensor> out;
  CHECK_FALSE(try_op("ArgMax", {floats({2, 0}, {})}, &out, attributes({{"axis", int64_t{1}}})).ok());
  CHECK(arg("ArgMax", tensor<uint64_t>({2}, {1, ~uint64_t{0}}), 0) == std::vector<int64_t>{1});
}

TEST_CASE("CumSum: exclusive, reverse, both, along each axis, longer than a run") {
  Tensor x = tensor<int32_t>({2, 3}, {1, 2, 3, 4, 5, 6});
  auto sum = [&](int64_t axis, int64_t exclusive, int64_t reverse) {
    return read<int32_t>(run_op("CumSum", {x, tensor<int64_t>({}, {axis})},
                                attributes({{"exclusive", exclusive}, {"reverse", reverse}}))[0]);
  };
  CHECK(sum(1, 0, 0) == std::vector<int32_t>{1, 3, 6, 4, 9, 15});
  CHECK(sum(-1, 1, 0) == std::vector<int32_t>{0, 1, 3, 0, 4, 9});
  CHECK(sum(1, 0, 1) == std::vector<int32_t>{6, 5, 3, 15, 11, 6});
  CHECK(sum(0, 0, 0) == std::vector<int32_t>{1, 2, 3, 5, 7, 9});
  CHECK(sum(0, 1, 1) == std::vector<int32_t>{4, 5, 6, 0, 0, 0});
  Tensor ones = floats({1000}, std::vector<float>(1000, 1));
  auto forward = read<float>(run_op("CumSum", {ones, tensor<int32_t>({1}, {0})})[0]);
  auto backward = read<float>(run_op("CumSum", {ones, ints({0})}, attributes({{"reverse", int64_t{1}}}))[0]);
  for (size_t i = 0; i < 1000; ++i) {
    CHECK(forward[i] == static_cast<float>(i + 1));
    CHECK(backward[i] == static_cast<float>(1000 - i));
  }
  std::vector<Tensor> out;
  CHECK_FALSE(try_op("CumSum", {x, ints({2})}, &out).ok());
}

TEST_CASE("TopK of long rows of float32 and float64 is what sorting gives") {
  auto check = [](auto zero, int64_t length, int64_t k, bool largest) {
    using T = decltype(zero);
    const T nan = std::numeric_limits<T>::quiet_NaN();
    const int64_t rows = 3;
    std::vector<T> x;
    uint32_t state = 7;
    for (int64_t i = 0; i < rows * length; ++i) {
      state = state * 1664525 + 1013904223;
      // Many equal ones, both zeros, NaN at times, and rows that improve to their end.
      T value = static_cast<T>(static_cast<int>(state >> 24) - 128);
      if (state >> 16 == 9) value = nan;
      if (value == 0 && (state & 256) != 0) value = T(-0.0);
      if (i / length == 2) value = static_cast<T>(largest ? i : -i);
      x.push_back(value);
    }
    if (length > 40) x[static_cast<size_t>(length - 1)] = nan;
    auto out = run_op("TopK", {tensor<T>({rows, length}, x), ints({k})},
                      attributes({{"largest", int64_t{largest}}}), "", 2);
    std::vector<int64_t> expected;
    for (int64_t row = 0; row < rows; ++row) {
      const T* at = x.data() + row * length;
      std::vector<int64_t> order(static_cast<size_t>(length));
      std::iota(order.begin(), order.end(), int64_t{0});
      // NaN is above all numbers.
      std::ranges::sort(order, [&](int64_t a, int64_t b) {
        T u = at[largest ? b : a], v = at[largest ? a : b];
        bool before = u == u && (v != v || u < v), behind = v == v && (u != u || v < u);
        return before || (!behind && a < b);
      });
      expected.insert(expected.end(), order.begin(), order.begin() + k);
    }
    CHECK(read<int64_t>(out[1]) == expected);
    auto values = read<T>(out[0]);
    for (size_t i = 0; i < expected.size(); ++i) {
      T given =
          x[i / static_cast<size_t>(k) * static_cast<size_t>(length) + static_cast<size_t>(expected[i])];
      CHECK(std::memcmp(&values[i], &given, sizeof(T)) == 0);
    }
  };
  for (bool largest : {false, true}) {
    for (int64_t length : {5, 16, 21, 300, 1000}) {
      for (int64_t k : {1, 5, 16, 256}) {
        if (k > length) continue;
        check(0.0f, length, k, largest);
        check(0.0, length, k, largest);
      }
    }
  }
}

TEST_CASE("TopK: order of equal elements, smallest, middle axis, NaN, unsigned, k of 0 and beyond") {
  auto topk = [](const Tensor& t, int64_t k, int64_t axis, int64_t largest) {
    return run_op("TopK", {t, ints({k})}, attributes({{"axis", axis}, {"largest", largest}}), "", 2);
  };
  Tensor x = floats({1, 6}, {3, 1, 3, -0.0f, 5, 0});
  auto top = topk(x, 3, -1, 1);
  CHECK(read<float>(top[0]) == std::vector<float>{5, 3, 3});
  CHECK(read<int64_t>(top[1]) == std::vector<int64_t>{4, 0, 2});
  CHECK(read<int64_t>(topk(x, 4, 1, 0)[1]) == std::vector<int64_t>{3, 5, 1, 0});
  auto middle = topk(tensor<int16_t>({2, 3, 2}, {1, 9, 5, -8, 3, 7, 0, 0, -1, 2, 4, 2}), 2, 1, 1);
  CHECK(middle[0].shape() == Shape{2, 2, 2});
  CHECK(read<int16_t>(middle[0]) == std::vector<int16_t>{5, 9, 3, 7, 4, 2, 0, 2});
  CHECK(read<int64_t>(middle[1]) == std::vector<int64_t>{1, 0, 2, 2, 2, 1, 0, 2});
  CHECK(read<uint64_t>(topk(tensor<uint64_t>({2}, {1, ~uint64_t{0}}), 1, 0, 1)[0])[0] == ~uint64_t{0});
  CHECK(read<int64_t>(topk(tensor<int64_t>({3}, {-5, 7, -9}), 3, 0, 1)[1]) == std::vector<int64_t>{1, 0, 2});
  CHECK(read<int64_t>(topk(floats({3}, {1, kNan, 2}), 1, 0, 1)[1])[0] == 1);
  CHECK(topk(x, 0, 1, 1)[0].shape() == Shape{1, 0});
  std::vector<Tensor> out;
  for (int64_t k : {7, -1}) CHECK_FALSE(try_op("TopK", {x, ints({k})}, &out, {}, "", 2).ok());
}

TEST_CASE("Hardmax: the first largest of each line along the axis") {
  Tensor x = floats({2, 3}, {1, 3, 3, 0, -1, 0});
  CHECK(read<float>(run_op("Hardmax", {x})[0]) == std::vector<float>{0, 1, 0, 1, 0, 0});
  CHECK(read<float>(run_op("Hardmax", {x}, attributes({{"axis", int64_t{0}}}))[0]) ==
        std::vector<float>{1, 1, 1, 0, 0, 0});
}
