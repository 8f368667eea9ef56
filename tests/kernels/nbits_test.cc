#include <doctest/doctest.h>

#include <numeric>

#include "kernels/agree.h"
#include "kernels/quant/nbits.h"

namespace kinglet {
namespace {

using test::difference;
using test::PretendParallel;
using test::random_values;

TEST_CASE("weights of few bits: rows and panels agree with the judge") {
  struct Size {
    size_t n, k, bits, block;
  };
  constexpr Size kSizes[] = {{5, 64, 4, 32},   {9, 70, 4, 16},   {17, 33, 4, 32},
                             {3, 129, 4, 128}, {8, 256, 4, 256}, {6, 48, 2, 16},
                             {7, 50, 2, 32},   {11, 40, 8, 32},  {4, 16, 8, 64}};
  enum { kDefault, kFloat, kPacked, kZeroForms };
  for (const Size& size : kSizes) {
    for (int zeros = 0; zeros < kZeroForms; ++zeros) {
      for (bool grouped : {false, true}) {
        NBits w;
        w.n = size.n, w.k = size.k, w.bits = size.bits, w.block = size.block;
        auto seed = static_cast<uint32_t>(size.n + size.k);
        auto q = random_values<uint8_t>(w.n * w.row_bytes(), seed);
        auto scales = random_values<float>(w.n * w.blocks(), seed + 1);
        auto float_zeros = random_values<float>(w.n * w.blocks(), seed + 2);
        auto packed = random_values<uint8_t>(w.n * ((w.blocks() * w.bits + 7) / 8), seed + 3);
        std::vector<int32_t> groups(w.k);
        for (size_t p = 0; p < w.k; ++p) groups[p] = static_cast<int32_t>(p * 7 % w.blocks());
        w.q = q.data(), w.scales = scales.data();
        if (zeros == kFloat) w.zeros = float_zeros.data();
        if (zeros == kPacked) w.packed_zeros = packed.data();
        if (grouped) w.group_of = groups.data();
        CAPTURE(size.n);
        CAPTURE(size.k);
        CAPTURE(size.bits);
        CAPTURE(size.block);
        CAPTURE(zeros);
        CAPTURE(grouped);
        for (size_t m : {1, 6}) {
          auto a = random_values<float>(m * w.k, seed + 4), bias = random_values<float>(w.n, seed + 5);
          std::vector<float> c(m * w.n), want(m * w.n);
          nbits_reference(w, a.data(), m, bias.data(), want.data());
          MatMul<float> call{.m = m, .n = w.n, .k = w.k, .a = {a.data(), w.k, 1}};
          call.pack = nbits_pack;
          call.pack_context = &w;
          call.c = c.data();
          call.c_row = w.n;
          call.column_bias = bias.data();
          PretendParallel pool(2);
          std::vector<float> scratch(*matmul_scratch_bytes(call, select_matmul(call), 2) / sizeof(float));
          matmul(call, select_matmul(call), scratch.data(), pool);
          CHECK(difference(want, c, 1e-5) == "");
          if (m != 1 || !nbits_row_accepts(w)) continue;
          std::fill(c.begin(), c.end(), 77.0f);
          scratch.assign(nbits_row_scratch(w), 0.0f);
          nbits_row(w, a.data(), bias.data(), c.data(), scratch.data(), pool);
          CHECK(difference(want, c, 3e-5) == "");
        }
      }
    }
  }
}

}  // namespace
}  // namespace kinglet
