#include <doctest/doctest.h>

#include <string>

#include "passes/expect.h"

using namespace kinglet::testing;

namespace {

const std::string kInput = "input x: float32[N,2,H,W] const w: float32[3,2,1,1] = ramp ";
// Scale 2 and 3 over deviations of 1 and 2; shift 1 - 1 * 2 and 0 - 2 * 1.5.
const std::string kNorm =
    "const g: float32[2] = [2.0, 3.0] const b: float32[2] = [1.0, 0.0] const m: float32[2] = [1.0, 2.0] "
    "const v: float32[2] = [1.0, 4.0] n = BatchNormalization(x, g, b, m, v) {epsilon=0.0} ";
const std::string kFused =
    kInput +
    "const s: float32[2] = [2.0, 1.5] const h: float32[2] = [-1.0, -3.0] y = com.microsoft.FusedConv(";

}  // namespace

TEST_CASE("fuse_conv_input: BatchNormalization and Relu") {
  expect_passes(kInput + kNorm + "r = Relu(n) y = Conv(r, w) output y: float32",
                kFused + "x, w, _, _, s, h) {input_relu=1} output y: float32");
  // Without the Relu, and before a convolution that has all else already.
  expect_passes(kInput + kNorm + "y = Conv(n, w) output y: float32",
                kFused + "x, w, _, _, s, h) output y: float32");
  expect_passes(
      kInput + kNorm +
          "input z: float32[N,3,H,W] const c: float32[3] = [1.0, 2.0, 3.0] r = Relu(n) d = Conv(r, w, c) "
          "e = Add(d, z) y = Relu(e) output y: float32",
      "input x: float32[N,2,H,W] input z: float32[N,3,H,W] const w: float32[3,2,1,1] = ramp "
      "const c: float32[3] = [1.0, 2.0, 3.0] const s: float32[2] = [2.0, 1.5] "
      "const h: float32[2] = [-1.0, -3.0] y = com.microsoft.FusedConv(x, w, c, z, s, h) "
      "{activation=\"Relu\", input_relu=1} output y: float32");
}

TEST_CASE("fuse_conv_input: constants that a Relu keeps from the weights") {
  expect_passes(kInput +
                    "const k: float32[2,1,1] = [2.0, 3.0] m = Mul(k, x) r = Relu(m) y = Conv(r, w) "
                    "output y: float32",
                kInput +
                    "const s: float32[2] = [2.0, 3.0] const h: float32[2] = [0.0, 0.0] "
                    "y = com.microsoft.FusedConv(x, w, _, _, s, h) {input_relu=1} output y: float32");
}

TEST_CASE("fuse_conv_input: a factor of each channel that the run computes") {
  const std::string gate = "a = GlobalAveragePool(x) b = Sigmoid(a) ";
  const std::string fused = kInput + gate + "y = com.microsoft.FusedConv(x, w, _, _, b) output y: float32";
  for (const char* mul : {"c = Mul(x, b) ", "c = Mul(b, x) "})
    expect_passes(kInput + gate + mul + "y = Conv(c, w) output y: float32", fused);
  // In groups.
  const std::string groups = "input x: float32[N,4,H,W] const w: float32[6,2,1,1] = ramp " + gate;
  expect_passes(groups + "c = Mul(x, b) y = Conv(c, w) {group=2} output y: float32",
                groups + "y = com.microsoft.FusedConv(x, w, _, _, b) {group=2} output y: float32");
}

TEST_CASE("fuse_conv_input leaves alone what it cannot do") {
  auto unchanged = [](const std::string& text) { expect_unchanged("fuse_conv_input", text); };
  const std::string relu = kInput + kNorm + "r = Relu(n) ";
  // Values that others read.
  unchanged(relu + "y = Conv(r, w) output y: float32 output r: float32");
  unchanged(relu + "y = Conv(r, w) output y: float32 output n: float32");
  unchanged(relu + "y = Conv(r, w) z = Neg(r) output y: float32 output z: float32");
  // More than one tap, strides, padding, weights that the run computes.
  unchanged(relu + "const u: float32[3,2,1,3] = ramp y = Conv(r, u) output y: float32");
  unchanged(relu + "y = Conv(r, w) {strides=[2, 1]} output y: float32");
  unchanged(relu + "y = Conv(r, w) {pads=[0, 0, 0, 1]} output y: float32");
  unchanged(relu + "input u: float32[3,2,1,1] y = Conv(r, u) output y: float32");
  // A factor of each place, of all images, of another number of dimensions; one channel that becomes two.
  const std::string ends = " c = Mul(x, b) y = Conv(c, w) output y: float32";
  unchanged(kInput + "input b: float32[N,1,H,W]" + ends);
  unchanged(kInput + "input b: float32[N,2,H,W]" + ends);
  unchanged(kInput + "input b: float32[2,1,1]" + ends);
  unchanged(kInput + "input b: float32" + ends);
  unchanged("input x: float32[N,1,H,W] input b: float32[N,2,1,1] const w: float32[3,2,1,1] = ramp" + ends);
  unchanged(
      "input x: float32[N,1,H,W] const k: float32[2,1,1] = [2.0, 3.0] const w: float32[3,2,1,1] = ramp "
      "m = Mul(x, k) r = Relu(m) y = Conv(r, w) output y: float32");
  // Statistics of the batch.
  unchanged(kInput +
            "const g: float32[2] = [2.0, 3.0] n, s, t = BatchNormalization(x, g, g, g, g) "
            "{training_mode=1} r = Relu(n) y = Conv(r, w) output y: float32");
  // Of float64 there is no such convolution.
  unchanged(
      "input x: float64[N,2,H,W] const w: float64[3,2,1,1] = ramp const k: float64[2,1,1] = [2.0, 3.0] "
      "m = Mul(x, k) r = Relu(m) y = Conv(r, w) output y: float64");
}
