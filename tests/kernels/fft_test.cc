#include "kernels/fft/fft.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace kinglet;

namespace {

std::vector<Complex> signal(size_t n) {
  std::vector<Complex> x;
  uint32_t state = 7;
  auto next = [&] {
    state = state * 1664525 + 1013904223;
    return (state >> 8) * 0x1p-23 - 1;
  };
  for (size_t i = 0; i < n; ++i) {
    double re = next();
    x.push_back({re, next()});
  }
  return x;
}

std::vector<Complex> transformed(const Fft& fft, std::vector<Complex> x) {
  std::vector<Complex> scratch(fft_scratch(fft));
  run_fft(fft, x.data(), scratch.data(), Parallel());
  return x;
}

}  // namespace

TEST_CASE("transforms of every length against the judge") {
  // All radices, their products, and lengths with a prime too large for one.
  for (int64_t n = 1; n <= 130; ++n) {
    auto fft = make_fft(n);
    REQUIRE(fft.ok());
    auto x = signal(static_cast<size_t>(n)), y = transformed(*fft, x), wanted = x;
    fft_reference(x.data(), wanted.data(), x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      CHECK_MESSAGE(std::hypot(y[i].re - wanted[i].re, y[i].im - wanted[i].im) < 1e-14 * double(n), n, " at ",
                    i);
    }
  }
}

TEST_CASE("long transforms keep the energy, and a second one gives the signal back") {
  for (int64_t n : {1 << 16, 3 * 5 * 7 * 11 * 13, 65537, 2 * 32771}) {
    auto fft = make_fft(n);
    REQUIRE(fft.ok());
    auto x = signal(static_cast<size_t>(n)), y = transformed(*fft, x);
    double before = 0, after = 0;
    for (auto [re, im] : x) before += re * re + im * im;
    for (auto [re, im] : y) after += re * re + im * im;
    CHECK(after == doctest::Approx(before * double(n)).epsilon(1e-12));
    auto z = transformed(*fft, y);
    for (size_t i : {size_t{0}, size_t{1}, x.size() / 3, x.size() - 1}) {
      // Twice forward is once back, with the order reversed.
      const Complex &got = z[(x.size() - i) % x.size()], &wanted = x[i];
      CHECK(std::hypot(got.re / double(n) - wanted.re, got.im / double(n) - wanted.im) < 1e-11);
    }
  }
}

TEST_CASE("lengths that no transform has") {
  for (int64_t n : {int64_t{0}, int64_t{-5}, kMaxFftLength + 1, INT64_MAX}) {
    auto fft = make_fft(n);
    REQUIRE_FALSE(fft.ok());
    CHECK(fft.status().code() == Code::kLimitExceeded);
  }
}
