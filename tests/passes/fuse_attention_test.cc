#include <doctest/doctest.h>

#include <string>

#include "passes/expect.h"

using namespace kinglet::testing;

namespace {

// Projections as [batch, tokens, heads, size].
const std::string kInputs = R"(
    input q: float32[B,T,4,8]
    input k: float32[B,S,4,8]
    input v: float32[B,S,4,6]
    input m: float32[B,1,1,S]
    const eight: float32 = [8.0]
    const half: float32 = [0.5]
)";
const std::string kHeads =
    "qh = Transpose(q) {perm=[0, 2, 1, 3]} kh = Transpose(k) {perm=[0, 2, 3, 1]} vh = Transpose(v) {perm=[0, "
    "2, 1, 3]} ";
const std::string kRest = "w = Softmax(s) {axis=-1} c = MatMul(w, vh) ";
const std::string kBack = "y = Transpose(c) {perm=[0, 2, 1, 3]} output y: float32";

std::string fused(const std::string& inputs, const std::string& scale, const std::string& after = "") {
  return "input q: float32[B,T,4,8] input k: float32[B,S,4,8] input v: float32[B,S,4,6] input m: "
         "float32[B,1,1,S] "
         "y = kinglet.Attention(" +
         inputs + ") {scale=" + scale +
         ", q_rows_first=1, k_rows_first=1, v_rows_first=1, y_rows_first=1} output y: float32" + after;
}

}  // namespace

TEST_CASE("fuse_attention") {
  expect_passes(kInputs + kHeads + "p = MatMul(qh, kh) d = Div(p, eight) s = Add(d, m) " + kRest + kBack,
                fused("q, k, v, m", "0.125"));
  expect_passes(kInputs + kHeads + "p = MatMul(qh, kh) d = Mul(half, p) s = Add(m, d) " + kRest + kBack,
                fused("q, k, v, m", "0.5"));
  expect_passes(kInputs + kHeads + "s = MatMul(qh, kh) " + kRest + kBack, fused("q, k, v", "1.0"));
  // Scales of the operands, before and behind their transposes.
  expect_passes(
      kInputs +
          "q2 = Div(q, eight) qh = Transpose(q2) {perm=[0, 2, 1, 3]} kt = Transpose(k) {perm=[0, 2, 3, 1]} "
          "kh = Mul(kt, half) vh = Transpose(v) {perm=[0, 2, 1, 3]} s = MatMul(qh, kh) " +
          kRest + kBack,
      fused("q, k, v", "0.0625"));
  // Keys that are transposed twice.
  expect_passes(
      kInputs +
          "qh = Transpose(q) {perm=[0, 2, 1, 3]} k1 = Transpose(k) {perm=[0, 2, 1, 3]} "
          "kh = Transpose(k1) {perm=[0, 1, 3, 2]} vh = Transpose(v) {perm=[0, 2, 1, 3]} s = MatMul(qh, kh) " +
          kRest + kBack,
      fused("q, k, v", "1.0"));
  // All three side by side.
  expect_passes(
      "input x: float32[B,T,3,4,8] const zero: int64 = [0] const one: int64 = [1] const two: int64 = [2] "
      "t = Transpose(x) {perm=[2, 0, 3, 1, 4]} q = Gather(t, zero) k = Gather(t, one) v = Gather(t, two) "
      "kh = Transpose(k) {perm=[0, 1, 3, 2]} s = MatMul(q, kh) w = Softmax(s) c = MatMul(w, v) "
      "y = Transpose(c) {perm=[0, 2, 1, 3]} output y: float32",
      "input x: float32[B,T,3,4,8] y = kinglet.Attention(x, x, x) {scale=1.0, y_rows_first=1} output y: "
      "float32");
  // Heads in the batch; one head of keys and values for all queries.
  expect_passes(
      "input q: float32[N,T,8] input k: float32[N,S,8] input v: float32[N,S,8] "
      "kh = Transpose(k) {perm=[0, 2, 1]} s = MatMul(q, kh) w = Softmax(s) {axis=2} y = MatMul(w, v) output "
      "y: float32",
      "input q: float32[N,T,8] input k: float32[N,S,8] input v: float32[N,S,8] "
      "y = kinglet.Attention(q, k, v) {scale=1.0} output y: float32");
  expect_passes(
      "input q: float32[B,4,T,8] input k: float32[B,1,S,8] input v: float32[B,1,S,8] "
      "kh = Transpose(k) {perm=[0, 1, 3, 2]} s = MatMul(q, kh) w = Softmax(s) y = MatMul(w, v) output y: "
      "float32",
      "input q: float32[B,4,T,8] input k: float32[B,1,S,8] input v: float32[B,1,S,8] "
      "y = kinglet.Attention(q, k, v) {scale=1.0} output y: float32");
}

