#include "kernels/reduce/fold.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/elementwise/arithmetic.h"
#include "simd/math.h"

namespace kinglet {

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
using V = vec<float, 8>;
// Elements that are added up in float32 before float64 takes over.
constexpr size_t kStretch = 512;

// The extreme values of an integer dtype.
int64_t lowest(DType dtype) {
  return dtype_kind(dtype) == 'i' ? std::numeric_limits<int64_t>::min() >> (64 - dtype_bits(dtype)) : 0;
}
uint64_t highest(DType dtype) {
  if (dtype == DType::kBool) return 1;
  return ~uint64_t{0} >> (64 - dtype_bits(dtype) + (dtype_kind(dtype) == 'i' ? 1 : 0));
}

// What a fold does with one element, and with a vector of them. A: double, int64_t, uint64_t.
struct Sum {
  template <class A>
  static A initial(DType) {
    return 0;
  }
  template <class A>
  static A step(A a, A x) {
    return wrapping_add(a, x);
  }
  static V lanes(V a, V x) { return a + x; }
};
struct SumAbs : Sum {
  template <class A>
  static A step(A a, A x) {
    return wrapping_add(a, x < 0 ? wrapping_sub(A{0}, x) : x);
  }
  static V lanes(V a, V x) { return a + abs(x); }
};
struct SumSquare : Sum {
  template <class A>
  static A step(A a, A x) {
    return wrapping_add(a, wrapping_mul(x, x));
  }
  static V lanes(V a, V x) { return madd(x, x, a); }
};
struct Prod {
  template <class A>
  static A initial(DType) {
    return 1;
  }
  template <class A>
  static A step(A a, A x) {
    return wrapping_mul(a, x);
  }
};
struct Max {
  template <class A>
  static A initial(DType dtype) {
    if constexpr (std::is_floating_point_v<A>) return -kInf;
    return static_cast<A>(lowest(dtype));
  }
  template <class A>
  static A step(A a, A x) {
    return maximum(a, x);
  }
  static V lanes(V a, V x) { return maximum(a, x); }
};
struct Min {
  template <class A>
  static A initial(DType dtype) {
    if constexpr (std::is_floating_point_v<A>) return kInf;
    return static_cast<A>(highest(dtype));
  }
  template <class A>
  static A step(A a, A x) {
    return minimum(a, x);
  }
  static V lanes(V a, V x) { return minimum(a, x); }
};

template <class F, class A>
void init(void* accumulators, size_t n, DType dtype) {
  std::fill_n(static_cast<A*>(accumulators), n, F::template initial<A>(dtype));
}

template <class F, class T, class A>
void row(const void* elements, size_t n, void* accumulator) {
  const T* x = static_cast<const T*>(elements);
  A a = *static_cast<A*>(accumulator);
#pragma clang loop vectorize(disable) unroll(disable)
  for (size_t i = 0; i < n; ++i) a = F::step(a, static_cast<A>(x[i]));
  *static_cast<A*>(accumulator) = a;
}

// With 8 float32 lanes; sums are taken over by float64 after each stretch.
template <class F>
void row_lanes(const void* elements, size_t n, void* accumulator) {
  const float* x = static_cast<const float*>(elements);
  constexpr bool kSum = std::is_base_of_v<Sum, F>;
  double& total = *static_cast<double*>(accumulator);
  while (n >= 16) {
    size_t m = std::min(n, kStretch) / 16 * 16;
    V a = kSum ? V::splat(0.0f) : V::load(x), b = kSum ? a : V::load(x + 8);
    for (size_t i = 0; i < m; i += 16) {
      a = F::lanes(a, V::load(x + i));
      b = F::lanes(b, V::load(x + i + 8));
    }
    if constexpr (kSum) {
      total += static_cast<double>(sum(a + b));
    } else {
      float lanes[8];
      F::lanes(a, b).store(lanes);
      row<F, float, double>(lanes, 8, &total);
    }
    x += m, n -= m;
  }
  row<F, float, double>(x, n, accumulator);
}

template <class F, class T, class A>
void columns(const void* elements, size_t n, void* accumulators) {
  const T* x = static_cast<const T*>(elements);
  A* a = static_cast<A*>(accumulators);
#pragma clang loop unroll(disable)
  for (size_t i = 0; i < n; ++i) a[i] = F::step(a[i], static_cast<A>(x[i]));
}

template <class A>
A finished(A value, Finish how, int64_t count) {
  double wide = static_cast<double>(value);
  switch (how) {
    case Finish::kValue:
      return value;
    case Finish::kMean:
      if constexpr (std::is_floating_point_v<A>) return wide / static_cast<double>(count);
      return divide(value, static_cast<A>(count));
    case Finish::kSqrt:
      wide = std::sqrt(wide);
      break;
    case Finish::kLog:
      wide = std::log(wide);
      break;
  }
  if constexpr (std::is_floating_point_v<A>) return wide;
  A out;
  store_run(Compute::kF64, &wide, std::is_signed_v<A> ? DType::kInt64 : DType::kUInt64,
            reinterpret_cast<std::byte*>(&out), 0, 1);
  return out;
}

template <class A>
void finish(const void* accumulators, size_t n, Finish how, int64_t count, void* out) {
  for (size_t i = 0; i < n; ++i)
    static_cast<A*>(out)[i] = finished(static_cast<const A*>(accumulators)[i], how, count);
}

// log(sum(e^x)) = shift + log(sum(e^(x - shift))), shift the largest x so far if that is finite.
struct Scaled {
  double largest, sum;
  double shift() const { return std::isinf(largest) ? 0 : largest; }
  void raise(double x) {
    double before = shift();
    if (largest < x || x != x) largest = x;
    if (sum != 0) sum *= std::exp(before - shift());
  }
};
void scaled_init(void* accumulators, size_t n, DType) {
  std::fill_n(static_cast<Scaled*>(accumulators), n, Scaled{-kInf, 0});
}
template <class T>
void scaled_columns(const void* elements, size_t n, void* accumulators) {
  for (size_t i = 0; i < n; ++i) {
    Scaled& a = static_cast<Scaled*>(accumulators)[i];
    auto x = static_cast<double>(static_cast<const T*>(elements)[i]);
    a.raise(x);
    a.sum += std::exp(x - a.shift());
  }
}
template <class T>
void scaled_row(const void* elements, size_t n, void* accumulator) {
  Scaled& a = *static_cast<Scaled*>(accumulator);
  const T* x = static_cast<const T*>(elements);
  double most = -kInf;
  row<Max, T, double>(x, n, &most);
  a.raise(most);
  for (size_t i = 0; i < n; ++i) a.sum += std::exp(static_cast<double>(x[i]) - a.shift());
}
void scaled_row_lanes(const void* elements, size_t n, void* accumulator) {
  Scaled& a = *static_cast<Scaled*>(accumulator);
  const float* x = static_cast<const float*>(elements);
  double most = -kInf;
  row_lanes<Max>(x, n, &most);
  a.raise(most);
  const V shift = V::splat(static_cast<float>(a.shift()));
  size_t i = 0;
  for (; i + 8 <= n; i += 8) a.sum += static_cast<double>(sum(simd::exp(V::load(x + i) - shift)));
  for (; i < n; ++i) a.sum += std::exp(static_cast<double>(x[i]) - a.shift());
}
void scaled_finish(const void* accumulators, size_t n, Finish, int64_t, void* out) {
  const Scaled* a = static_cast<const Scaled*>(accumulators);
  for (size_t i = 0; i < n; ++i) static_cast<double*>(out)[i] = a[i].shift() + std::log(a[i].sum);
}

// float32, float64, signed, unsigned
#define KL_FOLD(F, row_f32)                                                                                 \
  {                                                                                                         \
    {8, Compute::kF32, Compute::kF64, init<F, double>, row_f32, columns<F, float, double>, finish<double>}, \
        {8,                                                                                                 \
         Compute::kF64,                                                                                     \
         Compute::kF64,                                                                                     \
         init<F, double>,                                                                                   \
         row<F, double, double>,                                                                            \
         columns<F, double, double>,                                                                        \
         finish<double>},                                                                                   \
        {8,                                                                                                 \
         Compute::kI64,                                                                                     \
         Compute::kI64,                                                                                     \
         init<F, int64_t>,                                                                                  \
         row<F, int64_t, int64_t>,                                                                          \
         columns<F, int64_t, int64_t>,                                                                      \
         finish<int64_t>},                                                                                  \
    {                                                                                                       \
      8, Compute::kU64, Compute::kU64, init<F, uint64_t>, row<F, uint64_t, uint64_t>,                       \
          columns<F, uint64_t, uint64_t>, finish<uint64_t>                                                  \
    }                                                                                                       \
  }
constexpr Fold kScaledF64 = {
    16, Compute::kF64, Compute::kF64, scaled_init, scaled_row<double>, scaled_columns<double>, scaled_finish};
// In the order of FoldKind.
constexpr Fold kFolds[][4] = {
    KL_FOLD(Sum, row_lanes<Sum>),
    KL_FOLD(SumAbs, row_lanes<SumAbs>),
    KL_FOLD(SumSquare, row_lanes<SumSquare>),
    KL_FOLD(Prod, (row<Prod, float, double>)),
    KL_FOLD(Max, row_lanes<Max>),
    KL_FOLD(Min, row_lanes<Min>),
    {{16, Compute::kF32, Compute::kF64, scaled_init, scaled_row_lanes, scaled_columns<float>, scaled_finish},
     kScaledF64,
     kScaledF64,
     kScaledF64},
};
#undef KL_FOLD

}  // namespace

const Fold& find_fold(FoldKind kind, DType dtype) {
  return kFolds[static_cast<size_t>(kind)][static_cast<size_t>(compute_of(dtype))];
}

}  // namespace kinglet
