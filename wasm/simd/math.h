#pragma once
// Elementary functions over vec<float, N>. `ulp` is the stated largest error against the exact result,
// checked by tests/kernels/simd_test.cc for each build. NaN stays NaN; infinities and zeros of both signs
// give what <cmath> gives.
#include <limits>

#include "simd/vec.h"

namespace kinglet::simd {

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();

// C + x Rest... : coefficients of 1, x, x^2, ...
template <float C, float... Rest, class V>
inline V polynomial(V x) {
  if constexpr (sizeof...(Rest) == 0)
    return number<C>(x);
  else
    return madd(polynomial<Rest...>(x), x, number<C>(x));
}

// The float whose exponent is `shifted` less 1.5 * 2^23.
template <class V>
inline V exponent(V shifted) {
  return bit_cast<float>(bit_cast<int32_t>(shifted) << 23);
}

// x = n ln 2 + r with |r| <= ln 2 / 2; e^r = 1 + r + r^2 q.
template <class V, int Bias = 127>
struct ExpParts {
  V shifted, n, r, q;

  explicit ExpParts(V x) {
    const V shift = number<12582912.0f + Bias>(x);
    shifted = madd(x, number<1.44269504f>(x), shift);
    n = shifted - shift;
    r = madd(n, number<2.12194440e-4f>(x), madd(n, number<-0.693359375f>(x), x));
    q = polynomial<0.5f, 0.166665763f, 0.0416665538f, 0.00836329275f, 0.00139263256f>(r);
  }
  // e^r
  V power() const { return madd(madd(q, r, number<1.0f>(r)), r, number<1.0f>(r)); }
  // e^r - 1
  V power_less_one() const { return madd(q * r, r, r); }
  // 2^(n + Bias - 127) for n + Bias in [0, 255]; at 0 it is 0, at 255 infinity.
  V scale() const { return exponent(shifted); }
};

// 2 ulp; results below the smallest normal number within one step of it.
template <class V>
inline V exp(V x) {
  ExpParts<V> p(max(min(x, number<89.0f>(x)), number<-104.0f>(x)));
  // n may reach 128 or -150: two factors, each in range.
  V first = max(p.n, number<-125.0f>(x));
  V rest = p.n - first;
  return p.power() * exponent(first + number<12582912.0f + 126.0f>(x)) *
         exponent(rest + number<12582912.0f + 128.0f>(x));
}

// e^x for x <= 0; 2 ulp, results below the smallest normal number may be 0.
template <class V>
inline V exp_negative(V x) {
  ExpParts<V> p(max(x, number<-88.0f>(x)));
  return p.power() * p.scale();
}

// e^x - 1 for x <= 88; 3 ulp
template <class V>
inline V expm1(V x) {
  ExpParts<V> p(max(min(x, number<88.0f>(x)), number<-25.0f>(x)));
  V scale = p.scale();
  V y = madd(scale, p.power_less_one(), scale - number<1.0f>(x));
  return select(x == V::splat(0.0f), x, select(x > number<88.0f>(x), x * number<kInfinity>(x), y));
}

// 3 ulp
template <class V>
inline V log(V x) {
  using I = vec<int32_t, V::kLanes>;
  auto tiny = x < number<1.17549435e-38f>(x);
  V scaled = select(tiny, x * number<8388608.0f>(x), x);
  // scaled = m 2^e with m in [sqrt(1/2), sqrt(2))
  I bits = bit_cast<int32_t>(scaled);
  bits = bits + number<0x3f800000 - 0x3f3504f3>(bits);
  V e = to_float((bits >> 23) - number<127>(bits)) - select(tiny, number<23.0f>(x), V::splat(0.0f));
  bits = (bits & number<0x007fffff>(bits)) + number<0x3f3504f3>(bits);
  V m = bit_cast<float>(bits) - number<1.0f>(x);
  V square = m * m;
  V p = polynomial<0.333333312f, -0.24999997f, 0.200007157f, -0.166678023f, 0.142490576f, -0.124256873f,
                   0.116854199f, -0.114797338f, 0.0697161144f>(m);
  V low = madd(e, number<-2.12194440e-4f>(x), square * m * p);
  low = madd(square, number<-0.5f>(x), low);
  V y = madd(e, number<0.693359375f>(x), m + low);
  y = select(x == V::splat(0.0f), number<-kInfinity>(x), y);
  y = select(x < V::splat(0.0f), V::splat(0.0f) * number<kInfinity>(x), y);
  return select(x < number<kInfinity>(x), y, x);
}

// log(1 + x); 5 ulp
template <class V>
inline V log1p(V x) {
  // What rounding 1 + x lost comes back through the quotient (Kahan).
  V w = x + number<1.0f>(x);
  V d = w - number<1.0f>(x);
  V y = select(d == V::splat(0.0f), x, log(w) * (x / d));
  return select(x < number<kInfinity>(x), y, x);
}

// 4 ulp
template <class V>
inline V tanh(V x) {
  // (1 - e^-2a) / (1 + e^-2a), a = |x|
  ExpParts<V> p(min(abs(x), number<10.0f>(x)) * number<-2.0f>(x));
  V scale = p.scale();
  V t = madd(scale, p.power_less_one(), scale - number<1.0f>(x));
  return with_sign((V::splat(0.0f) - t) / (t + number<2.0f>(x)), x);
}

// 1 / (1 + e^-x); 4 ulp, results below the smallest normal number within that number
template <class V>
inline V sigmoid(V x) {
  // e^-x / 2, which is infinite for the upper bound
  ExpParts<V, 126> p(max(min(V::splat(0.0f) - x, number<89.5f>(x)), number<-87.0f>(x)));
  const V half = number<0.5f>(x);
  return half / madd(p.power(), p.scale(), half);
}

// x / (1 + e^-x); 3 units of max(1, |x|) 2^-23, and -2e-6 in place of what is nearer to zero below -16
template <class V>
inline V silu(V x) {
  // x (1/2 + tanh(x/2) / 2), tanh as a quotient of polynomials up to 16, from where it is one.
  const V from = max(x, number<-16.0f>(x));
  const V a = min(from, number<16.0f>(x));
  const V t = a * a;
  V p = polynomial<264573312.0f, 8540397.0f, 48567.828125f, 46.68857955932617f>(t);
  V q = madd(t + number<3915.698486328125f>(x), t, number<1571339.25f>(x));
  q = madd(madd(q, t, number<122352080.0f>(x)), t, number<1058294080.0f>(x));
  return from * (a * p / q + number<0.5f>(x));
}

// 6 ulp
template <class V>
inline V erf(V x) {
  // From 3.85 on the quotient is 1 or more. It is much shorter than branches by an exponential, and two
  // chains of multiply-adds run side by side.
  const V one = number<1.0f>(x);
  V a = max(min(x, number<4.0f>(x)), number<-4.0f>(x));
  V t = a * a;
  V p = polynomial<1.1283791065216064f, 0.18789997696876526f, 0.05247999727725983f, 0.003674024948850274f,
                   0.00028567638946697116f, 2.1082562398078153e-06f>(t);
  V q = polynomial<1.0f, 0.4998548924922943f, 0.11312989145517349f, 0.014785082079470158f,
                   0.0011455228086560965f, 3.873175228363834e-05f>(t);
  return max(min(a * p / q, one), V::splat(0.0f) - one);
}

}  // namespace kinglet::simd
