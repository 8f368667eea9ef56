// The general convolution: a product whose columns are gathered from the input panel by panel while it runs,
// so the matrix of columns never exists. Padding is a copy of the image with a border of zeros; then no
// column needs a bounds check.
#include <algorithm>

#include "base/checked.h"
#include "kernels/conv/internal.h"
#include "kernels/conv/padded.h"
#include "kernels/matmul/tile.h"

namespace kinglet::conv_internal {

namespace {

// The image that columns are read from: the input, or its padded copy.
struct Image {
  size_t size[3];
  size_t plane() const { return size[0] * size[1] * size[2]; }
};

Image image_of(const ConvShape& s) {
  Image image;
  bool padded = s.padded();
  for (int i = 0; i < 3; ++i) image.size[i] = padded ? std::max(s.reach(i), s.pad[i] + s.in[i]) : s.in[i];
  return image;
}

Result<size_t> product_of_all(std::initializer_list<size_t> factors) {
  size_t all = 1;
  for (size_t f : factors) {
    KL_ASSIGN(all, checked_mul(all, f));
  }
  return all;
}

// What the packing function needs: where each row and column of the matrix starts in the image.
template <class T>
struct Columns {
  const ConvShape* shape;
  Image image;
  const T* data;
  const uint32_t* row_offsets;  // of (channel, tap)
};

// Offset of output pixel `index`'s first tap in a plane of the image.
size_t pixel_offset(const ConvShape& s, const Image& image, size_t index) {
  size_t w = index % s.out[2], h = index / s.out[2] % s.out[1], d = index / s.out[2] / s.out[1];
  return (d * s.stride[0] * image.size[1] + h * s.stride[1]) * image.size[2] + w * s.stride[2];
}

template <class T>
void gather(const void* context, size_t offset, size_t k0, size_t k1, size_t n0, size_t n1, T* panels) {
  using V = Vec<T>;
  constexpr size_t L = V::kLanes, width = kPanelWidth<T>;
  const auto& c = *static_cast<const Columns<T>*>(context);
  const ConvShape& s = *c.shape;
  for (size_t n = n0; n < n1; n += width) {
    size_t at[width];
    for (size_t q = 0; q < width; ++q) at[q] = pixel_offset(s, c.image, std::min(n + q, n1 - 1));
    // Of a last panel of which one vector is enough, the other one is not read.
    size_t halves = n1 - n > L ? 2 : 1;
    bool contiguous[2] = {};
    for (size_t half = 0; half < halves; ++half) {
      contiguous[half] = true;
      for (size_t q = 1; q < L; ++q) contiguous[half] &= at[half * L + q] == at[half * L] + q;
    }
    // With a stride of two, eight columns of one row lie in fifteen neighbouring elements; sixteen are read.
    bool every_second = at[width - 1] + c.row_offsets[k1 - 1] + 1 < c.image.plane() * s.in_channels;
    for (size_t q = 1; q < width; ++q) every_second &= at[q] == at[0] + 2 * q;
    const T* image = c.data + offset;
    if (contiguous[0] && contiguous[1]) {
      for (size_t k = k0; k < k1; ++k, panels += width) {
        const T* from = image + c.row_offsets[k];
        V::load(from + at[0]).store(panels);
        V::load(from + at[L]).store(panels + L);
      }
    } else if (every_second) {
      for (size_t k = k0; k < k1; ++k, panels += width) {
        const T* from = image + c.row_offsets[k] + at[0];
        even(V::load(from), V::load(from + L)).store(panels);
        even(V::load(from + 2 * L), V::load(from + 3 * L)).store(panels + L);
      }
    } else {
      for (size_t k = k0; k < k1; ++k, panels += width) {
        const T* from = image + c.row_offsets[k];
        for (size_t half = 0; half < halves; ++half) {
          if (contiguous[half]) {
            V::load(from + at[half * L]).store(panels + half * L);
          } else {
            for (size_t q = half * L; q < half * L + L; ++q) panels[q] = from[at[q]];
          }
        }
      }
    }
  }
}

template <class T>
KL_SHORT_LOOPS void pad_image(const ConvShape& s, const Image& image, const T* x, T* out, Parallel& pool) {
  size_t grain = 1 + 16384 / (image.plane() + 1);
  parallel_for(pool, s.groups * s.in_channels, grain, [&](size_t begin, size_t end) {
    for (size_t c = begin; c < end; ++c) {
      T* to = out + c * image.plane();
      const T* from = x + c * s.in_size();
      zero(to, image.plane());
      // Rows that lie behind the reach of every tap are not copied.
      size_t depth = std::min(s.in[0], image.size[0] - s.pad[0]),
             rows = std::min(s.in[1], image.size[1] - s.pad[1]);
      for (size_t d = 0; d < depth; ++d)
        for (size_t h = 0; h < rows; ++h)
          copy_row(from + (d * s.in[1] + h) * s.in[2],
                   to + ((d + s.pad[0]) * image.size[1] + h + s.pad[1]) * image.size[2] + s.pad[2], s.in[2]);
    }
  });
}

template <class T>
MatMul<T> product_of(const ConvShape& s) {
  MatMul<T> m;
  m.m = s.out_channels;
  m.n = s.out_size();
  m.k = s.in_channels * s.taps();
  m.a.packed = true;
  m.pack = gather<T>;
  m.c_row = m.n;
  return m;
}

// Scratch: row offsets, the padded image, then the product's own.
struct Layout {
  size_t offsets = 0, image = 0, product = 0;
};

template <class T>
Result<Layout> layout_of(const ConvShape& s, int threads) {
  Layout layout;
  Image image = image_of(s);
  KL_ASSIGN(size_t rows,
            product_of_all({s.in_channels, s.kernel[0], s.kernel[1], s.kernel[2], sizeof(uint32_t)}));
  KL_ASSIGN(rows, checked_add<size_t>(rows, 63));
  layout.offsets = rows / 64 * 64;
  // Offsets in an image of one group are kept in 32 bits.
  KL_ASSIGN(size_t group, product_of_all({s.in_channels, image.size[0], image.size[1], image.size[2]}));
  if (!fits<uint32_t>(group))
    return fail(Code::kLimitExceeded, "an image of ", group, " elements is too large");
  if (s.padded()) {
    KL_ASSIGN(size_t bytes, product_of_all({group, s.groups, sizeof(T)}));
    KL_ASSIGN(bytes, checked_add<size_t>(bytes, 63));
    layout.image = bytes / 64 * 64;
  }
  MatMul<T> m = product_of<T>(s);
  KL_ASSIGN(layout.product, matmul_scratch_bytes(m, select_matmul(m), threads));
  return layout;
}

}  // namespace

template <class T>
Result<size_t> im2col_scratch(const ConvShape& s, int threads) {
  KL_ASSIGN(Layout layout, layout_of<T>(s, threads));
  KL_ASSIGN(size_t bytes, checked_add(layout.offsets, layout.image));
  return checked_add(bytes, layout.product);
}

template <class T>
void run_im2col(const Conv<T>& call, void* scratch, Parallel& pool) {
  const ConvShape& s = call.shape;
  if (s.empty()) return;
  Result<Layout> layout = layout_of<T>(s, pool.threads());
  Result<size_t> packed = matmul_packed_a_bytes<T>(s.out_channels, s.in_channels * s.taps());
  if (!layout.ok() || !packed.ok()) return;
  auto* bytes = static_cast<std::byte*>(scratch);
  auto* offsets = reinterpret_cast<uint32_t*>(bytes);
  auto* copy = reinterpret_cast<T*>(bytes + layout->offsets);
  std::byte* rest = bytes + layout->offsets + layout->image;
  Image image = image_of(s);
  size_t k = 0;
  for (size_t c = 0; c < s.in_channels; ++c)
    for (size_t d = 0; d < s.kernel[0]; ++d)
      for (size_t h = 0; h < s.kernel[1]; ++h)
        for (size_t w = 0; w < s.kernel[2]; ++w)
          offsets[k++] = static_cast<uint32_t>(
              ((c * image.size[0] + d * s.dilation[0]) * image.size[1] + h * s.dilation[1]) * image.size[2] +
              w * s.dilation[2]);
  MatMul<T> m = product_of<T>(s);
  MatMulKernel kernel = select_matmul(m);
  Columns<T> columns{&s, image, nullptr, offsets};
  m.pack_context = &columns;
  m.activation = call.activation;
  for (size_t i = 0; i < s.images && !cancelled(pool); ++i) {
    const T* x = call.x + i * s.groups * s.in_channels * s.in_size();
    if (s.padded() && m.k > 0) pad_image(s, image, x, copy, pool);
    for (size_t g = 0; g < s.groups; ++g) {
      size_t plane = (i * s.groups + g) * m.m * m.n;
      columns.data = (s.padded() ? copy : x) + g * s.in_channels * image.plane();
      m.a.data = call.w + g * (*packed / sizeof(T));
      m.c = call.y + plane;
      m.row_bias = call.bias ? call.bias + g * m.m : nullptr;
      m.residual = call.residual ? call.residual + plane : nullptr;
      matmul(m, kernel, rest, pool);
    }
  }
}

#define KL_INSTANTIATE(T)                                           \
  template Result<size_t> im2col_scratch<T>(const ConvShape&, int); \
  template void run_im2col(const Conv<T>&, void*, Parallel&);
KL_INSTANTIATE(float)
KL_INSTANTIATE(double)
#undef KL_INSTANTIATE

}  // namespace kinglet::conv_internal
