#include <doctest/doctest.h>

#include <string>

#include "passes/expect.h"

using namespace kinglet::testing;

namespace {

// Scales and zero points of x, w and y, as all cases use them.
const std::string kParameters = R"(
    const xs: float32 = [0.5]
    const xz: uint8 = [3]
    const ws: float32 = [0.25]
    const wz: int8 = [0]
    const ys: float32 = [2.0]
    const yz: uint8 = [0]
)";
const std::string kX = "input x: uint8[1,2,2,2] a = DequantizeLinear(x, xs, xz) ";
const std::string kWeights = "const w: int8[1,2,1,1] = [1, -2] b = DequantizeLinear(w, ws, wz) ";
const std::string kEnd = "y = QuantizeLinear(c, ys, yz) output y: uint8";

}  // namespace

TEST_CASE("fuse_qdq: a convolution with its bias") {
  std::string head = kParameters + kX + kWeights + "const bias: float32[1] = [1.0] ";
  std::string fused = kParameters +
                      "const w: int8[1,2,1,1] = [1, -2] const bias: int32[1] = [8] input x: uint8[1,2,2,2] "
                      "y = QLinearConv(x, xs, xz, w, ws, wz, ys, yz, bias) output y: uint8";
  expect_passes(head + "c = Conv(a, b, bias) " + kEnd, fused);
  expect_passes(head +
                    "const s: float32[1] = [0.125] const q: int32[1] = [8] d = DequantizeLinear(q, s) "
                    "c = Conv(a, b, d) " +
                    kEnd,
                fused);
  // A Relu that saturation covers.
  expect_passes(head + "r = Conv(a, b, bias) c = Relu(r) " + kEnd, fused);
  // A Clip whose bounds are the ends of the range, though 255 steps are a little more or less than its upper
  // one.
  for (std::string top : {"509.9", "510.0", "510.00003", "600.0"})
    expect_passes(head + "const low: float32 = [0.0] const top: float32 = [" + top +
                      "] r = Conv(a, b, bias) c = Clip(r, low, top) " + kEnd,
                  fused);
  // Without a bias, weights quantised in the graph.
  std::string plain = kParameters +
                      "const w: int8[1,2,1,1] = [1, -2] input x: uint8[1,2,2,2] "
                      "y = QLinearConv(x, xs, xz, w, ws, wz, ys, yz) output y: uint8";
  expect_passes(kParameters + kX + kWeights + "c = Conv(a, b) " + kEnd, plain);
  expect_passes(kParameters + kX +
                    "const f: float32[1,2,1,1] = [0.25, -0.5] w = QuantizeLinear(f, ws, wz) "
                    "b = DequantizeLinear(w, ws, wz) c = Conv(a, b) " +
                    kEnd,
                plain);
}

TEST_CASE("fuse_qdq: what must stay") {
  std::string head = kParameters + kX + kWeights;
  // The result is read elsewhere, or is an output.
  expect_unchanged("fuse_qdq", head + "c = Conv(a, b) d = Sqrt(c) " + kEnd + " output d: float32");
  expect_unchanged("fuse_qdq", head + "c = Conv(a, b) " + kEnd + " output c: float32");
  // A Relu that saturation does not cover; a scale that is not known; another axis; weights that are not.
  expect_unchanged("fuse_qdq", head +
                                   "const mid: uint8 = [9] r = Conv(a, b) c = Relu(r) "
                                   "y = QuantizeLinear(c, ys, mid) output y: uint8");
  expect_unchanged("fuse_qdq", head +
                                   "const low: float32 = [0.0] const top: float32 = [508.0] r = Conv(a, b) "
                                   "c = Clip(r, low, top) y = QuantizeLinear(c, ys, yz) output y: uint8");
  expect_unchanged("fuse_qdq", head +
                                   "input s: float32[] c = Conv(a, b) y = QuantizeLinear(c, s, yz) "
                                   "output y: uint8");
  expect_unchanged("fuse_qdq", kParameters + kX +
                                   "const w: int8[2,2,1,1] = [1, -2, 3, 4] const s2: float32[2] = [1.0, 2.0] "
                                   "b = DequantizeLinear(w, s2) {axis=1} c = Conv(a, b) " +
                                   kEnd);
  expect_unchanged("fuse_qdq", kParameters + kX +
                                   "input w: int8[1,2,1,1] b = DequantizeLinear(w, ws, wz) "
                                   "c = Conv(a, b) " +
                                   kEnd);
}

