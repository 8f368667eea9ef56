#include <doctest/doctest.h>

#include <string>

#include "passes/expect.h"

using namespace kinglet::testing;

namespace {

std::string rotary(const std::string& tables, const std::string& begin = "half",
                   const std::string& axis = "3") {
  return "input x: float32[B,4,T,8] input cos: float32" + tables + " input sin: float32" + tables +
         " const zero: int64[1] = [0] const half: int64[1] = [4] const end: int64[1] = [9223372036854775807] "
         "const three: int64[1] = [3] const one: int64[1] = [1] a = Slice(x, zero, half, three) b = "
         "Slice(x, " +
         begin + ", end, three) n = Neg(b) r = Concat(n, a) {axis=" + axis + "} ";
}
const std::string kSum = "output y: float32";

std::string fused(const std::string& tables) {
  return "input x: float32[B,4,T,8] input cos: float32" + tables + " input sin: float32" + tables +
         " y = kinglet.RotaryEmbedding(x, cos, sin) output y: float32";
}

}  // namespace

TEST_CASE("fuse_rotary") {
  for (const std::string tables : {"[B,1,T,8]", "[1,1,T,8]"}) {
    expect_passes(rotary(tables) + "p = Mul(x, cos) q = Mul(r, sin) y = Add(p, q) " + kSum, fused(tables));
    expect_passes(rotary(tables) + "p = Mul(cos, x) q = Mul(sin, r) y = Add(q, p) " + kSum, fused(tables));
  }
}

TEST_CASE("fuse_rotary leaves alone what is not a rotation") {
  auto unchanged = [](const std::string& text) { expect_unchanged("fuse_rotary", text); };
  const std::string sum = "p = Mul(x, cos) q = Mul(r, sin) y = Add(p, q) " + kSum;
  // Tables of other items, rows, heads or columns; parts that are no halves; other axes; one part twice.
  for (const char* tables : {"[M,1,T,8]", "[B,1,S,8]", "[B,4,T,8]", "[B,1,1,8]", "[T,8]", "[B,1,T,1]"})
    unchanged(rotary(tables) + sum);
  unchanged(rotary("[B,1,T,8]", "one") + sum);
  unchanged(rotary("[B,1,T,8]", "half", "2") + sum);
  unchanged(rotary("[B,1,T,8]") + "p = Mul(r, cos) q = Mul(r, sin) y = Add(p, q) " + kSum);
}
