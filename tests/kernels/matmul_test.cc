#include "kernels/matmul/matmul.h"

#include <doctest/doctest.h>

#include <limits>

#include "kernels/agree.h"
#include "kernels/matmul/pack.h"

namespace kinglet {
namespace {

using test::difference;
using test::PretendParallel;
using test::random_values;

constexpr size_t kKernels = static_cast<size_t>(MatMulKernel::kCount);

enum class AForm { kRows, kTransposed, kPacked };
enum class BForm { kRows, kTransposed, kPacked, kCallback };

template <class T>
void pack_from_view(const void* context, size_t offset, size_t k0, size_t k1, size_t n0, size_t n1,
                    T* panels) {
  MatrixView<T> view = *static_cast<const MatrixView<T>*>(context);
  view.data += offset;
  pack_panels<T>(view, k0, k1, n0, n1, T{1}, panels);
}

// Operands in one of their forms, and the same call for the judge.
template <class T>
struct Case {
  std::vector<T> a, b, packed_a, packed_b, row_bias, column_bias, residual, c, want;
  MatrixView<T> b_view;
  MatMul<T> call;

  Case(size_t m, size_t n, size_t k, AForm a_form, BForm b_form, bool extras, uint32_t seed)
      : a(random_values<T>(m * k, seed)), b(random_values<T>(k * n, seed + 1)) {
    call.m = m, call.n = n, call.k = k;
    bool at = a_form == AForm::kTransposed, bt = b_form == BForm::kTransposed;
    call.a = {a.data(), at ? 1 : k, at ? m : 1};
    call.b = {b.data(), bt ? 1 : n, bt ? k : 1};
    call.c_row = n + (extras ? 3 : 0);
    c.assign(m * call.c_row, T{77});
    if (extras) {
      row_bias = random_values<T>(m, seed + 2);
      column_bias = random_values<T>(n, seed + 3);
      c = random_values<T>(m * call.c_row, seed + 4);
      residual = c;
      call.row_bias = row_bias.data();
      call.column_bias = column_bias.data();
      if (a_form != AForm::kPacked || b_form == BForm::kRows || b_form == BForm::kTransposed)
        call.alpha = b_form == BForm::kCallback ? T{1} : static_cast<T>(3);
    }
    want = c;
    MatMul<T> judge = call;
    judge.c = want.data();
    if (extras) judge.residual = residual.data();
    matmul_reference(judge);
    b_view = call.b;
    if (a_form == AForm::kPacked) {
      packed_a.resize(*matmul_packed_a_bytes<T>(m, k) / sizeof(T));
      matmul_pack_a(call.a, m, k, T{1}, packed_a.data());
      call.a = {packed_a.data(), 0, 0, true};
    }
    if (b_form == BForm::kPacked) {
      packed_b.resize(*matmul_packed_b_bytes<T>(k, n) / sizeof(T));
      matmul_pack_b(call.b, k, n, T{1}, packed_b.data());
      call.b = {packed_b.data(), 0, 0, true};
    }
    if (b_form == BForm::kCallback) {
      call.b = {};
      call.pack = pack_from_view<T>;
      call.pack_context = &b_view;
    }
    call.c = c.data();
    if (extras) call.residual = c.data();  // in place
  }
};

template <class T>
void run_with(MatMulKernel kernel, const MatMul<T>& call, int threads) {
  PretendParallel pool(threads);
  // Exactly the bytes that were asked for: the sanitizer sees one more.
  std::vector<T> scratch(*matmul_scratch_bytes(call, kernel, threads) / sizeof(T));
  matmul(call, kernel, scratch.data(), pool);
}

// Every kernel of the element type that accepts the call. Returns how many did.
template <class T>
int agrees_with_judge(size_t m, size_t n, size_t k, AForm a_form, BForm b_form, bool extras, int threads) {
  int tried = 0;
  for (size_t i = 0; i < kKernels; ++i) {
    auto kernel = static_cast<MatMulKernel>(i);
    Case<T> one(m, n, k, a_form, b_form, extras, static_cast<uint32_t>(m * 31 + n * 7 + k));
    if (!matmul_accepts(one.call, kernel)) continue;
    ++tried;
    run_with(kernel, one.call, threads);
    CAPTURE(matmul_kernel_name(kernel));
    CAPTURE(m);
    CAPTURE(n);
    CAPTURE(k);
    CAPTURE(static_cast<int>(a_form));
    CAPTURE(static_cast<int>(b_form));
    CAPTURE(extras);
    CHECK(difference(one.want, one.c,
                     sizeof(T) == 4 ? 2e-6 * (1 + std::sqrt(double(k))) : 1e-13 * (1 + double(k))) == "");
  }
  return tried;
}

template <class T>
void agrees_in_all_forms() {
  for (AForm a : {AForm::kRows, AForm::kTransposed, AForm::kPacked}) {
    for (BForm b : {BForm::kRows, BForm::kTransposed, BForm::kPacked, BForm::kCallback}) {
      for (size_t m : {1, 2, 3, 4, 5, 7, 13})
        for (size_t n : {1, 3, 4, 5, 8, 9, 16, 23})
          for (size_t k : {0, 1, 5, 8})
            CHECK(agrees_with_judge<T>(m, n, k, a, b, (m + n + k) % 2 == 0, 1 + static_cast<int>(m % 3)) > 0);
      // More than one block of depth, of columns and of rows.
      for (int threads : {1, 3}) {
        agrees_with_judge<T>(9, 211, 2401, a, b, true, threads);
        agrees_with_judge<T>(1, 500, 401, a, b, false, threads);
        // Four streams of 31 pages, or panels of a page.
        agrees_with_judge<T>(1, 1003, 128, a, b, true, threads);
        agrees_with_judge<T>(131, 1, 401, a, b, true, threads);
        agrees_with_judge<T>(37, 9, 3, a, b, true, threads);
        // Few columns: threads share the rows.
        agrees_with_judge<T>(131, 49, 40, a, b, true, threads);
      }
    }
  }
}

TEST_CASE("matmul float32: every kernel agrees with the judge") { agrees_in_all_forms<float>(); }
TEST_CASE("matmul float64: every kernel agrees with the judge") { agrees_in_all_forms<double>(); }
TEST_CASE("matmul 32-bit integers: every kernel equals the judge") { agrees_in_all_forms<uint32_t>(); }
TEST_CASE("matmul 64-bit integers: every kernel equals the judge") { agrees_in_all_forms<uint64_t>(); }

TEST_CASE("matmul: NaN, infinity and zeros reach exactly the elements they belong to") {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  for (float special : {std::numeric_limits<float>::quiet_NaN(), kInf, -kInf, -0.0f}) {
    for (BForm b : {BForm::kRows, BForm::kPacked}) {
      for (size_t i = 0; i < kKernels; ++i) {
        Case<float> one(7, 11, 6, AForm::kRows, b, false, 5);
        auto kernel = static_cast<MatMulKernel>(i);
        if (!matmul_accepts(one.call, kernel)) continue;
        one.a[3 * 6 + 2] = special;
        MatMul<float> judge = one.call;
        judge.b = one.b_view;
        judge.c = one.want.data();
        matmul_reference(judge);
        run_with(kernel, one.call, 1);
        CHECK(difference(one.want, one.c, 1e-5) == "");
      }
    }
  }
}

TEST_CASE("matmul: one row, cut for threads, has its activation everywhere once") {
  for (BForm form : {BForm::kTransposed, BForm::kPacked}) {
    for (int threads : {1, 3}) {
      Case<float> one(1, 391, 200, AForm::kRows, form, true, 8);
      one.want = one.c;
      MatMul<float> judge = one.call;
      judge.b = one.b_view;
      judge.residual = judge.c = one.want.data();
      judge.activation = one.call.activation = {Activation::kAffine, 2, -1};
      matmul_reference(judge);
      run_with(select_matmul(one.call), one.call, threads);
      CHECK(difference(one.want, one.c, 1e-5) == "");
    }
  }
}

TEST_CASE("matmul: activations equal the judge's, clamps keep NaN") {
  for (int kind = 0; kind < kActivationCount; ++kind) {
    Activation activation = default_activation(static_cast<Activation::Kind>(kind));
    if (kind == Activation::kClip) activation = {Activation::kClip, -0.5f, 0.75f};
    for (size_t n : {1, 6, 17}) {
      Case<float> one(5, n, 3, AForm::kPacked, BForm::kRows, true, 9);
      one.row_bias[1] = std::numeric_limits<float>::quiet_NaN();
      MatMul<float> judge = one.call;
      judge.a = {one.a.data(), 3, 1};
      one.want = one.c;
      judge.residual = judge.c = one.want.data();
      judge.activation = one.call.activation = activation;
      matmul_reference(judge);
      run_with(select_matmul(one.call), one.call, 2);
      CAPTURE(activation_name(activation.kind));
      CHECK(difference(one.want, one.c, 1e-5) == "");
    }
  }
}

TEST_CASE("activations follow their definitions") {
  const float x[] = {-200.0f, -3.5f, -1.0f, -0.25f, -0.0f, 0.0f, 0.3f, 1.0f, 2.9f, 20.0f, 150.0f};
  auto check = [&](Activation f, auto definition) {
    float y[std::size(x)];
    std::memcpy(y, x, sizeof x);
    activate(f, y, std::size(x));
    CAPTURE(activation_name(f.kind));
    for (size_t i = 0; i < std::size(x); ++i) {
      CAPTURE(x[i]);
      CHECK(y[i] == doctest::Approx(definition(static_cast<double>(x[i]))).epsilon(2e-6));
    }
  };
  using A = Activation;
  auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };
  auto clip = [](double v, double lo, double hi) { return std::min(std::max(v, lo), hi); };
  check({A::kRelu}, [](double v) { return std::max(v, 0.0); });
  check({A::kClip, -1, 2}, [&](double v) { return clip(v, -1, 2); });
  check({A::kLeakyRelu, 0.1f}, [](double v) { return v < 0 ? 0.1f * v : v; });
  check({A::kSigmoid}, sigmoid);
  check({A::kTanh}, [](double v) { return std::tanh(v); });
  check({A::kHardSigmoid, 0.2f, 0.5f}, [&](double v) { return clip(0.2f * v + 0.5, 0, 1); });
  check({A::kHardSwish}, [&](double v) { return v * clip(v / 6 + 0.5, 0, 1); });
  check({A::kHardSwish, 0, 0, 0.25f, 3}, [&](double v) { return 0.25 * v * clip(v / 6 + 0.5, 0, 1) + 3; });
  check({A::kRelu, 0, 0, 2, -1}, [](double v) { return 2 * std::max(v, 0.0) - 1; });
  check({A::kSilu}, [&](double v) { return v * sigmoid(v); });
  check({A::kElu, 1.5f}, [](double v) { return v < 0 ? 1.5 * std::expm1(v) : v; });
  check({A::kGeluTanh},
        [](double v) { return 0.5 * v * (1 + std::tanh(std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v))); });
  check({A::kGelu}, [](double v) { return 0.5 * v * (1 + std::erf(v / std::sqrt(2.0))); });
  check({A::kAffine, 2, -1}, [](double v) { return 2 * v - 1; });
  check({A::kThresholdedRelu, 0.5f}, [](double v) { return v > 0.5 ? v : 0; });
  check({A::kScaledTanh, 2, 0.5f}, [](double v) { return 2 * std::tanh(0.5 * v); });
  check({A::kSoftsign}, [](double v) { return v / (1 + std::abs(v)); });
  check({A::kSoftplus}, [](double v) { return v > 30 ? v : std::log1p(std::exp(v)); });
}

