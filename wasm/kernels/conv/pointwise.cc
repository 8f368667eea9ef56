// A kernel of one tap, unpadded and unstrided: the input already is the matrix of columns.
#include <algorithm>
#include <cmath>

#include "base/checked.h"
#include "kernels/conv/internal.h"
#include "kernels/matmul/tile.h"

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
__attribute__((noinline)) MatMul<T> product_of(const ConvShape& s) {
  MatMul<T> m;
  m.m = s.out_channels;
  m.n = s.out_size();
  m.k = s.in_channels;
  m.a.packed = true;
  m.b = {nullptr, m.n, 1};
  m.c_row = m.n;
  return m;
}

// Images and groups are products of one call, so many at a time.
constexpr size_t kMostItems = 16;

// Changes the product of an image and a group before it is computed; those come one at a time.
template <class T>
using Prepare = void (*)(void* context, MatMul<T>* product, MatMulItem* item, size_t image, size_t group);

template <class T>
void run_products(const Conv<T>& call, MatMul<T>& m, void* scratch, Parallel& pool, Prepare<T> prepare,
                  void* context) {
  const ConvShape& s = call.shape;
  MatMulKernel kernel = select_matmul(m);
  Result<size_t> packed = matmul_packed_a_bytes<T>(m.m, m.k);
  if (!packed.ok()) return;
  m.activation = call.activation;
  m.b.data = call.x;
  m.c = call.y;
  m.row_bias = call.bias;
  m.residual = call.residual;
  MatMulItem items[kMostItems];
  size_t planes = s.images * s.groups, most = prepare ? 1 : kMostItems;
  for (size_t plane = 0; plane < planes && !cancelled(pool); plane += most) {
    size_t count = std::min(most, planes - plane);
    m.a.data = call.w;
    for (size_t i = 0; i < count; ++i) {
      size_t at = plane + i, g = at % s.groups;
      items[i] = {g * (*packed / sizeof(T)), at * m.k * m.n, at * m.m * m.n, g * m.m};
    }
    m.items = std::span(items, count);
    if (prepare) prepare(context, &m, items, plane / s.groups, plane % s.groups);
    matmul(m, kernel, scratch, pool);
  }
}

// What is to be done with the input of one image and group.
struct Scaling {
  const ConvInput& how;
  float* weights = nullptr;  // where scaled weights go; null: the input is scaled while it is packed
  size_t columns = 0;
  const float *x = nullptr, *scale = nullptr, *shift = nullptr;
};

void pack_scaled(const void* context, size_t, size_t k0, size_t k1, size_t n0, size_t n1, float* panels) {
  using V = Vec<float>;
  constexpr size_t width = kPanelWidth<float>;
  static constexpr float kZero = 0;
  const auto& in = *static_cast<const Scaling*>(context);
  const float* shifts = in.shift ? in.shift : &kZero;
  const size_t step = in.shift ? 1 : 0;
  const V floor = V::splat(in.how.floor);
  for (size_t j = n0; j < n1; j += width) {
    size_t valid = std::min(width, n1 - j);
    float edge[width] = {};
    const float* row = in.x + k0 * in.columns + j;
    for (size_t p = k0; p < k1; ++p, row += in.columns, panels += width) {
      const float* from = row;
      if (valid < width) {
        copy_block(row, 0, edge, 0, 1, valid);
        from = edge;
      }
      V scale = V::load_splat(in.scale + p), shift = V::load_splat(shifts + p * step);
#pragma unroll
      for (size_t q = 0; q < width; q += V::kLanes)
        max(madd(V::load(from + q), scale, shift), floor).store(panels + q);
    }
  }
}

// Elements of the scaled copy of the weights; none where the input is packed anyway.
size_t scaled_weights(const MatMul<float>& m) {
  if (!matmul_reads_in_place(m)) return 0;
  Result<size_t> bytes = matmul_packed_a_bytes<float>(m.m, m.k);
  return bytes.ok() ? align_up(*bytes / sizeof(float), 16) : 0;
}

// Packed weights, their columns scaled instead of the input's rows.
void scale_weights(const MatMul<float>& m, const float* w, const float* scale, float* to) {
  StripSplit split(m.m, kStripRows<float>);
  for (size_t s = 0; s < split.count; ++s) {
    for (size_t p = 0, rows = split.rows(s); p < m.k; ++p) {
#pragma clang loop vectorize(disable) unroll(disable)
      for (size_t i = 0; i < rows; ++i) *to++ = *w++ * scale[p];
    }
  }
}

void prepare_scaled(void* context, MatMul<float>* m, MatMulItem* item, size_t image, size_t group) {
  auto& in = *static_cast<Scaling*>(context);
  in.x = m->b.data + item->b;
  in.scale = in.how.scale + image * in.how.image + group * m->k;
  if (in.how.shift) in.shift = in.how.shift + group * m->k;
  if (!in.weights) return;
  scale_weights(*m, m->a.data + item->a, in.scale, in.weights);
  m->a.data = in.weights;
  item->a = 0;
}

}  // namespace

template <class T>
Result<size_t> pointwise_scratch(const ConvShape& s, int threads) {
  MatMul<T> m = product_of<T>(s);
  static constexpr MatMulItem kItems[kMostItems] = {};
  size_t planes = s.images * s.groups, most = 0;
  for (size_t count : {std::min(planes, kMostItems), planes % kMostItems, size_t{1}}) {
    m.items = std::span(kItems, count);
    KL_ASSIGN(size_t bytes, matmul_scratch_bytes(m, select_matmul(m), threads));
    most = std::max(most, bytes);
  }
  return most;
}

template <class T>
void run_pointwise(const Conv<T>& call, void* scratch, Parallel& pool) {
  MatMul<T> m = product_of<T>(call.shape);
  run_products<T>(call, m, scratch, pool, nullptr, nullptr);
}

Result<size_t> pointwise_scaled_scratch(const ConvShape& s, int threads) {
  MatMul<float> m = product_of<float>(s);
  KL_ASSIGN(size_t in_place, pointwise_scratch<float>(s, threads));
  KL_ASSIGN(in_place, checked_add(in_place, scaled_weights(m) * sizeof(float)));
  m.pack = pack_scaled;
  KL_ASSIGN(size_t packed, matmul_scratch_bytes(m, select_matmul(m), threads));
  return std::max(in_place, packed);
}

void run_pointwise_scaled(const Conv<float>& call, void* scratch, Parallel& pool) {
  MatMul<float> m = product_of<float>(call.shape);
  Scaling scaling{call.input};
  scaling.columns = m.n;
  auto* own = static_cast<float*>(scratch);
  size_t weights = call.input.shift == nullptr && std::isinf(call.input.floor) ? scaled_weights(m) : 0;
  if (weights > 0) {
    scaling.weights = own;
  } else {
    m.pack = pack_scaled;
    m.pack_context = &scaling;
  }
  run_products<float>(call, m, own + weights, pool, prepare_scaled, &scaling);
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
