#include <doctest/doctest.h>

#include "passes/expect.h"

using namespace kinglet::testing;

TEST_CASE("fold_constants") {
  expect_pass("fold_constants", R"(
    input x: float32[2]
    const a: float32[2] = [1.0, 2.0]
    const b: float32[2] = [3.0, 5.0]
    c = Add(a, b)
    d = Neg(c)
    y = Mul(x, d)
    output y: float32)",
              R"(
    input x: float32[2]
    const d: float32[2] = [-4.0, -7.0]
    y = Mul(x, d)
    output y: float32)");
  // A graph output keeps its name.
  expect_pass("fold_constants", "const a: float32[1] = [1.0] y = Neg(a) output y: float32",
              "const y: float32[1] = [-1.0] output y: float32");
  // Weights made by ConstantOfShape are folded at any size, other growth is not.
  expect_pass("fold_constants", R"(
    input x: float32
    const s: int64[2] = [1000, 1000]
    w = ConstantOfShape(s) {value=float32[1]=[1.0]}
    y = MatMul(x, w)
    output y: float32)",
              R"(
    input x: float32
    const w: float32[1000,1000] = ones
    y = MatMul(x, w)
    output y: float32)");
  expect_unchanged("fold_constants", R"(
    input x: float32
    const s: int64[2] = [1000, 1000]
    const one: float32 = [1.0]
    w = Expand(one, s)
    y = Add(x, w)
    output y: float32)");
  // What fails stays, and fails in the run if it is reached.
  expect_unchanged("fold_constants", R"(
    const a: float32[2] = [1.0, 2.0]
    const b: float32[3] = [1.0, 2.0, 3.0]
    y = Add(a, b)
    output y: float32)");
}

TEST_CASE("eliminate_identity") {
  expect_pass("eliminate_identity", R"(
    input x: float32[2,3]
    const zero: int64[4] = [0, 0, 0, 0]
    const one: float32 = [1.0]
    const starts: int64[1] = [0]
    const ends: int64[1] = [9223372036854775807]
    a = Identity(x)
    b, _ = Dropout(a)
    c = Cast(b) {to=1}
    d = Transpose(c) {perm=[0, 1]}
    e = Pad(d, zero)
    f = Slice(e, starts, ends)
    g = Mul(f, one)
    h = Concat(g) {axis=0}
    y = Neg(h)
    output y: float32)",
              "input x: float32[2,3] y = Neg(x) output y: float32");
  // Names of outputs win over fewer nodes.
  expect_unchanged("eliminate_identity", "input x: float32 y = Identity(x) output y: float32");
  expect_unchanged("eliminate_identity",
                   "input x: float32 a = Neg(x) y = Identity(a) output a: float32 output y: float32");
  expect_pass("eliminate_identity", "input x: float32 a = Neg(x) y = Identity(a) output y: float32",
              "input x: float32 y = Neg(x) output y: float32");
  expect_unchanged("eliminate_identity", R"(
    input x: float32
    const one: float32[1,1] = [1.0]
    const ends: int64[1] = [5]
    const starts: int64[1] = [0]
    a = Mul(x, one)
    b = Slice(a, starts, ends)
    c = Cast(b) {to=11}
    d, mask = Dropout(c)
    output d: float64
    output mask: bool)");
}

TEST_CASE("eliminate_dead") {
  expect_pass("eliminate_dead", R"(
    input x: float32
    a = Neg(x)
    b = Abs(a)
    c, d = Dropout(x)
    y = Exp(c)
    output y: float32)",
              "input x: float32 c = Dropout(x) y = Exp(c) output y: float32");
  // The first output stays: kernels count on it.
  expect_pass("eliminate_dead",
              "input x: float32 input s: float32 y, m, v = LayerNormalization(x, s) output m: float32",
              "input x: float32 input s: float32 y, m = LayerNormalization(x, s) output m: float32");
}

