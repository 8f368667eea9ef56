#include <doctest/doctest.h>

#include <string>

#include "passes/expect.h"

using namespace kinglet::testing;

namespace {
// y = (x - mean) / sqrt(var) * scale + bias: scale 0.5 and 4, shift -0.5 and 5.
const std::string kNorm = R"(
    const s: float32[2] = [1.0, 2.0]
    const t: float32[2] = [0.0, 1.0]
    const m: float32[2] = [1.0, -1.0]
    const v: float32[2] = [4.0, 0.25]
)";
}  // namespace

TEST_CASE("fold_batch_norm_into_conv") {
  std::string x = "input x: float32[N,1,H,W] ",
              norm = "y = BatchNormalization(a, s, t, m, v) {epsilon=0.0} output y: float32";
  expect_passes(
      x + kNorm + "const w: float32[2,1,1,2] = [1.0, 2.0, 3.0, 4.0] a = Conv(x, w) {strides=[2, 2]}" + norm,
      x + R"(const w: float32[2,1,1,2] = [0.5, 1.0, 12.0, 16.0]
                       const b: float32[2] = [-0.5, 5.0] y = Conv(x, w, b) {strides=[2, 2]} output y: float32)");
  expect_passes(x + kNorm + R"(const w: float32[2,1,1,1] = [1.0, 2.0] const b: float32[2] = [10.0, 20.0]
                               a = Conv(x, w, b))" +
                    norm,
                x + R"(const w: float32[2,1,1,1] = [0.5, 8.0]
                       const b: float32[2] = [4.5, 85.0] y = Conv(x, w, b) output y: float32)");
  // Two groups of two inputs with one output each: weights are [inputs, outputs of the group, ...].
  expect_passes(
      "input x: float32[N,4,L]" + kNorm + R"(const w: float32[4,1,2] = ramp
                               a = ConvTranspose(x, w) {group=2})" +
          norm,
      R"(input x: float32[N,4,L] const w: float32[4,1,2] = [0.0, 0.5, 1.0, 1.5, 16.0, 20.0, 24.0, 28.0]
                   const b: float32[2] = [-0.5, 5.0] y = ConvTranspose(x, w, b) {group=2} output y: float32)");
  // One group, two outputs.
  expect_passes("input x: float32[N,2,L]" + kNorm + R"(const w: float32[2,2,1] = [1.0, 1.0, 2.0, 2.0]
                               a = ConvTranspose(x, w))" +
                    norm,
                R"(input x: float32[N,2,L] const w: float32[2,2,1] = [0.5, 4.0, 1.0, 8.0]
                   const b: float32[2] = [-0.5, 5.0] y = ConvTranspose(x, w, b) output y: float32)");
  expect_unchanged(
      "fold_batch_norm_into_conv",
      x + kNorm + "const w: float32[2,1,1,1] = [1.0, 2.0] a = Conv(x, w)" + norm + " output a: float32");
}

TEST_CASE("fold_scale_into_conv") {
  std::string x = "input x: float32[N,1,H,W] const w: float32[2,1,1,1] = [1.0, 2.0] ";
  expect_passes(x + R"(const k: float32[2,1,1] = [3.0, 5.0] const b: float32[1] = [7.0]
                       a = Conv(x, w) c = Mul(k, a) d = Sub(b, c) y = Div(d, b) output y: float32)",
                R"(input x: float32[N,1,H,W] const w: float32[2,1,1,1] = [-0.428571429, -1.428571429]
                   const b: float32[2] = [1.0, 1.0] y = Conv(x, w, b) output y: float32)");
  // One entry for each column, not for each channel.
  expect_unchanged("fold_scale_into_conv",
                   x + "const k: float32[2] = [3.0, 5.0] a = Conv(x, w) y = Mul(a, k) output y: float32");
  expect_unchanged("fold_scale_into_conv",
                   x + "const k: float32[1,1,1,1,1] = [3.0] a = Conv(x, w) y = Mul(a, k) output y: float32");
  expect_unchanged("fold_scale_into_conv",
                   x + "const k: float32 = [3.0] a = Conv(x, w) y = Div(k, a) output y: float32");
  expect_passes(
      R"(input x: float32[N,2] const w: float32[2,2] = [1.0, 2.0, 3.0, 4.0] const c: float32[1,2] = [1.0, 2.0]
                   const k: float32[2] = [2.0, 10.0] a = Gemm(x, w, c) {alpha=0.5, beta=3.0} b = Mul(a, k) y = Add(b, k)
                   output y: float32)",
      R"(input x: float32[N,2] const w: float32[2,2] = [2.0, 20.0, 6.0, 40.0] const c: float32[2] = [8.0, 70.0]
                   y = Gemm(x, w, c) {alpha=0.5} output y: float32)");
  expect_passes(R"(input x: float32[N,2] const w: float32[2,2] = [1.0, 2.0, 3.0, 4.0]
                   const k: float32[2] = [2.0, 10.0] a = MatMul(x, w) y = Mul(a, k) output y: float32)",
                R"(input x: float32[N,2] const w: float32[2,2] = [2.0, 20.0, 6.0, 40.0] y = MatMul(x, w)
                   output y: float32)");
}

