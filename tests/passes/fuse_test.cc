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
  // x times half of one plus erf, halves inside, division by two.
  expect_passes(
      head +
          "a = Mul(inverse, x) b = Erf(a) c = Mul(b, half) d = Add(c, half) y = Mul(d, x) output y: float32",
      kGelu);
  expect_passes(
      head + "const two: float32 = [2.0] " + erf + "d = Mul(x, c) y = Div(d, two) output y: float32", kGelu);
  expect_passes(
      head + "const two: float32 = [2.0] " + erf + "d = Div(x, two) y = Mul(d, c) output y: float32", kGelu);
  // x that is itself a product.
  expect_passes(head +
                    "p = Mul(x, x) a = Div(p, root) b = Erf(a) c = Add(b, one) d = Mul(p, c) y = Mul(d, "
                    "half) output y: float32",
                "input x: float32[2] p = Mul(x, x) y = Gelu(p) output y: float32");
  expect_unchanged("fuse_gelu", head + erf + "d = Mul(root, c) y = Mul(d, half) output y: float32");
  expect_unchanged(
      "fuse_gelu",
      head + "a = Mul(half, x) b = Erf(a) c = Add(b, one) d = Mul(x, c) y = Mul(d, half) output y: float32");
  expect_unchanged("fuse_gelu",
                   head + "input z: float32[2] " + erf + "d = Mul(z, c) y = Mul(d, half) output y: float32");
  expect_unchanged("fuse_gelu",
                   head + erf + "d = Mul(x, c) y = Mul(d, half) output y: float32 output c: float32");
}

TEST_CASE("fuse_gelu, tanh") {
  std::string head = R"(
    input x: float32[2]
    const half: float32 = [0.5]
    const one: float32 = [1.0]
    const three: float32 = [3.0]
    const cubic: float32 = [0.044715]
    const root: float32 = [0.7978846]
)";
  const char* kGelu = "input x: float32[2] y = Gelu(x) {approximate=\"tanh\"} output y: float32";
  std::string outer = "t = Tanh(u) g = Add(one, t) h = Mul(x, half) y = Mul(h, g) output y: float32";
  expect_passes(head + "a = Pow(x, three) b = Mul(cubic, a) c = Add(x, b) u = Mul(c, root) " + outer, kGelu);
  expect_passes(
      head + "a = Mul(x, x) a3 = Mul(a, x) b = Mul(cubic, a3) c = Add(x, b) u = Mul(root, c) " + outer,
      kGelu);
  expect_passes(
      head + "a = Mul(x, x) b = Mul(cubic, a) c = Add(b, one) d = Mul(x, root) u = Mul(d, c) " + outer,
      kGelu);
  expect_unchanged("fuse_gelu",
                   head + "a = Pow(x, three) b = Mul(half, a) c = Add(x, b) u = Mul(c, root) " + outer);
  expect_unchanged("fuse_gelu",
                   head + "a = Mul(x, x) b = Mul(cubic, a) c = Add(x, b) u = Mul(c, root) " + outer);
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
  const char* kRms = R"(
    input x: float32[N,T,4]
    const scale: float32[4] = [1.0, 2.0, 3.0, 4.0]
    y = RMSNormalization(x, scale) {axis=-1, epsilon=0.001}
    output y: float32)";
  const char* kWhole = R"(
    input x: float32[N,T,4]
    const scale: float32[4] = [1.0, 2.0, 3.0, 4.0]
    const bias: float32[4] = ramp
    y = LayerNormalization(x, scale, bias) {axis=-1, epsilon=0.001}
    output y: float32)";
  std::string variance =
      "m = ReduceMean(x, last) c = Sub(x, m) q = Mul(c, c) v = ReduceMean(q, last) e = Add(tiny, v) ";
  std::string numbers =
      "const one: float32 = [1.0] const half: float32 = [0.5] const minus: float32 = [-0.5] ";
  std::string end = "s = Mul(scale, d) y = Add(bias, s) output y: float32";
  expect_passes(head + variance + "r = Sqrt(e) i = Reciprocal(r) d = Mul(i, c) " + end, kWhole);
  expect_passes(head + numbers + variance + "r = Pow(e, half) d = Div(c, r) " + end, kWhole);
  expect_passes(head + numbers + variance + "r = Pow(e, minus) d = Mul(c, r) " + end, kWhole);
  expect_passes(head + numbers + variance + "r = Sqrt(e) i = Div(one, r) d = Mul(c, i) " + end, kWhole);
  // Another axis by its number; a difference that is computed twice.
  std::string second = head;
  second.replace(second.find("[-1]"), 4, "[2]");
  expect_passes(second + body, kWhole);
  expect_passes(
      head +
          "m = ReduceMean(x, last) c = Sub(x, m) c2 = Sub(x, m) q = Pow(c2, two) v = ReduceMean(q, last) "
          "e = Add(v, tiny) r = Sqrt(e) d = Div(c, r) " +
          end,
      kWhole);
  // x * g + (bias - mean * g)
  expect_passes(head + variance +
                    "r = Sqrt(e) i = Reciprocal(r) g = Mul(i, scale) a = Mul(x, g) b = Mul(m, g) "
                    "d = Sub(bias, b) y = Add(a, d) output y: float32",
                kWhole);
  // Without the mean, without the bias.
  expect_passes(head +
                    "q = Mul(x, x) v = ReduceMean(q, last) e = Add(v, tiny) r = Sqrt(e) d = Div(x, r) y = "
                    "Mul(scale, d) output y: float32",
                kRms);
  expect_unchanged("fuse_layer_norm", head + variance + "r = Sqrt(e) d = Div(x, r) " + end);
  expect_unchanged("fuse_layer_norm", head + variance + "r = Sqrt(v) d = Div(c, r) " + end);
  std::string other_axis = head;
  other_axis.replace(other_axis.find("[-1]"), 4, "[-2]");
  expect_unchanged("fuse_layer_norm", other_axis + body);
}

