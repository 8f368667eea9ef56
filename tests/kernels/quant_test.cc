#include <doctest/doctest.h>

#include "kernels/agree.h"
#include "kernels/quant/product.h"

namespace kinglet {
namespace {

using test::difference;
using test::PretendParallel;
using test::random_values;

enum class Form { kRows, kTransposed, kPacked, kCallback };

// Columns of B come from a plain matrix of rows.
struct Plain {
  const uint8_t* data;
  size_t k, n;
};
void copy_columns(const void* context, size_t offset, size_t n, uint8_t* panel) {
  const Plain& b = *static_cast<const Plain*>(context);
  for (size_t p = 0; p < b.k; ++p)
    for (size_t q = 0; q < 8; ++q)
      panel[p * 8 + q] = n + q < b.n ? b.data[offset + p * b.n + n + q] : uint8_t{0xee};
}

struct Extremes {
  std::vector<uint8_t> values;
  // Every fourth byte is an extreme, so that sums meet what saturates elsewhere.
  Extremes(size_t count, uint32_t seed) : values(random_values<uint8_t>(count, seed)) {
    const uint8_t kEdges[] = {0, 127, 128, 255};
    for (size_t i = 0; i < count; i += 1 + values[i] % 4) values[i] = kEdges[values[i] / 64];
  }
};

struct Sizes {
  size_t m, n, k;
};

struct Signs {
  bool a, b;
};

// All ways to finish, by a number.
struct Case {
  std::vector<uint8_t> a, b, packed_a, packed_b;
  std::vector<int32_t> a_zero, b_zero, row_bias, column_bias;
  std::vector<float> row_scale, column_scale, addend;
  std::vector<uint8_t> c, want;
  Plain plain;
  QuantMatMul call;

  Case(Sizes size, Signs is_signed, Form a_form, Form b_form, unsigned variant, QuantKernel kernel) {
    auto [m, n, k] = size;
    a = Extremes(m * k, variant + 1).values;
    b = Extremes(n * k, variant + 2).values;
    call.m = m, call.n = n, call.k = k;
    call.a = {a.data(), k, 1, is_signed.a, false};
    if (a_form == Form::kTransposed) call.a.row = 1, call.a.column = m;
    call.b = {b.data(), n, 1, is_signed.b, false};
    if (b_form == Form::kTransposed) call.b.row = 1, call.b.column = k;
    auto zeros = [&](size_t count, bool negative, uint32_t seed) {
      std::vector<int32_t> z;
      for (uint8_t v : random_values<uint8_t>(count, seed)) z.push_back(negative ? int32_t{v} - 128 : v);
      return z;
    };
    if (variant % 3 != 0) {
      call.a_zero_rows = variant % 3 == 2;
      a_zero = zeros(m, is_signed.a, variant + 3);
      call.a_zero = a_zero.data();
    }
    if (variant / 3 % 3 != 0) {
      call.b_zero_columns = variant / 3 % 3 == 2;
      b_zero = zeros(n, is_signed.b, variant + 4);
      call.b_zero = b_zero.data();
    }
    auto biases = [](size_t count, uint32_t seed) {
      auto v = random_values<int32_t>(count, seed);
      for (int32_t& x : v) x >>= 8;
      return v;
    };
    auto reals = [](size_t count, float by, uint32_t seed) {
      auto v = random_values<float>(count, seed);
      for (float& x : v) x = by * (1.5f + x);
      return v;
    };
    row_bias = biases(m, variant + 5);
    column_bias = biases(n, variant + 6);
    row_scale = reals(m, 0.01f, variant + 7);
    column_scale = reals(n, 0.03f, variant + 8);
    addend = reals(n, 10.0f, variant + 9);
    if (variant & 1) call.row_bias = row_bias.data();
    if (variant & 2) call.column_bias = column_bias.data();
    call.scale = 0.0009f;
    if (variant & 4) call.row_scale = row_scale.data();
    if (variant & 8) call.column_scale = column_scale.data();
    call.result = static_cast<QuantResult>(variant / 2 % 4);
    if (call.result == QuantResult::kFloat32 && (variant & 16) != 0) call.addend = addend.data();
    if (call.result >= QuantResult::kInt8) call.c_zero = call.result == QuantResult::kInt8 ? -7 : 131;
    call.c_row = n + (variant & 1 ? 3 : 0);
    c.assign(m * call.c_row * 4 + 4, 0x5a);
    want = c;
    QuantMatMul judge = call;
    judge.c = want.data();
    quant_matmul_reference(judge);
    call.c = c.data();
    if (a_form == Form::kPacked) {
      packed_a.resize(*quant_packed_a_bytes(m, k, kernel));
      quant_pack_a(call.a, m, k, kernel, packed_a.data());
      call.a = {packed_a.data(), 0, 1, is_signed.a, true};
    }
    if (b_form == Form::kPacked) {
      packed_b.resize(*quant_packed_b_bytes(k, n, kernel));
      quant_pack_b(call.b, k, n, kernel, packed_b.data());
      call.b = {packed_b.data(), 0, 1, is_signed.b, true};
    }
    plain = {b.data(), k, n};
    if (b_form == Form::kCallback) {
      call.b = {nullptr, 0, 1, is_signed.b, false};
      call.pack = copy_columns;
      call.pack_context = &plain;
    }
  }