TEST_CASE("matmul: batches read and write at their offsets") {
  auto a = random_values<float>(2 * 6 * 5, 1), b = random_values<float>(3 * 5 * 7, 2);
  std::vector<float> c(6 * 6 * 7), want(c.size());
  std::vector<MatMulItem> items;
  for (size_t i = 0; i < 2; ++i)
    for (size_t j = 0; j < 3; ++j) items.push_back({i * 30, j * 35, (i * 3 + j) * 42, 0});
  MatMul<float> call{.m = 6,
                     .n = 7,
                     .k = 5,
                     .a = {a.data(), 5, 1},
                     .b = {b.data(), 7, 1},
                     .c = c.data(),
                     .c_row = 7,
                     .items = items};
  MatMul<float> judge = call;
  judge.c = want.data();
  matmul_reference(judge);
  for (int threads : {1, 4}) {
    std::fill(c.begin(), c.end(), 0.0f);
    run_with(select_matmul(call), call, threads);
    CHECK(difference(want, c, 1e-5) == "");
  }
}

TEST_CASE("matmul: which kernel a call gets") {
  std::vector<float> memory(1);
  auto name = [&](size_t m, size_t n, AForm a, BForm b) {
    Case<float> one(m, n, 16, a, b, false, 1);
    return std::string(matmul_kernel_name(select_matmul(one.call)));
  };
  CHECK(name(40, 6625, AForm::kRows, BForm::kPacked) == "f32_tiles");
  CHECK(name(480, 120, AForm::kPacked, BForm::kRows) == "f32_tiles");
  CHECK(name(3, 64, AForm::kRows, BForm::kPacked) == "f32_tiles");
  CHECK(name(1, 1000, AForm::kRows, BForm::kPacked) == "f32_column");
  CHECK(name(2, 64, AForm::kRows, BForm::kPacked) == "f32_tiles");
  CHECK(name(480, 1, AForm::kPacked, BForm::kRows) == "f32_column");
  CHECK(name(480, 1, AForm::kRows, BForm::kRows) == "f32_dot");
  CHECK(name(1, 80, AForm::kRows, BForm::kTransposed) == "f32_dot");
  Case<double> d(9, 9, 9, AForm::kRows, BForm::kRows, false, 1);
  CHECK(std::string(matmul_kernel_name(select_matmul(d.call))) == "f64_4x4");
  Case<uint32_t> i(9, 9, 9, AForm::kRows, BForm::kRows, false, 1);
  CHECK(std::string(matmul_kernel_name(select_matmul(i.call))) == "i32_2x8");
  Case<uint64_t> l(9, 9, 9, AForm::kRows, BForm::kRows, false, 1);
  CHECK(std::string(matmul_kernel_name(select_matmul(l.call))) == "i64_2x4");
}

