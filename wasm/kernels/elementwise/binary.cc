#include <string>

#include "kernels/elementwise/arithmetic.h"
#include "kernels/elementwise/function.h"
#include "kernels/elementwise/loops.h"

namespace kinglet {

namespace {

#define KL_FUNCTOR(op, R, scalar) \
  struct op {                     \
    template <class T>            \
    static R at(T a, T b) {       \
      return scalar;              \
    }                             \
  };

namespace lanes {
#define BINARY(op, vector, scalar) \
  struct op {                      \
    template <class V>             \
    static V at(V a, V b) {        \
      return vector;               \
    }                              \
  };
#include "kernels/elementwise/binary.inc"
}  // namespace lanes

namespace each {
#define BINARY(op, vector, scalar) KL_FUNCTOR(op, T, scalar)
#define BINARY_SCALAR(op, scalar) KL_FUNCTOR(op, T, scalar)
#define BINARY_INTEGER(op, scalar) KL_FUNCTOR(op, T, scalar)
#define COMPARE(op, scalar) KL_FUNCTOR(op, bool, scalar)
#include "kernels/elementwise/binary.inc"
}  // namespace each

#define KL_F64(op) binary_each<double, double, each::op>
#define KL_I64(op) binary_each<int64_t, int64_t, each::op>, binary_each<uint64_t, uint64_t, each::op>
constexpr Function kBinary[] = {
#define BINARY(op, vector, scalar) \
  {"elementwise/" #op, binary_lanes<float, lanes::op>, binary_lanes<double, lanes::op>, KL_I64(op)},
#define BINARY_SCALAR(op, scalar) {"elementwise/" #op, nullptr, KL_F64(op), KL_I64(op)},
#define BINARY_INTEGER(op, scalar) {"elementwise/" #op, nullptr, nullptr, KL_I64(op)},
#include "kernels/elementwise/binary.inc"
};

constexpr Function kCompare[] = {
#define COMPARE(op, scalar)                                                                           \
  {"elementwise/" #op, binary_each<float, uint8_t, each::op>, binary_each<double, uint8_t, each::op>, \
   binary_each<int64_t, uint8_t, each::op>, binary_each<uint64_t, uint8_t, each::op>},
#include "kernels/elementwise/binary.inc"
};

const Function* find(std::span<const Function> list, std::string_view op) {
  for (const Function& f : list) {
    if (f.op() == op) return &f;
  }
  return nullptr;
}

struct Bytes16 {
  uint64_t half[2];
};

template <class T>
void where_each(const Row& row) {
  const auto* condition = static_cast<const uint8_t*>(row.in[0]);
  const T* a = static_cast<const T*>(row.in[1]);
  const T* b = static_cast<const T*>(row.in[2]);
  T* y = static_cast<T*>(row.out);
  size_t step[3];
  for (int k = 0; k < 3; ++k) step[k] = row.splat[k] ? 0 : 1;
#pragma clang loop vectorize(disable) unroll(disable)
  for (size_t i = 0; i < row.n; ++i) y[i] = condition[i * step[0]] != 0 ? a[i * step[1]] : b[i * step[2]];
}

struct EqualStrings {
  static bool at(const std::string& a, const std::string& b) { return a == b; }
};

}  // namespace

const Function* find_binary(std::string_view op) { return find(kBinary, op); }
const Function* find_compare(std::string_view op) { return find(kCompare, op); }

void equal_strings(const Row& row) { binary_each<std::string, uint8_t, EqualStrings>(row); }

RowFn where_kernel(size_t element_size) {
  switch (element_size) {
    case 1:
      return where_each<uint8_t>;
    case 2:
      return where_each<uint16_t>;
    case 4:
      return where_each<uint32_t>;
    case 8:
      return where_each<uint64_t>;
    case 16:
      return where_each<Bytes16>;
    default:
      return nullptr;
  }
}
void where_strings(const Row& row) { where_each<std::string>(row); }

}  // namespace kinglet
