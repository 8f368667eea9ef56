#include <doctest/doctest.h>

#include <string>

#include "passes/expect.h"

using namespace kinglet::testing;

TEST_CASE("fuse_hard_sigmoid and fuse_hard_swish") {
  std::string gate = R"(
    input x: float32[2,3]
    const three: float32[1] = [3.0]
    const six: float32 = [6.0]
    const sixth: float32 = [0.16666667]
    const zero: float32 = [0.0]
    a = Add(three, x)
    b = Clip(a, zero, six)
)";
  const char* kSwish = "input x: float32[2,3] y = HardSwish(x) output y: float32";
  // Each pass takes the last node; what that leaves unread is for eliminate_dead.
  std::string x = "input x: float32[2,3]";
  expect_passes(gate + "y = Div(b, six) output y: float32",
                x + "y = HardSigmoid(x) {alpha=0.16666667, beta=0.5} output y: float32");
  expect_passes(gate + "y = Mul(sixth, b) output y: float32",
                x + "y = HardSigmoid(x) {alpha=0.16666667, beta=0.5} output y: float32");
  expect_passes(gate + "c = Mul(x, b) y = Div(c, six) output y: float32", kSwish);
  expect_passes(gate + "c = Mul(b, x) y = Mul(c, sixth) output y: float32", kSwish);
  expect_passes(gate + "c = Div(b, six) y = Mul(x, c) output y: float32", kSwish);
  expect_passes(
      x + "a = HardSigmoid(x) {alpha=0.16666670143604279, beta=0.5} y = Mul(a, x) output y: float32", kSwish);
  expect_unchanged("fuse_hard_swish", x + "a = HardSigmoid(x) y = Mul(a, x) output y: float32");
  // Another bound, a value that is read elsewhere, six over the value.
  expect_unchanged("fuse_hard_sigmoid", gate + "d = Div(b, three) output d: float32");
  expect_unchanged("fuse_hard_sigmoid", gate + "d = Div(b, six) output d: float32 output b: float32");
  expect_unchanged("fuse_hard_sigmoid", gate + "d = Div(six, b) output d: float32");
}

TEST_CASE("fuse_swish") {
  expect_passes("input x: float32[2] a = Sigmoid(x) y = Mul(x, a) output y: float32",
                "input x: float32[2] y = Swish(x) {alpha=1.0} output y: float32");
  expect_passes(R"(input x: float32[2] const k: float32 = [1.5]
                   b = Mul(k, x) a = Sigmoid(b) y = Mul(a, x) output y: float32)",
                "input x: float32[2] y = Swish(x) {alpha=1.5} output y: float32");
  expect_unchanged("fuse_swish",
                   "input x: float32[2] a = Sigmoid(x) y = Mul(x, a) output y: float32 output a: float32");
}

TEST_CASE("fuse_gelu") {
  std::string head = R"(
    input x: float32[2]
    const half: float32 = [0.5]
    const one: float32 = [1.0]
    const root: float32 = [1.4142135]
    const inverse: float32 = [0.70710677]
)";
  const char* kGelu = "input x: float32[2] y = Gelu(x) output y: float32";
  std::string erf = "a = Div(x, root) b = Erf(a) c = Add(b, one) ";
  expect_passes(head + erf + "d = Mul(x, c) y = Mul(d, half) output y: float32", kGelu);
  expect_passes(head + erf + "d = Mul(half, x) y = Mul(d, c) output y: float32", kGelu);
  expect_passes(head + erf + "d = Mul(c, half) y = Mul(x, d) output y: float32", kGelu);
  expect_passes(
      head +
          "a = Mul(inverse, x) b = Erf(a) c = Add(one, b) d = Mul(c, x) y = Mul(half, d) output y: float32",
      kGelu);
  expect_unchanged("fuse_gelu", head + erf + "d = Mul(root, c) y = Mul(d, half) output y: float32");
}

TEST_CASE("fuse_layer_norm") {
  std::string head = R"(
    input x: float32[N,T,4]
    const last: int64[1] = [-1]
    const two: float32 = [2.0]
    const tiny: float32 = [0.001]
    const scale: float32[4] = [1.0, 2.0, 3.0, 4.0]
    const bias: float32[4] = ramp
)";
  std::string body = R"(
    m = ReduceMean(x, last)
    c = Sub(x, m)
    q = Pow(c, two)
    v = ReduceMean(q, last)
    e = Add(v, tiny)
    r = Sqrt(e)
    d = Div(c, r)
    s = Mul(d, scale)
    y = Add(s, bias)
    output y: float32
)";
  expect_passes(head + body, R"(
    input x: float32[N,T,4]
    const scale: float32[4] = [1.0, 2.0, 3.0, 4.0]
    const bias: float32[4] = ramp
    y = LayerNormalization(x, scale, bias) {axis=-1, epsilon=0.001}
    output y: float32)");
  std::string other_axis = head;
  other_axis.replace(other_axis.find("[-1]"), 4, "[-2]");
  expect_unchanged("fuse_layer_norm", other_axis + body);
}
