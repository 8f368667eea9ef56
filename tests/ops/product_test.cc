#include <cmath>

#include "support/evaluate_op.h"

using namespace kinglet;
using namespace kinglet::testing;

namespace {

Tensor ramp(const Shape& shape, DType dtype) {
  std::vector<float> x;
  for (int64_t i = 0; i < shape.count(); ++i) x.push_back(static_cast<float>(i * 7 % 11 - 5));
  return cast(floats(shape, x), dtype);
}

}  // namespace

TEST_CASE("FusedMatMul: a residual of one column or of the whole is what MatMul and Add give") {
  struct {
    Shape a, b, bias, residual;
  } cases[] = {{{1, 9}, {9, 70}, {70}, {1, 1}},        {{7, 9}, {9, 21}, {21}, {7, 1}},
               {{7, 9}, {9, 1}, {}, {7, 1}},           {{2, 7, 9}, {9, 21}, {}, {2, 7, 1}},
               {{2, 3, 5}, {2, 5, 9}, {9}, {2, 3, 1}}, {{2, 3, 5}, {2, 5, 9}, {9}, {2, 3, 9}}};
  for (DType dtype : {DType::kFloat32, DType::kFloat64, DType::kFloat16}) {
    for (const auto& one : cases) {
      CAPTURE(dtype_name(dtype));
      CAPTURE(one.residual.back());
      Tensor a = ramp(one.a, dtype), b = ramp(one.b, dtype), bias, residual = ramp(one.residual, dtype);
      Tensor want = run_op("MatMul", {a, b})[0];
      if (!one.bias.empty()) bias = ramp(one.bias, dtype), want = run_op("Add", {want, bias})[0];
      want = run_op("Add", {want, residual})[0];
      Tensor got = run_op("FusedMatMul", {a, b, bias, residual}, {}, "com.microsoft")[0];
      REQUIRE(got.shape() == want.shape());
      // Small integers are exact.
      for (int64_t i = 0; i < want.count(); ++i) CHECK(got.number(i) == want.number(i));
    }
  }
  std::vector<Tensor> out;
  Tensor a = ramp({7, 9}, DType::kFloat32), b = ramp({9, 21}, DType::kFloat32);
  for (const Shape& other : {Shape{1, 1}, Shape{1, 21}, Shape{7}, Shape{7, 2}})
    CHECK_FALSE(
        try_op("FusedMatMul", {a, b, {}, ramp(other, DType::kFloat32)}, &out, {}, "com.microsoft").ok());
}