TEST_CASE("fuse_matmul_bias, and what follows a product") {
  std::string head = R"(
    input x: float32[N,T,2]
    const w: float32[2,3] = ramp
    const bias: float32[3] = ramp
    p = MatMul(x, w)
)";
  std::string fused = R"(
    input x: float32[N,T,2]
    const w: float32[2,3] = ramp
    const bias: float32[3] = ramp
)";
  expect_passes(head + "y = Add(p, bias) output y: float32",
                fused + "y = com.microsoft.FusedMatMul(x, w, bias) output y: float32");
  expect_passes(head + "a = Add(bias, p) y = Relu(a) output y: float32",
                fused + "y = com.microsoft.FusedMatMul(x, w, bias) {activation=\"Relu\"} output y: float32");
  expect_passes(
      "input x: float32[N,2] const w: float32[2,3] = ramp p = MatMul(x, w) y = LeakyRelu(p) {alpha=0.25} "
      "output y: float32",
      "input x: float32[N,2] const w: float32[2,3] = ramp "
      "y = com.microsoft.FusedMatMul(x, w) {activation=\"LeakyRelu\", activation_alpha=0.25} output y: "
      "float32");
  // A residual of the same shape, before the activation.
  expect_passes(head + "input z: float32[N,T,3] a = Add(p, bias) b = Add(z, a) y = Relu(b) output y: float32",
                "input x: float32[N,T,2] input z: float32[N,T,3] const w: float32[2,3] = ramp const bias: "
                "float32[3] = ramp "
                "y = com.microsoft.FusedMatMul(x, w, bias, z) {activation=\"Relu\"} output y: float32");
  // A value for each row, of any float type; a product that is a Gemm.
  expect_passes(
      "input x: float64[N,2] const w: float64[3,2] = ramp const c: float64[3] = ramp const axes: int64[1] = "
      "[1] "
      "r = ReduceSumSquare(x, axes) g = Gemm(x, w, c) {transB=1, alpha=-2.0, beta=1.0} y = Add(r, g) output "
      "y: float64",
      "input x: float64[N,2] const w: float64[3,2] = ramp const c: float64[3] = ramp const axes: int64[1] = "
      "[1] "
      "r = ReduceSumSquare(x, axes) y = com.microsoft.FusedMatMul(x, w, c, r) {transB=1, alpha=-2.0} output "
      "y: float64");
  // A sum that broadcasts, a bias of another length, a product that others read.
  expect_unchanged("fuse_residual_add", head + "input z: float32[T,3] y = Add(p, z) output y: float32");
  expect_unchanged("fuse_residual_add",
                   "input x: float32[N,2] input r: float32[1,1] const w: float32[2,3] = ramp "
                   "p = MatMul(x, w) y = Add(p, r) output y: float32");
  expect_unchanged("fuse_residual_add",
                   "input x: float32[N,2] input r: float32[N,1] const w: float32[2,3] = ramp const c: "
                   "float32[1] = [1.0] p = Gemm(x, w, c) y = Add(p, r) output y: float32");
  expect_unchanged("fuse_matmul_bias",
                   head + "const one: float32[1] = [1.0] y = Add(p, one) output y: float32");
  expect_unchanged("fuse_matmul_bias", head + "y = Add(p, bias) output y: float32 output p: float32");
}

