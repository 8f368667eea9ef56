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
  constexpr Size kSizes[] = {{5, 64, 4, 32},   {9, 70, 4, 16},   {17, 33, 4, 32},  {3, 129, 4, 128},
                             {8, 256, 4, 256}, {6, 48, 2, 16},   {7, 50, 2, 32},   {11, 40, 8, 32},
                             {4, 16, 8, 64},   {8, 1100, 4, 32}, {13, 531, 4, 16}, {9, 1027, 4, 64}};
  enum { kDefault, kFloat, kPacked, kZeroForms };
  for (const Size& size : kSizes) {
    for (int zeros = 0; zeros < kZeroForms; ++zeros) {
      for (bool grouped : {false, true}) {
        NBits w;
        w.n = size.n, w.k = size.k, w.bits = size.bits, w.block = size.block;
        auto seed = static_cast<uint32_t>(size.n + size.k);
        auto q = random_values<uint8_t>(w.n * w.row_bytes() + 16, seed);
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
        std::vector<uint8_t> packed_q(*nbits_packed_bytes(w) + 16);
        for (size_t m : {1, 3, 6}) {
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
          // Sums of many terms have rounding errors of their own.
          double tolerance = w.k > 256 ? 1e-4 : 1e-5;
          CHECK(difference(want, c, tolerance) == "");
          if (!nbits_packs(w)) continue;
          NBits p = w;
          nbits_pack_columns(w, packed_q.data());
          p.q = packed_q.data(), p.packed = true;
          std::fill(c.begin(), c.end(), 77.0f);
          call.pack_context = &p;
          matmul(call, select_matmul(call), scratch.data(), pool);
          CHECK(difference(want, c, tolerance) == "");
          std::vector<float> integers(*nbits_rows_scratch(p, m));
          std::fill(c.begin(), c.end(), 77.0f);
          nbits_rows(p, a.data(), m, bias.data(), c.data(), integers.data(), pool);
          CHECK(difference(want, c, 3 * tolerance) == "");
          p.rough = true;
          nbits_rows(p, a.data(), m, bias.data(), c.data(), integers.data(), pool);
          for (size_t i = 0; i < c.size(); ++i) {
            // Half a step of 8 bits in every value.
            double allowed = 1e-4;
            for (size_t k = 0; k < w.k; ++k) {
              float weight = 0;
              nbits_column(w, i % w.n, k, k + 1, &weight);
              allowed += std::abs(static_cast<double>(weight)) / 254;
            }
            CHECK(std::abs(static_cast<double>(c[i] - want[i])) <= allowed);
          }
        }
      }
    }
  }
}

TEST_CASE("weights of 4 bits: rows of all magnitudes, infinities and NaN agree with the judge") {
  NBits w;
  w.n = 7, w.k = 96;
  auto q = random_values<uint8_t>(w.n * w.row_bytes() + 16, 1);
  auto scales = random_values<float>(w.n * w.blocks(), 2);
  w.q = q.data(), w.scales = scales.data();
  std::vector<uint8_t> packed(*nbits_packed_bytes(w));
  nbits_pack_columns(w, packed.data());
  w.q = packed.data(), w.packed = true;
  constexpr float kInf = std::numeric_limits<float>::infinity(),
                  kNan = std::numeric_limits<float>::quiet_NaN();
  for (float special : {0.0f, 1e-38f, 1e-20f, 1e6f, 1e30f, kInf, -kInf, kNan}) {
    for (bool everywhere : {false, true}) {
      CAPTURE(special);
      CAPTURE(everywhere);
      auto a = random_values<float>(w.k, 3);
      for (size_t i = 0; i < w.k; ++i)
        if (everywhere || i == 37) a[i] = everywhere ? special * a[i] : special;
      std::vector<float> c(w.n), want(w.n), scratch(*nbits_rows_scratch(w, 1));
      nbits_reference(w, a.data(), 1, nullptr, want.data());
      Parallel pool;
      nbits_rows(w, a.data(), 1, nullptr, c.data(), scratch.data(), pool);
      CHECK(difference(want, c, 3e-5) == "");
    }
  }
}

}  // namespace
}  // namespace kinglet
