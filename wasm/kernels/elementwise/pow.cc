#include <cmath>

#include "kernels/elementwise/arithmetic.h"
#include "kernels/elementwise/function.h"
#include "kernels/elementwise/loops.h"

namespace kinglet {

namespace {

struct Square {
  template <class V>
  static V at(V x, const float*) {
    return x * x;
  }
};
struct Cube {
  template <class V>
  static V at(V x, const float*) {
    return x * x * x;
  }
};
// As pow(x, 0.5): +0 for -0 and +inf for -inf, unlike sqrt.
struct Root {
  template <class V>
  static V at(V x, const float*) {
    constexpr float kInf = std::numeric_limits<float>::infinity();
    return select(x == V::splat(-kInf), V::splat(kInf), sqrt(x + V::splat(0.0f)));
  }
};
struct Power {
  static float at(float a, float b) { return std::pow(a, b); }
  static double at(double a, double b) { return std::pow(a, b); }
  static int64_t at(int64_t a, int64_t b) { return integer_power(a, b); }
  static uint64_t at(uint64_t a, uint64_t b) { return integer_power(a, b); }
};

void pow_f32(const Row& row) {
  if (row.splat[1] && !row.splat[0]) {
    Row unary = row;
    unary.params = nullptr;
    float exponent = *static_cast<const float*>(row.in[1]);
    if (exponent == 2.0f) return unary_lanes<Square>(unary);
    if (exponent == 3.0f) return unary_lanes<Cube>(unary);
    if (exponent == 0.5f) return unary_lanes<Root>(unary);
  }
  binary_each<float, float, Power>(row);
}

}  // namespace

constinit const Function kPow = {"elementwise/Pow", pow_f32, binary_each<double, double, Power>,
                                 binary_each<int64_t, int64_t, Power>,
                                 binary_each<uint64_t, uint64_t, Power>};

}  // namespace kinglet
