// Packing of matmul operands; the layouts are described in matmul.h and tile.h.
#include "kernels/matmul/pack.h"
#include "base/checked.h"
#include "kernels/matmul/matmul.h"
#include "kernels/matmul/tile.h"
#include "simd/transpose.h"

namespace kinglet {

template <class T>
Result<size_t> matmul_packed_a_bytes(size_t m, size_t k) {
  KL_ASSIGN(size_t count, checked_mul(m, k));
  // Strips are read in whole vectors.
  KL_ASSIGN(count, checked_add(count, kStripRows<T>));
  return checked_mul(count, sizeof(T));
}

template <class T>
Result<size_t> matmul_packed_b_bytes(size_t k, size_t n) {
  KL_ASSIGN(n, checked_add(n, kPanelWidth<T> - 1));
  KL_ASSIGN(size_t count, checked_mul(n / kPanelWidth<T> * kPanelWidth<T>, k));
  return checked_mul(count, sizeof(T));
}

template <class T>
void pack_rows(const MatrixView<T>& a, size_t i0, size_t rows, size_t k0, size_t k1, T alpha, T* packed) {
  for (size_t p = k0; p < k1; ++p) {
    const T* from = a.data + i0 * a.row + p * a.column;
    for (size_t i = 0; i < rows; ++i) *packed++ = from[i * a.row] * alpha;
  }
}

template <class T>
void matmul_pack_a(const MatrixView<T>& a, size_t m, size_t k, T alpha, T* packed) {
  StripSplit split(m, kStripRows<T>);
  for (size_t s = 0; s < split.count; ++s)
    pack_rows(a, split.begin(s), split.rows(s), 0, k, alpha, packed + split.begin(s) * k);
}

template <class T>
void pack_panels(const MatrixView<T>& b, size_t k0, size_t k1, size_t n0, size_t n1, T alpha, T* panels) {
  using V = Vec<T>;
  constexpr size_t width = kPanelWidth<T>;
  const V scale = V::splat(alpha);
  if (k0 == k1) return;
  for (size_t j = n0; j < n1; j += width) {
    size_t valid = std::min(width, n1 - j);
    const T* from = b.data + k0 * b.row + j * b.column;
    if (b.column == 1 && valid == width) {
      for (size_t p = k0; p < k1; ++p, from += b.row, panels += width) {
        (V::load(from) * scale).store(panels);
        (V::load(from + V::kLanes) * scale).store(panels + V::kLanes);
      }
    } else if (b.column == 1) {
      for (size_t p = k0; p < k1; ++p, from += b.row, panels += width) {
        for (size_t q = 0; q < valid; ++q) panels[q] = from[q] * alpha;
        for (size_t q = valid; q < width; ++q) panels[q] = 0;
      }
    } else if (sizeof(T) == 4 && width % 4 == 0 && b.row == 1 && valid == width && alpha == T{1}) {
      size_t p = k0;
      for (; p + 4 <= k1; p += 4, from += 4, panels += 4 * width)
        for (size_t q = 0; q < width; q += 4)
          transpose_4x4(reinterpret_cast<const uint32_t*>(from + q * b.column),
                        static_cast<int64_t>(b.column), reinterpret_cast<uint32_t*>(panels + q), width);
      for (; p < k1; ++p, ++from, panels += width)
        for (size_t q = 0; q < width; ++q) panels[q] = from[q * b.column];
    } else {
      // Column by column reads along rows of a transposed matrix.
      for (size_t q = 0; q < width; ++q) {
        const T* column = from + q * b.column;
        T* to = panels + q;
        for (size_t p = k0; p < k1; ++p, to += width) {
          *to = q < valid ? *column * alpha : T{0};
          column += b.row;
        }
      }
      panels += width * (k1 - k0);
    }
  }
}

template <class T>
void matmul_pack_b(const MatrixView<T>& b, size_t k, size_t n, T alpha, T* packed) {
  pack_panels(b, 0, k, 0, n, alpha, packed);
}

#define KL_INSTANTIATE(T)                                                               \
  template Result<size_t> matmul_packed_a_bytes<T>(size_t, size_t);                     \
  template Result<size_t> matmul_packed_b_bytes<T>(size_t, size_t);                     \
  template void matmul_pack_a(const MatrixView<T>&, size_t, size_t, T, T*);             \
  template void matmul_pack_b(const MatrixView<T>&, size_t, size_t, T, T*);             \
  template void pack_rows(const MatrixView<T>&, size_t, size_t, size_t, size_t, T, T*); \
  template void pack_panels(const MatrixView<T>&, size_t, size_t, size_t, size_t, T, T*);
KL_INSTANTIATE(float)
KL_INSTANTIATE(double)
KL_INSTANTIATE(uint32_t)
KL_INSTANTIATE(uint64_t)
#undef KL_INSTANTIATE

}  // namespace kinglet