// What is one extent by another name, and what the operators between make equal.
TEST_CASE("fuse_attention takes a mask whose extents have other names") {
  const std::string inputs =
      "input q: float32[B,4,T,8] input p: float32[B,4,P,8] input n: float32[B,4,T,8] input m: "
      "float32[M,1,1,P+T] ";
  expect_passes(inputs +
                    "k = Concat(p, n) {axis=2} kh = Transpose(k) {perm=[0, 1, 3, 2]} s0 = MatMul(q, kh) "
                    "s = Add(s0, m) w = Softmax(s) {axis=-1} y = MatMul(w, k) output y: float32",
                inputs +
                    "k = Concat(p, n) {axis=2} y = kinglet.Attention(q, k, k, m) {scale=1.0} output y: "
                    "float32");
}

TEST_CASE("fuse_attention finds keys whose rows and size are exchanged in three dimensions") {
  auto with = [](const std::string& from, const std::string& to) {
    return "input q: float32[2,4,5,8] input k: float32[2,4,7,8] const f: int64[3] = " + from +
           " const t: int64[4] = " + to +
           " a = Reshape(k, f) b = Transpose(a) {perm=[0, 2, 1]} kh = Reshape(b, t) s = MatMul(q, kh) "
           "w = Softmax(s) {axis=-1} y = MatMul(w, k) output y: float32";
  };
  expect_passes(with("[-1, 7, 8]", "[2, 4, 8, 7]"),
                "input q: float32[2,4,5,8] input k: float32[2,4,7,8] "
                "y = kinglet.Attention(q, k, k) {scale=1.0} output y: float32");
  expect_unchanged("fuse_attention", with("[-1, 8, 7]", "[2, 4, 8, 7]"));
}

TEST_CASE("fuse_attention takes numbers in place of hidden scores") {
  const std::string inputs =
      "input q: float32[B,4,T,8] input k: float32[B,4,S,8] input h: bool[1,1,T,S] input m: float32[B,1,1,S] "
      "const low: float32 = [-1e38] const none: float32 = [0.0] ";
  const std::string product = "kh = Transpose(k) {perm=[0, 1, 3, 2]} p = MatMul(q, kh) ";
  const std::string rest = "w = Softmax(s) {axis=-1} y = MatMul(w, k) output y: float32";
  auto fused = [&](const std::string& mask) {
    return inputs + mask + " y = kinglet.Attention(q, k, k, a) {scale=1.0} output y: float32";
  };
  expect_passes(inputs + product + "s = Where(h, p, low) " + rest, fused("a = Where(h, none, low)"));
  expect_passes(inputs + product + "s = Where(h, low, p) " + rest, fused("a = Where(h, low, none)"));
  expect_passes(inputs + product + "s0 = Where(h, p, low) s = Add(s0, m) " + rest,
                fused("a0 = Where(h, none, low) a = Add(a0, m)"));
  // A number that scores may reach.
  expect_unchanged("fuse_attention",
                   inputs + "const few: float32 = [-10000.0] " + product + "s = Where(h, p, few) " + rest);
}

namespace {

// Keys and values of two heads, each of which serves three of queries; `shape` is how they are repeated.
std::string repeated(const std::string& name, const std::string& axis, const std::string& shape) {
  auto with = [&](const std::string& suffix) { return " " + name + suffix; };
  return with("d = Shape(") + name + ")" + with("b = Slice(") + name + "d, zero, one)" + with("n = Slice(") +
         name + "d, two, three)" + with("5 = Unsqueeze(") + name + ", " + axis + ")" + with("s = Concat(") +
         name + "b, " + shape + ", " + name + "n, eight) {axis=0}" + with("e = Expand(") + name + "5, " +
         name + "s)" + with("t = Concat(") + name + "b, six, " + name + "n, eight) {axis=0}" +
         with("r = Reshape(") + name + "e, " + name + "t) ";
}

std::string grouped(const std::string& k, const std::string& v) {
  return "input q: float32[B,6,T,8] input k: float32[B,2,S,8] input v: float32[B,2,S,8] "
         "const zero: int64[1] = [0] const one: int64[1] = [1] const two: int64[1] = [2] "
         "const three: int64[1] = [3] const six: int64[1] = [6] const eight: int64[1] = [8] " +
         k + v +
         "kh = Transpose(kr) {perm=[0, 1, 3, 2]} s = MatMul(q, kh) w = Softmax(s) y = MatMul(w, vr) "
         "output y: float32";
}

}  // namespace

TEST_CASE("fuse_attention reads keys and values that are repeated once") {
  expect_passes(grouped(repeated("k", "two", "two, three"), repeated("v", "two", "two, three")),
                "input q: float32[B,6,T,8] input k: float32[B,2,S,8] input v: float32[B,2,S,8] "
                "y = kinglet.Attention(q, k, v) {scale=1.0} output y: float32");
  // Heads that take turns.
  std::string turns = repeated("k", "one", "three, two") + repeated("v", "one", "three, two");
  std::string inputs = grouped("", "").substr(0, grouped("", "").find("kh = "));
  expect_passes(grouped(turns, ""), inputs + turns +
                                        "y = kinglet.Attention(q, kr, vr) {scale=1.0} "
                                        "output y: float32");
}

