#include "kernels/order/compare.h"

#include <string>

#include "base/narrow_float.h"

namespace kinglet::kernels {

namespace {

template <class T>
int order(const T& a, const T& b) {
  if (a < b) return -1;
  if (b < a) return 1;
  if (a == b) return 0;
  return static_cast<int>(a != a) - static_cast<int>(b != b);
}

template <class T>
int compare(const void* a, const void* b) {
  return order(*static_cast<const T*>(a), *static_cast<const T*>(b));
}

template <float (*widen)(uint16_t)>
int compare_wide(const void* a, const void* b) {
  return order(widen(*static_cast<const uint16_t*>(a)), widen(*static_cast<const uint16_t*>(b)));
}

template <DType dtype>
int compare_small(const void* a, const void* b) {
  return order(small_float_to_float(dtype, *static_cast<const uint8_t*>(a)),
               small_float_to_float(dtype, *static_cast<const uint8_t*>(b)));
}

// Codes of a type below a byte, `sign` the bit of the sign.
template <int sign>
int compare_twos_complement(const void* a, const void* b) {
  return order(*static_cast<const uint8_t*>(a) ^ sign, *static_cast<const uint8_t*>(b) ^ sign);
}
template <int sign>
int compare_sign_magnitude(const void* a, const void* b) {
  auto value = [](const void* p) {
    int code = *static_cast<const uint8_t*>(p);
    return code & sign ? sign - code : code;
  };
  return order(value(a), value(b));
}

template <class T>
int compare_complex(const void* a, const void* b) {
  auto *x = static_cast<const T*>(a), *y = static_cast<const T*>(b);
  int real = order(x[0], y[0]);
  return real != 0 ? real : order(x[1], y[1]);
}

}  // namespace

Compare compare_of(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return compare<float>;
    case DType::kFloat64:
      return compare<double>;
    case DType::kFloat16:
      return compare_wide<half_to_float>;
    case DType::kBFloat16:
      return compare_wide<bfloat16_to_float>;
    case DType::kInt8:
      return compare<int8_t>;
    case DType::kInt16:
      return compare<int16_t>;
    case DType::kInt32:
      return compare<int32_t>;
    case DType::kInt64:
      return compare<int64_t>;
    case DType::kUInt8:
    case DType::kBool:
    case DType::kUInt4:
    case DType::kUInt2:
      return compare<uint8_t>;
    case DType::kInt4:
      return compare_twos_complement<8>;
    case DType::kInt2:
      return compare_twos_complement<2>;
    case DType::kFloat4E2M1:
      return compare_sign_magnitude<8>;
    case DType::kUInt16:
      return compare<uint16_t>;
    case DType::kUInt32:
      return compare<uint32_t>;
    case DType::kUInt64:
      return compare<uint64_t>;
    case DType::kString:
      return compare<std::string>;
    case DType::kComplex64:
      return compare_complex<float>;
    case DType::kComplex128:
      return compare_complex<double>;
    case DType::kFloat8E4M3FN:
      return compare_small<DType::kFloat8E4M3FN>;
    case DType::kFloat8E4M3FNUZ:
      return compare_small<DType::kFloat8E4M3FNUZ>;
    case DType::kFloat8E5M2:
      return compare_small<DType::kFloat8E5M2>;
    case DType::kFloat8E5M2FNUZ:
      return compare_small<DType::kFloat8E5M2FNUZ>;
    case DType::kFloat8E8M0:
      return compare_small<DType::kFloat8E8M0>;
    default:
      return nullptr;
  }
}

}  // namespace kinglet::kernels
