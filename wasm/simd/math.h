#pragma once
// Elementary functions over vec<float, N>. `ulp` is the stated largest error against the exact result,
// checked by tests/kernels/simd_test.cc for each build. NaN stays NaN; infinities and zeros of both signs
// give what <cmath> gives.
#include <limits>

#include "simd/vec.h"

namespace kinglet::simd {

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();

// c[0] + x c[1] + x^2 c[2] + ...
template <class V, size_t N>
inline V polynomial(V x, const float (&c)[N]) {
  V y = V::splat(c[N - 1]);
  for (size_t i = N - 1; i-- > 0;) y = madd(y, x, V::splat(c[i]));
  return y;
}

// x = n ln 2 + r with |r| <= ln 2 / 2; `tail` is e^r - 1 - r, computed as r^2 q(r).
template <class V>
struct ExpParts {
  V n, r, tail;
};
template <class V>
inline ExpParts<V> exp_parts(V x) {
  const V shift = V::splat(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
  V n = (x * V::splat(1.44269504f) + shift) - shift;
  V r = madd(n, V::splat(-0.693359375f), x);
  r = madd(n, V::splat(2.12194440e-4f), r);
  static constexpr float q[] = {0.5f, 0.166665763f, 0.0416665538f, 0.00836329275f, 0.00139263256f};
  return {n, r, r * r * polynomial(r, q)};
}

// 2^n for integral n in [-126, 127].
template <class V>
inline V power_of_two(V n) {
  using I = vec<int32_t, V::kLanes>;
  const V shift = V::splat(12582912.0f + 127.0f);
  return bit_cast<float>(bit_cast<int32_t>(n + shift) << 23 & I::splat(0x7f800000));
}

// 2 ulp; results below the smallest normal number within one step of it.
template <class V>
inline V exp(V x) {
  x = max(min(x, V::splat(89.0f)), V::splat(-104.0f));
  ExpParts<V> p = exp_parts(x);
  V y = p.r + p.tail + V::splat(1.0f);
  // n may reach 128 or -150: two factors, each in range.
  V half = max(min(p.n, V::splat(127.0f)), V::splat(-126.0f));
  return y * power_of_two(half) * power_of_two(p.n - half);
}

// e^x - 1 for x <= 88; 3 ulp
template <class V>
inline V expm1(V x) {
  V clamped = max(min(x, V::splat(88.0f)), V::splat(-25.0f));
  ExpParts<V> p = exp_parts(clamped);
  V scale = power_of_two(p.n);
  V y = madd(scale, p.r + p.tail, scale - V::splat(1.0f));
  return select(x == V::splat(0.0f), x, select(x > V::splat(88.0f), x * V::splat(kInfinity), y));
}

// 3 ulp
template <class V>
inline V log(V x) {
  using I = vec<int32_t, V::kLanes>;
  auto tiny = x < V::splat(1.17549435e-38f);
  V scaled = select(tiny, x * V::splat(8388608.0f), x);
  // scaled = m 2^e with m in [sqrt(1/2), sqrt(2))
  I bits = bit_cast<int32_t>(scaled) + I::splat(0x3f800000 - 0x3f3504f3);
  V e = to_float((bits >> 23) - I::splat(127)) - select(tiny, V::splat(23.0f), V::splat(0.0f));
  V m = bit_cast<float>((bits & I::splat(0x007fffff)) + I::splat(0x3f3504f3)) - V::splat(1.0f);
  static constexpr float p[] = {0.333333312f,  -0.24999997f, 0.200007157f,  -0.166678023f, 0.142490576f,
                                -0.124256873f, 0.116854199f, -0.114797338f, 0.0697161144f};
  V square = m * m;
  V low = madd(e, V::splat(-2.12194440e-4f), square * m * polynomial(m, p));
  low = madd(square, V::splat(-0.5f), low);
  V y = madd(e, V::splat(0.693359375f), m + low);
  y = select(x == V::splat(0.0f), V::splat(-kInfinity), y);
  y = select(x < V::splat(0.0f), V::splat(std::numeric_limits<float>::quiet_NaN()), y);
  return select(x < V::splat(kInfinity), y, x);
}

// log(1 + x); 5 ulp
template <class V>
inline V log1p(V x) {
  // What rounding 1 + x lost comes back through the quotient (Kahan).
  V w = x + V::splat(1.0f);
  V d = w - V::splat(1.0f);
  V y = select(d == V::splat(0.0f), x, log(w) * (x / d));
  return select(x < V::splat(kInfinity), y, x);
}

// 4 ulp
template <class V>
inline V tanh(V x) {
  // (1 - e^-2a) / (1 + e^-2a), a = |x|
  V a = min(abs(x), V::splat(10.0f));
  ExpParts<V> p = exp_parts(a * V::splat(-2.0f));
  V scale = power_of_two(p.n);
  V t = madd(scale, p.r + p.tail, scale - V::splat(1.0f));
  V y = copysign((V::splat(0.0f) - t) / (t + V::splat(2.0f)), x);
  return select(x == x, y, x);
}

// 1 / (1 + e^-x); 4 ulp, results below the smallest normal number within one step of it
template <class V>
inline V sigmoid(V x) {
  V e = exp(V::splat(0.0f) - abs(x));
  V y = select(x < V::splat(0.0f), e, V::splat(1.0f)) / (e + V::splat(1.0f));
  return select(x == x, y, x);
}

// 3 ulp
template <class V>
inline V erf(V x) {
  static constexpr float small[] = {1.12837917f,    -0.37612634f,     0.112836994f,   -0.0268595881f,
                                    0.00520145633f, -0.000814708112f, 8.38707455e-05f};
  // -log(1 - erf(a)) on [0.92, 4]
  static constexpr float large[] = {-0.000320441531f, 1.13023762f,     0.631814517f,
                                    0.110094481f,     -0.0264310176f,  0.00476357525f,
                                    -0.000597743472f, 4.61779128e-05f, -1.64356965e-06f};
  V a = min(abs(x), V::splat(4.0f));
  V near = x * polynomial(x * x, small);
  V far = copysign(V::splat(1.0f) - exp(V::splat(0.0f) - polynomial(a, large)), x);
  V y = select(a < V::splat(0.92f), near, far);
  return select(x == x, y, x);
}

}  // namespace kinglet::simd