TEST_CASE("fuse_scan_distance") {
  auto scan = [](const std::string& difference, const std::string& end, const std::string& more = "") {
    return "input x: float32[N,2] const known: float32[3,2] = ramp "
           "s, d = Scan(x, known) {num_scan_inputs=1" +
           more +
           "} body() { input rows: float32[N,2] input row: float32[2] const axes: int64[1] = [1] "
           "kept = Identity(rows) d = " +
           difference +
           " sum = ReduceSumSquare(d, axes) {keepdims=0} out = Identity(sum) output kept output out } " + end;
  };
  const std::string end = "t = Transpose(d) {perm=[1, 0]} y = Sqrt(t) output y: float32";
  const std::string fused =
      "input x: float32[N,2] const known: float32[3,2] = ramp "
      "y = com.microsoft.CDist(x, known) {metric=\"euclidean\"} output y: float32";
  expect_passes(scan("Sub(rows, row)", end), fused);
  expect_passes(scan("Sub(row, rows)", end, ", scan_input_axes=[0]"), fused);
  expect_passes(scan("Sub(rows, row)", "y = Sqrt(d) output y: float32"),
                "input x: float32[N,2] const known: float32[3,2] = ramp d = com.microsoft.CDist(x, known) "
                "t = Transpose(d) {perm=[1, 0]} y = Sqrt(t) output y: float32");
  // Squares that are read.
  expect_unchanged("fuse_scan_distance",
                   "input x: float32[N,2] const known: float32[3,2] = ramp d = com.microsoft.CDist(x, known) "
                   "y = Sqrt(d) output y: float32 output d: float32");
  // Another difference, another order, a state that is read, rows that might be broadcast.
  expect_unchanged("fuse_scan_distance", scan("Add(rows, row)", end));
  expect_unchanged("fuse_scan_distance", scan("Sub(rows, rows)", end));
  expect_unchanged("fuse_scan_distance", scan("Sub(rows, row)", end, ", scan_output_directions=[1]"));
  expect_unchanged("fuse_scan_distance", scan("Sub(rows, row)", end + " output s: float32"));
  std::string narrow = scan("Sub(rows, row)", end);
  for (size_t at; (at = narrow.find("[N,2]")) != std::string::npos;) narrow.replace(at, 5, "[N,C]");
  expect_unchanged("fuse_scan_distance", narrow);
}

TEST_CASE("fuse_activation, with a scale and a shift behind it") {
  const std::string head = R"(
    input x: float32[N,2,H,W]
    const w: float32[3,2,1,1] = ramp
    const three: float32 = [3.0]
    const six: float32 = [6.0]
    const zero: float32 = [0.0]
    const k: float32[1] = [0.5]
    const b: float32[1] = [-2.0]
    c = Conv(x, w)
)";
  auto fused = [](const std::string& numbers) {
    return "input x: float32[N,2,H,W] const w: float32[3,2,1,1] = ramp "
           "y = com.microsoft.FusedConv(x, w) {activation=" +
           numbers + "} output y: float32";
  };
  // Parts whose passes leave nodes behind that nobody reads do not count as readers.
  const std::string parts = "p = Add(c, three) q = Clip(p, zero, six) r = Mul(c, q) h = Div(r, six) ";
  expect_passes(head + parts + "m = Mul(k, h) y = Add(m, b) output y: float32",
                fused("\"HardSwish\", activation_scale=0.5, activation_shift=-2.0"));
  expect_passes(head + "r = Relu(c) m = Add(r, b) y = Mul(m, k) output y: float32",
                fused("\"Relu\", activation_scale=0.5, activation_shift=-1.0"));
  // A value that others read.
  expect_passes(head + "r = Relu(c) y = Mul(r, k) output y: float32 output r: float32",
                "input x: float32[N,2,H,W] const w: float32[3,2,1,1] = ramp const k: float32[1] = [0.5] "
                "r = com.microsoft.FusedConv(x, w) {activation=\"Relu\"} y = Mul(r, k) "
                "output y: float32 output r: float32");
}

TEST_CASE("fuse_transpose_into_matmul and fuse_scale_into_matmul") {
  std::string head = "input a: float32[B,T,4] input b: float32[B,S,4] const four: float32 = [4.0] ";
  std::string t = "bt = Transpose(b) {perm=[0, 2, 1]} ";
  expect_passes(head + t + "y = MatMul(a, bt) output y: float32",
                "input a: float32[B,T,4] input b: float32[B,S,4] "
                "y = com.microsoft.FusedMatMul(a, b) {transB=1} output y: float32");
  expect_passes(head + t + "p = MatMul(a, bt) y = Div(p, four) output y: float32",
                "input a: float32[B,T,4] input b: float32[B,S,4] "
                "y = com.microsoft.FusedMatMul(a, b) {transB=1, alpha=0.25} output y: float32");
  expect_passes(
      "input a: float32[4,T] input b: float32[4,S] at = Transpose(a) {perm=[1, 0]} y = MatMul(at, b) output "
      "y: float32",
      "input a: float32[4,T] input b: float32[4,S] y = com.microsoft.FusedMatMul(a, b) {transA=1} output y: "
      "float32");
  expect_unchanged("fuse_transpose_into_matmul",
                   head + "c = Transpose(b) {perm=[1, 0, 2]} y = MatMul(a, c) output y: float32");
  expect_unchanged("fuse_scale_into_matmul",
                   head + t + "p = MatMul(a, bt) y = Div(four, p) output y: float32");
  expect_unchanged("fuse_scale_into_matmul",
                   head + t + "p = MatMul(a, bt) y = Mul(p, four) output y: float32 output p: float32");
}
