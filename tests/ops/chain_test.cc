#include <string>
#include <vector>

#include "support/evaluate_op.h"

using namespace kinglet;
using namespace kinglet::testing;

namespace {

Attributes program(std::vector<std::string> functions, std::vector<int64_t> operands,
                   std::vector<float> numbers) {
  return attributes({{"functions", functions}, {"operands", operands}, {"numbers", numbers}});
}

Tensor wave(const Shape& shape, float step) {
  std::vector<float> values;
  for (int64_t i = 0; i < shape.count(); ++i)
    values.push_back(static_cast<float>((i * 37) % 101 - 50) * step);
  return floats(shape, values);
}

Tensor one(const char* op, std::vector<Tensor> inputs, const Attributes& given = {}) {
  return run_op(op, inputs, given)[0];
}

void same(const Tensor& a, const Tensor& b) {
  CHECK(a.shape() == b.shape());
  CHECK(numbers(a) == numbers(b));
}

}  // namespace

TEST_CASE("a chain gives what its functions give one after the other") {
  // Shorter and longer than a block, short rows that are gathered, channels, rows, one element.
  const std::vector<Shape> cases[] = {{{1000}, {1000}, {}},    {{3, 5, 7}, {5, 1}, {7}},
                                      {{2, 40}, {2, 1}, {40}}, {{1, 6, 9, 60}, {1, 6, 1, 1}, {1}},
                                      {{600}, {1}, {600}},     {{1}, {1}, {1}},
                                      {{0, 4}, {4}, {1, 4}},   {{4, 1, 33}, {1, 5, 33}, {33}}};
  Attributes chain =
      program({"Mul", "Add", "LeakyRelu", "Exp", "Clip", "Sub"}, {0, 1, 3, 2, 4, 0, 1, 0, 6, 0, 5, 7},
              {0, 0, 0, 0, 0.25f, 0, 0, 0, 0.5f, 2, 0, 0});
  for (const auto& shapes : cases) {
    Tensor a = wave(shapes[0], 0.03f), b = wave(shapes[1], 0.02f), c = wave(shapes[2], 0.05f);
    Tensor sum = one("Add", {one("Mul", {a, b}), c});
    Tensor left = one("LeakyRelu", {sum}, attributes({{"alpha", 0.25f}}));
    Tensor right = one("Clip", {one("Exp", {b}), floats({}, {0.5f}), floats({}, {2})});
    same(run_op("Elementwise", {a, b, c}, chain, "kinglet")[0], one("Sub", {left, right}));
  }
}

TEST_CASE("numbers stand for either operand") {
  Tensor a = wave({300}, 0.1f);
  Tensor two = floats({}, {2});
  same(run_op("Elementwise", {a},
              program({"Sub", "Pow", "Max"}, {-1, 0, 3, -1, 4, -1}, {2, 0, 2, 0, 0.5f, 0}), "kinglet")[0],
       one("Max", {one("Pow", {one("Sub", {two, a}), two}), floats({}, {0.5f})}));
}

TEST_CASE("programs that are not sound are refused") {
  Tensor a = wave({4}, 1);
  auto refused = [&](Attributes chain, std::vector<Tensor> inputs) {
    std::vector<Tensor> outputs;
    Status s = try_op("Elementwise", inputs, &outputs, chain, "kinglet");
    CHECK(s.code() == Code::kInvalidGraph);
  };
  refused(program({"Exp"}, {3, 0}, {0, 0}), {a});   // its own value
  refused(program({"Exp"}, {1, 0}, {0, 0}), {a});   // no such input
  refused(program({"Exp"}, {-1, 0}, {0, 0}), {a});  // a number where there are parameters
  refused(program({"Exp"}, {-2, 0}, {0, 0}), {a});
  refused(program({"Exp", "Exp"}, {0, 0, 5, 0}, {0, 0, 0, 0}), {a});
  refused(program({"Exp"}, {0}, {0, 0}), {a});
  refused(program({"Exp"}, {0, 0}, {0}), {a});
  refused(program({}, {}, {}), {a});
  refused(program({"Softmax"}, {0, 0}, {0, 0}), {a});
  refused(program({"BitwiseAnd"}, {0, 0}, {0, 0}), {a});  // not of float32
  refused(program(std::vector<std::string>(9, "Exp"), std::vector<int64_t>(18, 0), std::vector<float>(18, 0)),
          {a});
  refused(program({"Exp"}, {0, 0}, {0, 0}), {a, a, a, a});
}
