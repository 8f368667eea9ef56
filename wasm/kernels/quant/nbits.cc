#include "kernels/quant/nbits.h"

#include <algorithm>

#include "kernels/matmul/tile.h"
#include "simd/bytes.h"

namespace kinglet {

namespace {

uint32_t value_at(const NBits& w, const uint8_t* row, size_t p) {
  size_t bit = p * w.bits;
  return static_cast<uint32_t>(row[bit / 8]) >> (bit % 8) & ((1u << w.bits) - 1);
}

// Weights [k0, k1) of column j.
void dequantize_column(const NBits& w, size_t j, size_t k0, size_t k1, float* out) {
  const uint8_t* row = w.q + j * w.row_bytes();
  const float* scales = w.scales + j * w.blocks();
  if (w.group_of != nullptr) {
    for (size_t p = k0; p < k1; ++p) {
      auto group = static_cast<size_t>(w.group_of[p]);
      *out++ = (static_cast<float>(value_at(w, row, p)) - w.zero(j, group)) * scales[group];
    }
    return;
  }
  for (size_t p = k0; p < k1;) {
    size_t b = p / w.block, end = std::min(k1, (b + 1) * w.block);
    float scale = scales[b], zero = w.zero(j, b);
    if (w.bits == 4) {
      float table[16];
      for (int v = 0; v < 16; ++v) table[v] = (static_cast<float>(v) - zero) * scale;
      if (p % 2 != 0) *out++ = table[row[p++ / 2] >> 4];
      for (; p + 2 <= end; p += 2) {
        *out++ = table[row[p / 2] & 15];
        *out++ = table[row[p / 2] >> 4];
      }
    }
    for (; p < end; ++p) *out++ = (static_cast<float>(value_at(w, row, p)) - zero) * scale;
  }
}

// Weights of a block of 4 bits times x, which is kept as the even elements and then the odd ones.
float dot_block(const uint8_t* q, const float* x, size_t block) {
  Float4 sums[4] = {Float4::splat(0), Float4::splat(0), Float4::splat(0), Float4::splat(0)};
  const float* odd = x + block / 2;
  for (size_t i = 0; i < block / 2; i += 8) {
    Int4 v[4];
    load_nibbles(q + i, v);
    sums[0] = madd(to_float(v[0]), Float4::load(x + i), sums[0]);
    sums[1] = madd(to_float(v[1]), Float4::load(x + i + 4), sums[1]);
    sums[2] = madd(to_float(v[2]), Float4::load(odd + i), sums[2]);
    sums[3] = madd(to_float(v[3]), Float4::load(odd + i + 4), sums[3]);
  }
  return sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

}  // namespace

void nbits_pack(const void* context, size_t, size_t k0, size_t k1, size_t n0, size_t n1, float* panels) {
  const auto& w = *static_cast<const NBits*>(context);
  constexpr size_t width = kPanelWidth<float>, kPart = 128;
  for (size_t n = n0; n < n1; n += width, panels += width * (k1 - k0)) {
    for (size_t q = 0; q < width; ++q) {
      for (size_t p = k0; p < k1; p += kPart) {
        float part[kPart] = {};
        size_t count = std::min(kPart, k1 - p);
        if (n + q < n1) dequantize_column(w, n + q, p, p + count, part);
        float* to = panels + (p - k0) * width + q;
        for (size_t i = 0; i < count; ++i) to[i * width] = part[i];
      }
    }
  }
}

bool nbits_row_accepts(const NBits& w) { return w.bits == 4 && w.group_of == nullptr && w.block >= 16; }

// x in whole blocks, evens before odds within each, then the sum of each block.
size_t nbits_row_scratch(const NBits& w) { return w.blocks() * (w.block + 1); }

void nbits_row(const NBits& w, const float* x, const float* bias, float* c, float* scratch, Parallel& pool) {
  size_t blocks = w.blocks(), half = w.block / 2;
  float* sums = scratch + blocks * w.block;
  for (size_t b = 0; b < blocks; ++b) {
    float total = 0;
    for (size_t i = 0; i < w.block; ++i) {
      size_t p = b * w.block + i;
      float value = p < w.k ? x[p] : 0.0f;
      scratch[b * w.block + i % 2 * half + i / 2] = value;
      total += value;
    }
    sums[b] = total;
  }
  size_t grain = std::max<size_t>(1, 65536 / std::max<size_t>(w.row_bytes(), 1));
  parallel_for(pool, w.n, grain, [&](size_t begin, size_t end) {
    for (size_t j = begin; j < end; ++j) {
      const uint8_t* row = w.q + j * w.row_bytes();
      const float* scales = w.scales + j * blocks;
      float total = bias ? bias[j] : 0.0f;
      for (size_t b = 0; b < blocks; ++b) {
        float dot = dot_block(row + b * half, scratch + b * w.block, w.block);
        total += scales[b] * (dot - w.zero(j, b) * sums[b]);
      }
      c[j] = total;
    }
  });
}

void nbits_reference(const NBits& w, const float* a, size_t m, const float* bias, float* c) {
  for (size_t i = 0; i < m; ++i) {
    for (size_t j = 0; j < w.n; ++j) {
      double sum = bias ? static_cast<double>(bias[j]) : 0.0;
      for (size_t p = 0; p < w.k; ++p) {
        size_t group = w.group_of ? static_cast<size_t>(w.group_of[p]) : p / w.block;
        float q = static_cast<float>(value_at(w, w.q + j * w.row_bytes(), p));
        sum += static_cast<double>(a[i * w.k + p]) *
               static_cast<double>((q - w.zero(j, group)) * w.scales[j * w.blocks() + group]);
      }
      c[i * w.n + j] = static_cast<float>(sum);
    }
  }
}

}  // namespace kinglet
