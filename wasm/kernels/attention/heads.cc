#include <cstring>

#include "kernels/attention/attention.h"
#include "simd/vec.h"

namespace kinglet {

namespace {

// The first `rotated` elements of one row, from x to y, which may be the same.
template <class T>
void rotate(const HeadCopy<T>& copy, const T* cos, const T* sin, const T* x, T* y) {
  size_t half = copy.rotated / 2;
  size_t apart = copy.interleaved ? 1 : half, step = copy.interleaved ? 2 : 1;
  const T *cos2 = cos + copy.second, *sin2 = sin + copy.second;
  size_t i = 0;
  if constexpr (std::is_same_v<T, float>) {
    using V = Vec<float>;
    for (; !copy.interleaved && i + 4 <= half; i += 4) {
      V a = V::load(x + i), b = V::load(x + half + i), c = V::load(cos + i), s = V::load(sin + i);
      (a * c - b * s).store(y + i);
      (a * V::load(sin2 + i) + b * V::load(cos2 + i)).store(y + half + i);
    }
  }
  for (; i < half; ++i) {
    T a = x[i * step], b = x[i * step + apart];
    y[i * step] = a * cos[i] - b * sin[i];
    y[i * step + apart] = a * sin2[i] + b * cos2[i];
  }
}

}  // namespace

template <class T>
void copy_heads(const HeadCopy<T>& copy, Parallel& pool) {
  size_t grain = 4096 / std::max<size_t>(copy.size, 1) + 1;
  parallel_for(pool, copy.batch * copy.heads * copy.rows, grain, [&](size_t begin, size_t end) {
    for (size_t index = begin; index < end; ++index) {
      size_t row = index % copy.rows, head = index / copy.rows % copy.heads;
      size_t item = index / copy.rows / copy.heads;
      auto at = [&](const HeadStrides& s) { return item * s.batch + head * s.head + row * s.row; };
      const T* x = copy.from + at(copy.from_strides);
      T* y = copy.to + at(copy.to_strides);
      if (copy.bias != nullptr) {
        for (size_t i = 0; i < copy.size; ++i) y[i] = x[i] + copy.bias[head * copy.size + i];
        x = y;
      }
      size_t done = 0;
      if (copy.cos != nullptr) {
        size_t line = row + copy.first;
        if (copy.positions != nullptr) line = static_cast<size_t>(copy.positions[item * copy.rows + row]);
        size_t from = item * copy.table_batch + line * copy.table_row;
        rotate(copy, copy.cos + from, copy.sin + from, x, y);
        done = copy.rotated;
      }
      if (x != y && done < copy.size) std::memcpy(y + done, x + done, (copy.size - done) * sizeof(T));
    }
  });
}

template void copy_heads(const HeadCopy<float>&, Parallel&);
template void copy_heads(const HeadCopy<double>&, Parallel&);

}  // namespace kinglet