TEST_CASE("eliminate_common_subexpressions") {
  expect_pass("eliminate_common_subexpressions", R"(
    input x: float32[4]
    const p: float32[1] = [2.0]
    const q: float32[1] = [2.0]
    a = Add(x, p)
    b = Add(x, q)
    c = Concat(a, b) {axis=0}
    d = Concat(a, b) {axis=0}
    e = Softmax(c) {axis=0}
    f = Softmax(d) {axis=-1}
    y = Sub(e, f)
    output y: float32)",
              R"(
    input x: float32[4]
    const p: float32[1] = [2.0]
    a = Add(x, p)
    c = Concat(a, a) {axis=0}
    e = Softmax(c) {axis=0}
    f = Softmax(c) {axis=-1}
    y = Sub(e, f)
    output y: float32)");
  expect_unchanged("eliminate_common_subexpressions",
                   "input x: float32 a = Neg(x) b = Neg(x) output a: float32 output b: float32");
}

TEST_CASE("normalize_captures and inline_constant_if") {
  expect_pass("normalize_captures", R"(
    input x: float32
    input c: bool
    const k: float32[1] = [2.0]
    y = If(c) then_branch(k, x) { input k: float32 input x: float32 r = Neg(k) output r: float32 }
      else_branch(x, k) { input p: float32 input q: float32 r = Add(p, q) output r: float32 }
    output y: float32)",
              R"(
    input x: float32
    input c: bool
    y = If(c) then_branch() { const k: float32[1] = [2.0] r = Neg(k) output r: float32 }
      else_branch(x) { input p: float32 const q: float32[1] = [2.0] r = Add(p, q) output r: float32 }
    output y: float32)");
  expect_pass("inline_constant_if", R"(
    input x: float32
    const c: bool = [1]
    y, z, w = If(c) then_branch(x) {
        input p: float32
        const k: float32[1] = [2.0]
        r = Mul(p, k)
        output r: float32
        output p: float32
        output r: float32
      } else_branch() { const k: float32[1] = [2.0] output k: float32 output k: float32 output k: float32 }
    output y: float32
    output z: float32
    output w: float32)",
              R"(
    input x: float32
    const k: float32[1] = [2.0]
    y = Mul(x, k)
    z = Identity(x)
    w = Identity(y)
    output y: float32
    output z: float32
    output w: float32)");
  // Passes reach into bodies.
  expect_pass("eliminate_identity", R"(
    input x: float32
    input c: bool
    y = If(c) then_branch(x) { input p: float32 a = Identity(p) r = Neg(a) output r: float32 }
      else_branch(x) { input p: float32 r = Abs(p) output r: float32 }
    output y: float32)",
              R"(
    input x: float32
    input c: bool
    y = If(c) then_branch(x) { input p: float32 r = Neg(p) output r: float32 }
      else_branch(x) { input p: float32 r = Abs(p) output r: float32 }
    output y: float32)");
}

TEST_CASE("merge_reshapes and merge_transposes") {
  expect_pass("merge_reshapes", R"(
    input x: float32
    const s: int64[2] = [-1, 4]
    a = Flatten(x)
    y = Reshape(a, s)
    output y: float32)",
              R"(
    input x: float32
    const s: int64[2] = [-1, 4]
    a = Flatten(x)
    y = Reshape(x, s)
    output y: float32)");
  expect_unchanged("merge_reshapes", R"(
    input x: float32
    const s: int64[2] = [0, -1]
    a = Flatten(x)
    y = Reshape(a, s)
    output y: float32)");
  expect_pass("merge_transposes", R"(
    input x: float32
    a = Transpose(x) {perm=[1, 2, 0]}
    y = Transpose(a) {perm=[0, 2, 1]}
    output y: float32)",
              R"(
    input x: float32
    a = Transpose(x) {perm=[1, 2, 0]}
    y = Transpose(x) {perm=[1, 0, 2]}
    output y: float32)");
  expect_passes(R"(
    input x: float32
    a = Transpose(x) {perm=[1, 2, 0]}
    b = Transpose(a) {perm=[2, 0, 1]}
    y = Neg(b)
    output y: float32)",
                "input x: float32 y = Neg(x) output y: float32");
}
