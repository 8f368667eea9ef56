#include "kernels/fft/fft.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <numbers>
#include <utility>

namespace kinglet {

namespace {

inline Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
inline Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
inline Complex operator*(Complex a, Complex b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
inline Complex operator*(double a, Complex b) { return {a * b.re, a * b.im}; }
inline Complex times_minus_i(Complex a) { return {a.im, -a.re}; }

// exp(-2 pi j i / n); octants are folded so that the roots are symmetric to the last bit.
Complex root(uint64_t i, uint64_t n) {
  uint64_t eighth = 8 * i / n;
  auto angle = [&](uint64_t part) {
    return 2 * std::numbers::pi * static_cast<double>(part) / static_cast<double>(8 * n);
  };
  uint64_t rest = eighth % 2 == 0 ? 8 * i - eighth * n : (eighth + 1) * n - 8 * i;
  double c = std::cos(angle(rest)), s = std::sin(angle(rest));
  if (eighth % 4 == 1 || eighth % 4 == 2) std::swap(c, s);
  return {eighth >= 2 && eighth < 6 ? -c : c, eighth < 4 ? -s : s};
}

// One pass: n = radix * m * s. y[q + s (radix p + j)] = root(j p / (radix m)) * sum_k x[q + s (p + k m)]
// root(j k / radix), for q < s, p < m.
template <int kRadix>
void pass(const Complex* x, Complex* y, const Complex* roots, size_t n, size_t m, size_t s) {
  for (size_t p = 0; p < m; ++p) {
    Complex w[kRadix];
    for (size_t j = 1; j < kRadix; ++j) w[j] = roots[j * p * s];
    const Complex* in = x + s * p;
    Complex* out = y + s * kRadix * p;
    for (size_t q = 0; q < s; ++q, ++in, ++out) {
      Complex a = in[0], b = in[s * m];
      if constexpr (kRadix == 2) {
        out[0] = a + b;
        out[s] = w[1] * (a - b);
      } else if constexpr (kRadix == 3) {
        Complex c = in[2 * s * m];
        Complex sum = b + c, middle = a - 0.5 * sum;
        Complex turned = roots[n / 3].im * times_minus_i(c - b);
        out[0] = a + sum;
        out[s] = w[1] * (middle + turned);
        out[2 * s] = w[2] * (middle - turned);
      } else if constexpr (kRadix == 4) {
        Complex c = in[2 * s * m], d = in[3 * s * m];
        Complex ac = a + c, bd = b + d, a_c = a - c, turned = times_minus_i(b - d);
        out[0] = ac + bd;
        out[s] = w[1] * (a_c + turned);
        out[2 * s] = w[2] * (ac - bd);
        out[3 * s] = w[3] * (a_c - turned);
      } else {
        Complex c = in[2 * s * m], d = in[3 * s * m], e = in[4 * s * m];
        Complex w1 = roots[n / 5], w2 = roots[2 * (n / 5)];
        Complex be = b + e, cd = c + d, b_e = b - e, c_d = c - d;
        Complex first = a + w1.re * be + w2.re * cd, second = a + w2.re * be + w1.re * cd;
        Complex turned1 = times_minus_i(-w1.im * b_e - w2.im * c_d);
        Complex turned2 = times_minus_i(-w2.im * b_e + w1.im * c_d);
        out[0] = a + be + cd;
        out[s] = w[1] * (first + turned1);
        out[2 * s] = w[2] * (second + turned2);
        out[3 * s] = w[3] * (second - turned2);
        out[4 * s] = w[4] * (first - turned1);
      }
    }
  }
}

// The same for any radix, term by term.
void pass_any(const Complex* x, Complex* y, const Complex* roots, size_t n, size_t radix, size_t m,
              size_t s) {
  for (size_t p = 0; p < m; ++p) {
    for (size_t j = 0; j < radix; ++j) {
      Complex w = roots[j * p * s];
      for (size_t q = 0; q < s; ++q) {
        Complex sum = x[q + s * p];
        for (size_t k = 1; k < radix; ++k)
          sum = sum + roots[j * k % radix * (n / radix)] * x[q + s * (p + k * m)];
        y[q + s * (radix * p + j)] = w * sum;
      }
    }
  }
}

// All passes; the result is in `data`.
void transform(const Fft& fft, size_t n, const Complex* roots, Complex* data, Complex* other,
               const Parallel& pool) {
  Complex *x = data, *y = other;
  size_t s = 1, length = n;
  for (int i = 0; i < fft.factor_count && !cancelled(pool); ++i) {
    size_t radix = fft.factors[i], m = length / radix;
    if (radix == 2)
      pass<2>(x, y, roots, n, m, s);
    else if (radix == 3)
      pass<3>(x, y, roots, n, m, s);
    else if (radix == 4)
      pass<4>(x, y, roots, n, m, s);
    else if (radix == 5)
      pass<5>(x, y, roots, n, m, s);
    else
      pass_any(x, y, roots, n, radix, m, s);
    std::swap(x, y);
    s *= radix;
    length = m;
  }
  if (x != data) std::memcpy(data, x, n * sizeof(Complex));
}

// False when a prime factor is too large.
bool factorize(size_t n, Fft* fft) {
  fft->factor_count = 0;
  for (size_t f : {4, 2, 3, 5, 7, 11, 13}) {
    for (; n % f == 0; n /= f) fft->factors[fft->factor_count++] = static_cast<uint8_t>(f);
  }
  return n == 1;
}

}  // namespace

Result<Fft> make_fft(int64_t length) {
  KL_REQUIRE(length >= 1 && length <= kMaxFftLength, kLimitExceeded, "a transform of length ", length);
  Fft fft;
  size_t n = fft.n = static_cast<size_t>(length), size = n;
  if (!factorize(n, &fft)) {
    fft.padded = size = std::bit_ceil(2 * n - 1);
    factorize(size, &fft);
  }
  KL_ASSIGN(fft.tables, Buffer::allocate((fft.padded ? 2 * size + n : size) * sizeof(Complex)));
  auto* roots = reinterpret_cast<Complex*>(fft.tables->data());
  for (size_t i = 0; i < size; ++i) roots[i] = root(i, size);
  if (fft.padded == 0) return fft;
  // x[i] root(i k) = chirp[i] chirp[k] conj(chirp[k - i]), with chirp[i] = exp(-pi j i i / n).
  Complex *chirp = roots + size, *kernel = chirp + n;
  for (size_t i = 0; i < n; ++i) chirp[i] = root(uint64_t{i} * i % (2 * n), 2 * n);
  double scale = 1 / static_cast<double>(size);
  for (size_t i = 0; i < n; ++i) {
    kernel[i] = {scale * chirp[i].re, -scale * chirp[i].im};
    if (i > 0) kernel[size - i] = kernel[i];
  }
  KL_ASSIGN(auto scratch, Buffer::allocate(size * sizeof(Complex)));
  transform(fft, size, roots, kernel, reinterpret_cast<Complex*>(scratch->data()), Parallel());
  return fft;
}

size_t fft_scratch(const Fft& fft) { return fft.padded ? 2 * fft.padded : fft.n; }

void run_fft(const Fft& fft, Complex* data, Complex* scratch, const Parallel& pool) {
  const auto* roots = reinterpret_cast<const Complex*>(fft.tables->data());
  size_t n = fft.n, size = fft.padded;
  if (size == 0) return transform(fft, n, roots, data, scratch, pool);
  const Complex *chirp = roots + size, *kernel = chirp + n;
  Complex* other = scratch + size;
  for (size_t i = 0; i < n; ++i) scratch[i] = data[i] * chirp[i];
  std::memset(static_cast<void*>(scratch + n), 0, (size - n) * sizeof(Complex));
  transform(fft, size, roots, scratch, other, pool);
  // The way back is the way there of the conjugate.
  for (size_t i = 0; i < size; ++i) {
    Complex c = scratch[i] * kernel[i];
    scratch[i] = {c.re, -c.im};
  }
  transform(fft, size, roots, scratch, other, pool);
  for (size_t i = 0; i < n; ++i) data[i] = Complex{scratch[i].re, -scratch[i].im} * chirp[i];
}

void fft_reference(const Complex* in, Complex* out, size_t n) {
  for (size_t k = 0; k < n; ++k) {
    Complex sum{0, 0};
    for (size_t i = 0; i < n; ++i) sum = sum + in[i] * root(uint64_t{i} * k % n, n);
    out[k] = sum;
  }
}

}  // namespace kinglet
