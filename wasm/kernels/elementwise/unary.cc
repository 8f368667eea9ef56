#include <cmath>

#include "kernels/elementwise/arithmetic.h"
#include "kernels/elementwise/function.h"
#include "kernels/elementwise/loops.h"
#include "simd/math.h"

namespace kinglet {

namespace {

template <class V>
V negate(V x) {
  auto bits = bit_cast<int32_t>(x);
  return bit_cast<float>(bits ^ number<std::numeric_limits<int32_t>::min()>(bits));
}

// log(1 + e^x)
template <class V>
V softplus(V x) {
  const V one = number<1.0f>(x);
  V e = simd::exp_negative(negate(abs(x)));
  V u = one + e;
  // log(u) with the rounding of u taken back
  V d = u - one;
  V log1p = select(d == V::splat(0.0f), e, simd::log(u) * e / d);
  return max(x, V::splat(0.0f)) + log1p;
}
double clamp01(double x) { return x < 0 ? 0 : x > 1 ? 1 : x; }
double softplus(double x) { return std::fmax(x, 0) + std::log1p(std::exp(-std::fabs(x))) + (x == x ? 0 : x); }

namespace lanes {
#define UNARY(op, domain, types, attributes, error, vector, exact) UNARY_KERNEL(op, error, vector, exact)
#define UNARY_KERNEL(op, error, vector, exact)                           \
  struct op {                                                            \
    template <class V>                                                   \
    static V at(V x, [[maybe_unused]] const float* p) {                  \
      [[maybe_unused]] auto splat = [](float v) { return V::splat(v); }; \
      return vector;                                                     \
    }                                                                    \
  };
#include "kernels/elementwise/unary.inc"
}  // namespace lanes

namespace each {
#define UNARY(op, domain, types, attributes, error, vector, exact) UNARY_KERNEL(op, error, vector, exact)
#define UNARY_EXACT(op, domain, types, attributes, exact) UNARY_KERNEL(op, 0, , exact)
#define UNARY_KERNEL(op, error, vector, exact)                                     \
  struct op {                                                                      \
    static double at(double x, [[maybe_unused]] const double* p) { return exact; } \
  };
#include "kernels/elementwise/unary.inc"
}  // namespace each

namespace whole {
#define UNARY_WHOLE(op, domain, types, integer) UNARY_INTEGER(op, integer)
#define UNARY_INTEGER(op, integer) \
  struct op {                      \
    template <class T>             \
    static T at(T x, const T*) {   \
      return integer;              \
    }                              \
  };
#include "kernels/elementwise/unary.inc"
}  // namespace whole

#define KL_LANES(op) unary_lanes<lanes::op>
#define KL_EACH(op) unary_each<double, double, each::op>
#define KL_WHOLE(op) unary_each<int64_t, int64_t, whole::op>, unary_each<uint64_t, uint64_t, whole::op>
// Rows with integer kernels come first, since the first of a name counts.
constexpr Function kUnaryInteger[] = {
#define UNARY_INTEGER(op, integer) {"elementwise/" #op, KL_LANES(op), KL_EACH(op), KL_WHOLE(op)},
#define UNARY_WHOLE(op, domain, types, integer) {"elementwise/" #op, nullptr, nullptr, KL_WHOLE(op)},
#include "kernels/elementwise/unary.inc"
};
constexpr Function kUnary[] = {
#define UNARY(op, domain, types, attributes, error, vector, exact) UNARY_KERNEL(op, error, vector, exact)
#define UNARY_KERNEL(op, error, vector, exact) \
  {"elementwise/" #op, KL_LANES(op), KL_EACH(op), nullptr, nullptr},
#define UNARY_EXACT(op, domain, types, attributes, exact) \
  {"elementwise/" #op, nullptr, KL_EACH(op), nullptr, nullptr},
#include "kernels/elementwise/unary.inc"
};
#undef KL_LANES
#undef KL_EACH
#undef KL_WHOLE

struct ClipLanes {
  template <class V>
  static V at(V x, const float* p) {
    return min(max(x, V::splat(p[0])), V::splat(p[1]));
  }
};
struct ClipEach {
  template <class T>
  static T at(T x, const T* p) {
    T low = x < p[0] ? p[0] : x;
    return p[1] < low ? p[1] : low;
  }
};
struct IsNan {
  template <class T>
  static uint8_t at(T x, const T*) {
    return x != x;
  }
};
struct IsInf {
  template <class T>
  static uint8_t at(T x, const T* p) {
    constexpr T kInf = std::numeric_limits<T>::infinity();
    return (x == -kInf && p[0] != 0) || (x == kInf && p[1] != 0);
  }
};

}  // namespace

const Function* find_unary(std::string_view op) {
  for (const Function& f : kUnaryInteger) {
    if (f.op() == op) return &f;
  }
  for (const Function& f : kUnary) {
    if (f.op() == op) return &f;
  }
  return nullptr;
}

constinit const Function kClip = {
    "elementwise/Clip", unary_lanes<ClipLanes>, unary_each<double, double, ClipEach>,
    unary_each<int64_t, int64_t, ClipEach>, unary_each<uint64_t, uint64_t, ClipEach>};
constinit const Function kIsNan = {"elementwise/IsNaN", unary_each<float, uint8_t, IsNan>,
                                   unary_each<double, uint8_t, IsNan>, nullptr, nullptr};
constinit const Function kIsInf = {"elementwise/IsInf", unary_each<float, uint8_t, IsInf>,
                                   unary_each<double, uint8_t, IsInf>, nullptr, nullptr};

void logical_not(const Row& row) {
  const auto* x = static_cast<const uint8_t*>(row.in[0]);
  auto* y = static_cast<uint8_t*>(row.out);
  for (size_t i = 0; i < row.n; ++i) y[i] = x[i] == 0;
}

}  // namespace kinglet