TEST_CASE("the comparison sees a planted wrong result") {
  Case<float> one(9, 23, 17, AForm::kRows, BForm::kPacked, false, 3);
  run_with(select_matmul(one.call), one.call, 1);
  REQUIRE(difference(one.want, one.c, 1e-5) == "");
  for (size_t i : {size_t{0}, one.c.size() / 2, one.c.size() - 1}) {
    std::vector<float> wrong = one.c;
    wrong[i] += 1e-3f;
    CHECK(difference(one.want, wrong, 1e-5) != "");
    wrong[i] = std::numeric_limits<float>::quiet_NaN();
    CHECK(difference(one.want, wrong, 1e-5) != "");
  }
  std::vector<uint32_t> a{1, 2}, b{1, 3};
  CHECK(difference(a, b, 1.0) != "");
}

TEST_CASE("matmul: sizes that do not fit are refused") {
  CHECK_FALSE(matmul_packed_a_bytes<float>(std::numeric_limits<size_t>::max() / 4, 9).ok());
  CHECK_FALSE(matmul_packed_b_bytes<float>(3, std::numeric_limits<size_t>::max() - 2).ok());
  MatMul<float> call{.m = 8, .n = 8, .k = std::numeric_limits<size_t>::max() / 16, .a = {nullptr, 1, 8}};
  call.pack = pack_from_view<float>;
  call.n = 1;
  call.a.packed = true;
  CHECK_FALSE(matmul_scratch_bytes(call, select_matmul(call), 1).ok());
}

}  // namespace
}  // namespace kinglet