  std::string run(QuantKernel kernel, int threads) {
    PretendParallel pool(threads);
    std::vector<uint8_t> scratch(*quant_scratch_bytes(call, kernel, threads));
    quant_matmul(call, kernel, scratch.data(), pool);
    return difference(want, c, 0);
  }
};

void agrees(Sizes size, unsigned variant, int threads) {
  for (size_t i = 0; i < static_cast<size_t>(QuantKernel::kCount); ++i) {
    auto kernel = static_cast<QuantKernel>(i);
    if (!quant_accepts(kernel)) continue;
    for (Form a : {Form::kRows, Form::kTransposed, Form::kPacked}) {
      for (Form b : {Form::kRows, Form::kTransposed, Form::kPacked, Form::kCallback}) {
        for (Signs signs : {Signs{false, false}, {false, true}, {true, false}, {true, true}}) {
          CAPTURE(quant_kernel_name(kernel));
          CAPTURE(size.m);
          CAPTURE(size.n);
          CAPTURE(size.k);
          CAPTURE(static_cast<int>(a));
          CAPTURE(static_cast<int>(b));
          CAPTURE(signs.a);
          CAPTURE(signs.b);
          CAPTURE(variant);
          Case one(size, signs, a, b, variant, kernel);
          CHECK(one.run(kernel, threads) == "");
        }
      }
    }
  }
}

TEST_CASE("8-bit products: every kernel equals the judge") {
  unsigned variant = 0;
  for (size_t m : {1, 2, 3, 4, 5, 9})
    for (size_t n : {1, 7, 8, 17})
      for (size_t k : {0, 1, 2, 3, 5, 8, 19, 33})
        agrees({m, n, k}, variant = (variant + 7) % 32, 1 + static_cast<int>(m % 3));
}

TEST_CASE("8-bit products: more than one block of columns and of rows") {
  for (int threads : {1, 3}) {
    agrees({9, 75, 6200}, 13, threads);
    agrees({37, 9, 3}, 22, threads);
    agrees({131, 49, 12}, 13, threads);
    agrees({1, 500, 40}, 31, threads);
  }
}

TEST_CASE("8-bit products: rounding is to even and saturates, NaN is the lowest value") {
  for (QuantResult result : {QuantResult::kInt8, QuantResult::kUInt8}) {
    std::vector<uint8_t> a(7 * 1), b{1}, c(7, 0x5a);
    const int8_t values[] = {1, 3, 5, -1, -3, 127, -128};
    std::memcpy(a.data(), values, 7);
    auto run = [&](float scale) {
      QuantMatMul call{.m = 7, .n = 1, .k = 1, .a = {a.data(), 1, 1, true}, .b = {b.data(), 1, 1, true}};
      call.scale = scale;
      call.result = result;
      call.c_zero = 0;
      call.c = c.data();
      call.c_row = 1;
      PretendParallel pool(1);
      std::vector<uint8_t> scratch(*quant_scratch_bytes(call, select_quant(), 1));
      quant_matmul(call, select_quant(), scratch.data(), pool);
      std::vector<int> out;
      for (uint8_t v : c) out.push_back(result == QuantResult::kInt8 ? int{static_cast<int8_t>(v)} : int{v});
      return out;
    };
    bool s = result == QuantResult::kInt8;
    CHECK(run(0.5f) == std::vector<int>{0, 2, 2, 0, s ? -2 : 0, 64, s ? -64 : 0});
    CHECK(run(1e30f) == std::vector<int>{s ? 127 : 255, s ? 127 : 255, s ? 127 : 255, s ? -128 : 0,
                                         s ? -128 : 0, s ? 127 : 255, s ? -128 : 0});
    CHECK(run(std::numeric_limits<float>::quiet_NaN()) == std::vector<int>(7, s ? -128 : 0));
  }
}

TEST_CASE("8-bit products: batches read and write at their offsets") {
  Case one({5, 6, 7}, {true, false}, Form::kRows, Form::kRows, 5, select_quant());
  auto a = Extremes(3 * 35, 1).values, b = Extremes(2 * 42, 2).values;
  std::vector<int32_t> c(6 * 30), want(6 * 30);
  std::vector<MatMulItem> items;
  for (size_t i = 0; i < 6; ++i) items.push_back({i % 3 * 35, i / 3 * 42, i * 30, 0});
  QuantMatMul call{.m = 5, .n = 6, .k = 7, .a = {a.data(), 7, 1, true}, .b = {b.data(), 6, 1, false}};
  call.c_row = 6;
  call.items = items;
  call.c = want.data();
  quant_matmul_reference(call);
  call.c = c.data();
  for (int threads : {1, 4}) {
    PretendParallel pool(threads);
    std::vector<uint8_t> scratch(*quant_scratch_bytes(call, select_quant(), threads));
    std::fill(c.begin(), c.end(), 0);
    quant_matmul(call, select_quant(), scratch.data(), pool);
    CHECK(difference(want, c, 0) == "");
  }
}

TEST_CASE("8-bit products: the comparison sees one wrong step") {
  Case one({9, 23, 17}, {false, true}, Form::kRows, Form::kPacked, 6, select_quant());
  REQUIRE(one.run(select_quant(), 1) == "");
  one.c[one.c.size() / 4] ^= 1;
  CHECK(difference(one.want, one.c, 0) != "");
}

TEST_CASE("8-bit products: sizes that do not fit are refused") {
  constexpr size_t kLarge = std::numeric_limits<size_t>::max() / 2;
  CHECK_FALSE(quant_packed_a_bytes(kLarge, 9, select_quant()).ok());
  CHECK_FALSE(quant_packed_b_bytes(kLarge, 9, select_quant()).ok());
  QuantMatMul call{.m = 8, .n = 8, .k = kLarge};
  CHECK_FALSE(quant_scratch_bytes(call, select_quant(), 1).ok());
}

}  // namespace
}  // namespace kinglet