// Only extents up to the table's rows fit; a residual behind it shows that shapes are known there too.
TEST_CASE("Shapes behind a table of positions are known") {
  const std::string before =
      "input x: float32[B,T,32] const table: float32[1,40,32] = ramp const w: float32[32,32] = ramp "
      "const zero: int64[1] = [0] const one: int64[1] = [1] const split: int64[4] = [0, 0, 4, 8] "
      "t = Shape(x) {start=1, end=2} p = Slice(table, zero, t, one) h = Add(x, p) ";
  expect_passes(before + "a = MatMul(h, w) y = Add(a, h) output y: float32",
                "input x: float32[B,T,32] const table: float32[1,40,32] = ramp "
                "const w: float32[32,32] = ramp const zero: int64[1] = [0] const one: int64[1] = [1] "
                "t = Shape(x) {start=1, end=2} p = Slice(table, zero, t, one) h = Add(x, p) "
                "y = com.microsoft.FusedMatMul(h, w, _, h) output y: float32");
  expect_passes(before +
                    "r = Reshape(h, split) q = Transpose(r) {perm=[0, 2, 1, 3]} "
                    "k = Transpose(r) {perm=[0, 2, 3, 1]} s = MatMul(q, k) m = Softmax(s) {axis=3} "
                    "c = MatMul(m, q) y = Transpose(c) {perm=[0, 2, 1, 3]} output y: float32",
                "input x: float32[B,T,32] const table: float32[1,40,32] = ramp const zero: int64[1] = [0] "
                "const one: int64[1] = [1] const split: int64[4] = [0, 0, 4, 8] "
                "t = Shape(x) {start=1, end=2} p = Slice(table, zero, t, one) h = Add(x, p) "
                "r = Reshape(h, split) y = kinglet.Attention(r, r, r) {scale=1.0, q_rows_first=1, "
                "k_rows_first=1, v_rows_first=1, y_rows_first=1} output y: float32");
}

// An open extent that is an input's, or a constant's, is no proof that the two are equal.
TEST_CASE("Open extents differ from those that are known") {
  for (const char* extent : {"320", "384", "96"}) {
    std::string head = "input x: float32[N,4] input z: float32[" + std::string(extent) +
                       ",5] const w: float32[4,5] = ramp a = MatMul(x, w) y = Add(a, z) output y: float32";
    expect_unchanged("fuse_residual_add", head);
  }
}

TEST_CASE("fuse_attention leaves alone what is not attention") {
  auto unchanged = [](const std::string& text) { expect_unchanged("fuse_attention", text); };
  // Scores or weights that others read, another axis, batches that broadcast, a mask that adds a dimension.
  unchanged(kInputs + kHeads + "s = MatMul(qh, kh) " + kRest + "output c: float32 output s: float32");
  unchanged(kInputs + kHeads + "s = MatMul(qh, kh) " + kRest + "output c: float32 output w: float32");
  unchanged(kInputs + kHeads +
            "s = MatMul(qh, kh) w = Softmax(s) {axis=2} c = MatMul(w, vh) output c: float32");
  unchanged(
      "input q: float32[1,4,T,8] input k: float32[B,4,S,8] input v: float32[B,4,S,8] "
      "kh = Transpose(k) {perm=[0, 1, 3, 2]} s = MatMul(q, kh) w = Softmax(s) y = MatMul(w, v) output y: "
      "float32");
  unchanged(kInputs + "input z: float32[2,1,1,1,S] " + kHeads + "p = MatMul(qh, kh) s = Add(p, z) " + kRest +
            "output c: float32");
  unchanged(kInputs + kHeads + "input z: float32[S] p = MatMul(qh, kh) s = Add(p, z) " + kRest +
            "output c: float32");
  // Keys that are not transposed, other types, shapes that are not known.
  unchanged(
      "input q: float32[B,4,T,8] input k: float32[B,4,8,S] input v: float32[B,4,S,8] "
      "s = MatMul(q, k) w = Softmax(s) y = MatMul(w, v) output y: float32");
  unchanged(
      "input q: float64[N,T,8] input k: float64[N,S,8] input v: float64[N,S,8] "
      "kh = Transpose(k) {perm=[0, 2, 1]} s = MatMul(q, kh) w = Softmax(s) y = MatMul(w, v) output y: "
      "float64");
  unchanged(
      "input q: float32 input k: float32 input v: float32 "
      "kh = Transpose(k) {perm=[0, 2, 1]} s = MatMul(q, kh) w = Softmax(s) y = MatMul(w, v) output y: "
      "float32");
}