TEST_CASE("fuse_qdq: products") {
  std::string head = kParameters +
                     "input x: uint8[3,2] a = DequantizeLinear(x, xs, xz) "
                     "const w: int8[2,2] = [1, -2, 3, 4] ";
  std::string after = kParameters + "input x: uint8[3,2] const w: int8[2,2] = [1, -2, 3, 4] ";
  std::string columns = "const cs: float32[2] = [1.0, 2.0] const cz: int8[2] = [0, 0] ";
  expect_passes(head + columns + "b = DequantizeLinear(w, cs, cz) c = MatMul(a, b) " + kEnd,
                after + columns + "y = QLinearMatMul(x, xs, xz, w, cs, cz, ys, yz) output y: uint8");
  expect_passes(head + "b = DequantizeLinear(w, ws, wz) y = MatMul(a, b) output y: float32",
                after + "y = com.microsoft.MatMulIntegerToFloat(x, w, xs, ws, xz, wz) output y: float32");
  // What is added to each row is its bias.
  std::string bias = "const bias: float32[2] = [0.5, 1.5] ";
  expect_passes(
      head + bias + "b = DequantizeLinear(w, ws, wz) c = MatMul(a, b) y = Add(c, bias) output y: float32",
      after + bias + "y = com.microsoft.MatMulIntegerToFloat(x, w, xs, ws, xz, wz, bias) output y: float32");
  expect_passes(head + columns +
                    "b = DequantizeLinear(w, cs, cz) {axis=0} const d: float32[2] = [1.0, -3.0] "
                    "c = Gemm(a, b, d) {transB=1} " +
                    kEnd,
                after + columns +
                    "const d: int32[2] = [2, -3] "
                    "y = com.microsoft.QGemm(x, xs, xz, w, cs, cz, d, ys, yz) {transB=1} output y: uint8");
  // Both operands computed.
  std::string other = "input v: uint8[2,2] b = DequantizeLinear(v, xs, xz) ";
  expect_passes(head + other + "c = MatMul(a, b) " + kEnd,
                kParameters +
                    "input x: uint8[3,2] input v: uint8[2,2] "
                    "y = QLinearMatMul(x, xs, xz, v, xs, xz, ys, yz) output y: uint8");
}

TEST_CASE("fuse_qdq: element by element, and what only moves elements") {
  std::string head = kParameters + kX;
  std::string x = kParameters + "input x: uint8[1,2,2,2] ";
  expect_passes(
      head + "input v: uint8[2,2] b = DequantizeLinear(v, ys, yz) c = Add(a, b) " + kEnd,
      x + "input v: uint8[2,2] y = com.microsoft.QLinearAdd(x, xs, xz, v, ys, yz, ys, yz) output y: uint8");
  expect_passes(head + "c = LeakyRelu(a) {alpha=0.5} " + kEnd,
                x + "y = com.microsoft.QLinearLeakyRelu(x, xs, xz, ys, yz) {alpha=0.5} output y: uint8");
  expect_passes(head + "c = MaxPool(a) {kernel_shape=[2,2]} y = QuantizeLinear(c, xs, xz) output y: uint8",
                x + "y = MaxPool(x) {kernel_shape=[2,2]} output y: uint8");
  expect_unchanged("fuse_qdq", head + "c = MaxPool(a) {kernel_shape=[2,2]} " + kEnd);
}