TEST_CASE("fold_scale_into_next_conv") {
  std::string x = "input x: float32[N,2,H,W] const k: float32[2,1,1] = [3.0, 5.0] ";
  std::string w = "const w: float32[1,2,1,2] = [1.0, 2.0, 3.0, 4.0] ";
  expect_passes(x + w + "a = Mul(x, k) b = Add(a, k) y = Conv(b, w) output y: float32",
                R"(input x: float32[N,2,H,W] const b: float32[1] = [44.0]
                   const w: float32[1,2,1,2] = [3.0, 6.0, 15.0, 20.0] y = Conv(x, w, b) output y: float32)");
  // A border of zeros is not shifted.
  expect_unchanged("fold_scale_into_next_conv",
                   x + w + "b = Add(x, k) y = Conv(b, w) {pads=[0, 1, 0, 1]} output y: float32");
  expect_passes(x + "const w: float32[2,1,1,1] = [1.0, 2.0] a = Mul(x, k) y = Conv(a, w) {group=2, pads=[1, "
                    "1, 1, 1]} output y: float32",
                R"(input x: float32[N,2,H,W] const w: float32[2,1,1,1] = [3.0, 10.0]
                   y = Conv(x, w) {group=2, pads=[1, 1, 1, 1]} output y: float32)");
  // One channel that the constants make two.
  for (const char* one : {"input x: float32[N,1,H,W] ", "input x: float32[N,C,H,W] "})
    expect_unchanged("fold_scale_into_next_conv", one + std::string("const k: float32[2,1,1] = [3.0, 5.0] ") +
                                                      w + "a = Mul(x, k) y = Conv(a, w) output y: float32");
  expect_passes("input x: float32[N,C,H,W] const k: float32 = [3.0] " + w +
                    "a = Mul(x, k) y = Conv(a, w) output y: float32",
                "input x: float32[N,C,H,W] const w: float32[1,2,1,2] = [3.0, 6.0, 9.0, 12.0] y = Conv(x, w) "
                "output y: float32");
}

TEST_CASE("fold_scale_into_batch_norm") {
  expect_passes(
      "input x: float32[N,2,H,W] " + kNorm + R"(
                   const k: float32[2,1,1] = [3.0, 5.0]
                   a = BatchNormalization(x, s, t, m, v) b = Mul(a, k) y = Add(b, k) output y: float32)",
      R"(input x: float32[N,2,H,W] const m: float32[2] = [1.0, -1.0] const v: float32[2] = [4.0, 0.25]
                   const s: float32[2] = [3.0, 10.0] const t: float32[2] = [3.0, 10.0]
                   y = BatchNormalization(x, s, t, m, v) output y: float32)");
  // Of unknown rank the constant may lie on another axis.
  expect_unchanged("fold_scale_into_batch_norm", "input x: float32 " + kNorm + R"(
                   const k: float32[2,1,1] = [3.0, 5.0]
                   a = BatchNormalization(x, s, t, m, v) y = Mul(a, k) output y: float32)");
}

TEST_CASE("fold_residual_into_gate") {
  const std::string head = "input x: float32[N,2,H,W] input g: float32[N,2,1,1] ";
  const std::string more =
      head + "const one: float32 = [1.0] s = HardSigmoid(g) a = Add(s, one) y = Mul(x, a) output y: float32";
  const char* kPass = "fold_residual_into_gate";
  for (const char* mul : {"m = Mul(x, s) ", "m = Mul(s, x) "}) {
    for (const char* add : {"y = Add(x, m) ", "y = Add(m, x) "})
      expect_passes(head + "s = HardSigmoid(g) " + mul + add + "output y: float32", more);
  }
  // Behind a convolution one is added where its result is made.
  expect_passes(R"(input x: float32[N,2,H,W] const w: float32[2,2,1,1] = ramp
                   p = GlobalAveragePool(x) c = Conv(p, w) s = Sigmoid(c) m = Mul(x, s) y = Add(x, m)
                   output y: float32)",
                R"(input x: float32[N,2,H,W] const w: float32[2,2,1,1] = ramp
                   p = GlobalAveragePool(x)
                   s = com.microsoft.FusedConv(p, w) {activation="Sigmoid", activation_scale=1.0, activation_shift=1.0}
                   y = Mul(x, s) output y: float32)");
  // What is no gate, a value that others read, something else that is added.
  expect_unchanged(kPass, head + "s = Tanh(g) m = Mul(x, s) y = Add(x, m) output y: float32");
  expect_unchanged(kPass,
                   head + "s = Sigmoid(g) m = Mul(x, s) y = Add(x, m) output y: float32 output m: float32");
  expect_unchanged(kPass,
                   head + "s = Sigmoid(g) m = Mul(x, s) y = Add(x, m) output y: float32 output s: float32");
  expect_unchanged(kPass, head + "s = Sigmoid(g) m = Mul(x, s) y = Add(g, m) output y: float32");
}
