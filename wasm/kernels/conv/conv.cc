// The list of kernels: selection and dispatch.
#include "kernels/conv/conv.h"

#include <algorithm>
#include <type_traits>

#include "base/checked.h"
#include "kernels/conv/internal.h"

namespace kinglet {

namespace {

using namespace conv_internal;

constexpr const char* kNames[] = {
#define CONV(name, accepts, pays) "conv_" #name,
#include "kernels/conv/conv.inc"
#undef CONV
};

bool is_winograd(ConvKernel kernel) {
  return kernel == ConvKernel::k_winograd || kernel == ConvKernel::k_winograd_stored;
}

}  // namespace

const char* conv_kernel_name(ConvKernel kernel) { return kNames[static_cast<size_t>(kernel)]; }

template <class T>
bool conv_accepts(const ConvShape& s, ConvKernel kernel) {
  [[maybe_unused]] constexpr bool narrow = std::is_same_v<T, float>;
  [[maybe_unused]] bool flat =
      s.in[0] == 1 && s.pad[0] == 0 && s.out[0] == 1 && s.kernel[0] == 1 && !s.empty();
  [[maybe_unused]] bool square = s.kernel[1] == s.kernel[2] && s.stride[1] == s.stride[2];
  [[maybe_unused]] bool small_square =
      narrow && flat && square && s.dilation[1] == 1 && s.dilation[2] == 1 && s.in_channels >= 4 &&
      (s.stride[1] == 1 ? s.kernel[1] == 3 || s.kernel[1] == 5 : s.stride[1] == 2 && s.kernel[1] == 3);
  switch (kernel) {
#define CONV(name, accepts, pays) \
  case ConvKernel::k_##name:      \
    return accepts;
#include "kernels/conv/conv.inc"
#undef CONV
    case ConvKernel::kCount:
      break;
  }
  return false;
}

template <class T>
ConvKernel select_conv(const ConvShape& s) {
#define CONV(name, accepts, pays) \
  if (conv_accepts<T>(s, ConvKernel::k_##name) && (pays)) return ConvKernel::k_##name;
#include "kernels/conv/conv.inc"
#undef CONV
  return ConvKernel::kCount;
}

template <class T>
Result<size_t> conv_packed_bytes(const ConvShape& s, ConvKernel kernel) {
  if (is_winograd(kernel)) return winograd_packed_bytes(s, kernel == ConvKernel::k_winograd_stored);
  if (kernel != ConvKernel::k_depthwise) return product_packed_bytes<T>(s);
  KL_ASSIGN(size_t count, checked_mul(s.groups * s.out_channels, s.taps()));
  return checked_mul(count, sizeof(T));
}

template <class T>
void conv_pack(const ConvShape& s, ConvKernel kernel, const T* w, T* packed) {
  if constexpr (std::is_same_v<T, float>) {
    if (is_winograd(kernel)) return winograd_pack(s, w, kernel == ConvKernel::k_winograd_stored, packed);
  }
  if (kernel != ConvKernel::k_depthwise) return product_pack(s, w, packed);
  std::copy(w, w + s.groups * s.out_channels * s.taps(), packed);
}

template <class T>
Result<size_t> conv_scratch_bytes(const ConvShape& s, ConvKernel kernel, int threads) {
  switch (kernel) {
    case ConvKernel::k_pointwise:
      return pointwise_scratch<T>(s, threads);
    case ConvKernel::k_pointwise_scaled:
      return pointwise_scaled_scratch(s, threads);
    case ConvKernel::k_depthwise:
      return depthwise_scratch(s, threads);
    case ConvKernel::k_winograd:
    case ConvKernel::k_winograd_stored:
      return winograd_scratch(s, kernel == ConvKernel::k_winograd_stored, threads);
    case ConvKernel::k_direct:
      return direct_scratch(s, threads);
    default:
      return im2col_scratch<T>(s, threads);
  }
}

template <class T>
void conv(const Conv<T>& call, ConvKernel kernel, void* scratch, Parallel& pool) {
  if (call.shape.empty()) return;
  if (kernel == ConvKernel::k_pointwise) return run_pointwise(call, scratch, pool);
  if constexpr (std::is_same_v<T, float>) {
    if (kernel == ConvKernel::k_pointwise_scaled) return run_pointwise_scaled(call, scratch, pool);
    if (kernel == ConvKernel::k_depthwise) return run_depthwise(call, scratch, pool);
    if (is_winograd(kernel))
      return run_winograd(call, kernel == ConvKernel::k_winograd_stored, scratch, pool);
    if (kernel == ConvKernel::k_direct) return run_direct(call, scratch, pool);
  }
  run_im2col(call, scratch, pool);
}

#define KL_INSTANTIATE(T)                                                           \
  template bool conv_accepts<T>(const ConvShape&, ConvKernel);                      \
  template ConvKernel select_conv<T>(const ConvShape&);                             \
  template Result<size_t> conv_packed_bytes<T>(const ConvShape&, ConvKernel);       \
  template void conv_pack(const ConvShape&, ConvKernel, const T*, T*);              \
  template Result<size_t> conv_scratch_bytes<T>(const ConvShape&, ConvKernel, int); \
  template void conv(const Conv<T>&, ConvKernel, void*, Parallel&);
KL_INSTANTIATE(float)
KL_INSTANTIATE(double)
#undef KL_INSTANTIATE

}  // namespace kinglet
