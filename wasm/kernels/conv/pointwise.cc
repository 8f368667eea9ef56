// A kernel of one tap, unpadded and unstrided: the input already is the matrix of columns.
#include "base/checked.h"
#include "kernels/conv/internal.h"

namespace kinglet::conv_internal {

template <class T>
Result<size_t> product_packed_bytes(const ConvShape& s) {
  KL_ASSIGN(size_t depth, checked_mul(s.in_channels, s.taps()));
  KL_ASSIGN(size_t bytes, matmul_packed_a_bytes<T>(s.out_channels, depth));
  return checked_mul(bytes, s.groups);
}

template <class T>
void product_pack(const ConvShape& s, const T* w, T* packed) {
  size_t depth = s.in_channels * s.taps();
  Result<size_t> bytes = matmul_packed_a_bytes<T>(s.out_channels, depth);
  if (!bytes.ok()) return;  // product_packed_bytes has said so
  for (size_t g = 0; g < s.groups; ++g)
    matmul_pack_a<T>({w + g * s.out_channels * depth, depth, 1}, s.out_channels, depth, 1,
                     packed + g * (*bytes / sizeof(T)));
}

namespace {

// The product of one image and one group, without pointers.
template <class T>
MatMul<T> product_of(const ConvShape& s) {
  MatMul<T> m;
  m.m = s.out_channels;
  m.n = s.out_size();
  m.k = s.in_channels;
  m.a.packed = true;
  m.b = {nullptr, m.n, 1};
  m.c_row = m.n;
  return m;
}

}  // namespace

template <class T>
Result<size_t> pointwise_scratch(const ConvShape& s, int threads) {
  MatMul<T> m = product_of<T>(s);
  return matmul_scratch_bytes(m, select_matmul(m), threads);
}

template <class T>
void run_pointwise(const Conv<T>& call, void* scratch, Parallel& pool) {
  const ConvShape& s = call.shape;
  MatMul<T> m = product_of<T>(s);
  MatMulKernel kernel = select_matmul(m);
  Result<size_t> packed = matmul_packed_a_bytes<T>(m.m, m.k);
  if (!packed.ok()) return;
  m.activation = call.activation;
  for (size_t i = 0; i < s.images; ++i) {
    for (size_t g = 0; g < s.groups; ++g) {
      size_t plane = i * s.groups + g;
      m.a.data = call.w + g * (*packed / sizeof(T));
      m.b.data = call.x + plane * m.k * m.n;
      m.c = call.y + plane * m.m * m.n;
      m.row_bias = call.bias ? call.bias + g * m.m : nullptr;
      m.residual = call.residual ? call.residual + plane * m.m * m.n : nullptr;
      matmul(m, kernel, scratch, pool);
    }
  }
}

#define KL_INSTANTIATE(T)                                              \
  template Result<size_t> product_packed_bytes<T>(const ConvShape&);   \
  template void product_pack(const ConvShape&, const T*, T*);          \
  template Result<size_t> pointwise_scratch<T>(const ConvShape&, int); \
  template void run_pointwise(const Conv<T>&, void*, Parallel&);
KL_INSTANTIATE(float)
KL_INSTANTIATE(double)
#undef KL_INSTANTIATE

}  // namespace kinglet::conv_internal
