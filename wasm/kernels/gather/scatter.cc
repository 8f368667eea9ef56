#include <type_traits>

#include "base/narrow_float.h"
#include "kernels/copy/element.h"
#include "kernels/gather/gather.h"

namespace kinglet::kernels {

namespace {

struct Half {
  uint16_t bits;
  float value() const { return half_to_float(bits); }
  static Half of(float x) { return {float_to_half(x)}; }
};
struct BFloat16 {
  uint16_t bits;
  float value() const { return bfloat16_to_float(bits); }
  static BFloat16 of(float x) { return {float_to_bfloat16(x)}; }
};

template <class T>
T combined(Combine op, T a, T b) {
  if constexpr (requires { a.value(); }) {
    return T::of(combined(op, a.value(), b.value()));
  } else {
    // Signed overflow wraps; narrow integers are computed in 32 bits.
    using W = typename std::conditional_t<std::is_floating_point_v<T>, std::type_identity<T>,
                                          std::make_unsigned<decltype(a + b)>>::type;
    switch (op) {
      case Combine::kAdd:
        return static_cast<T>(static_cast<W>(a) + static_cast<W>(b));
      case Combine::kMul:
        return static_cast<T>(static_cast<W>(a) * static_cast<W>(b));
      case Combine::kMax:
        return a < b ? b : a;
      case Combine::kMin:
        return b < a ? b : a;
      default:
        return b;
    }
  }
}

template <class T>
void combine_runs(Combine op, const void* source, const int64_t* offsets, int64_t count, int64_t run,
                  void* target) {
  const T* in = static_cast<const T*>(source);
  for (int64_t i = 0; i < count; ++i, in += run) {
    T* out = static_cast<T*>(target) + offsets[i];
    for (int64_t j = 0; j < run; ++j) out[j] = combined(op, out[j], in[j]);
  }
}

using Combiner = void (*)(Combine, const void*, const int64_t*, int64_t, int64_t, void*);

Combiner combiner(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return combine_runs<float>;
    case DType::kFloat64:
      return combine_runs<double>;
    case DType::kFloat16:
      return combine_runs<Half>;
    case DType::kBFloat16:
      return combine_runs<BFloat16>;
    case DType::kInt8:
      return combine_runs<int8_t>;
    case DType::kInt16:
      return combine_runs<int16_t>;
    case DType::kInt32:
      return combine_runs<int32_t>;
    case DType::kInt64:
      return combine_runs<int64_t>;
    case DType::kUInt8:
    case DType::kBool:
      return combine_runs<uint8_t>;
    case DType::kUInt16:
      return combine_runs<uint16_t>;
    case DType::kUInt32:
      return combine_runs<uint32_t>;
    case DType::kUInt64:
      return combine_runs<uint64_t>;
    default:
      return nullptr;
  }
}

}  // namespace

bool can_combine(DType dtype, Combine op) { return op == Combine::kReplace || combiner(dtype) != nullptr; }

void scatter_runs(DType dtype, Combine op, const void* source, const int64_t* offsets, int64_t count,
                  int64_t run, void* target) {
  if (op != Combine::kReplace) {
    if (dtype == DType::kBool && op == Combine::kAdd) op = Combine::kMax;
    if (dtype == DType::kBool && op == Combine::kMul) op = Combine::kMin;
    combiner(dtype)(op, source, offsets, count, run, target);
    return;
  }
  int bytes = dtype == DType::kString ? kStringBytes : dtype_bits(dtype) / 8;
  with_element(bytes, [&]<class T>() {
    const T* in = static_cast<const T*>(source);
    for (int64_t i = 0; i < count; ++i, in += run) {
      T* out = static_cast<T*>(target) + offsets[i];
      if (run == 1)
        *out = *in;
      else
        copy_run(bytes, in, out, run);
    }
  });
}

}  // namespace kinglet::kernels
