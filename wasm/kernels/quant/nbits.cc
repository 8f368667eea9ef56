#include "kernels/quant/nbits.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "kernels/matmul/tile.h"
#include "simd/bytes.h"

namespace kinglet {

namespace {

uint32_t value_at(const NBits& w, size_t j, size_t p) {
  if (w.packed) {
    const uint8_t* unit = w.q + j / kNBitsColumns * kNBitsColumns * w.row_bytes() + p / 8 * nbits_unit(w);
    auto half = [&](size_t at) {
      return static_cast<uint32_t>(unit[at + j % kNBitsColumns * 4 + p % 4]) >> (p % 8 / 4 * 4) & 15;
    };
    return w.bits == 4 ? half(0) : half(0) | half(32) << 4;
  }
  size_t bit = p * w.bits;
  return static_cast<uint32_t>(w.q[j * w.row_bytes() + bit / 8]) >> (bit % 8) & ((1u << w.bits) - 1);
}

}  // namespace

void nbits_column(const NBits& w, size_t j, size_t k0, size_t k1, float* out) {
  const float* scales = w.scales + j * w.blocks();
  if (w.group_of != nullptr) {
    for (size_t p = k0; p < k1; ++p) {
      auto group = static_cast<size_t>(w.group_of[p]);
      *out++ = (static_cast<float>(value_at(w, j, p)) - w.zero(j, group)) * scales[group];
    }
    return;
  }
  for (size_t p = k0; p < k1;) {
    size_t b = p / w.block, end = std::min(k1, (b + 1) * w.block);
    float scale = scales[b], zero = w.zero(j, b);
    for (; p < end; ++p) *out++ = (static_cast<float>(value_at(w, j, p)) - zero) * scale;
  }
}

namespace {

constexpr size_t kUnit = 8;  // rows of a panel that packed weights are dequantised to together

// Rows [from, to) of columns [j, j + kNBitsColumns), all in one block; both are multiples of kUnit.
void dequantize_rows(const NBits& w, size_t j, size_t n1, size_t from, size_t to, float* rows) {
  float scale[kNBitsColumns] = {}, zero[kNBitsColumns] = {};
  size_t b = from / w.block;
  for (size_t q = 0; q < kNBitsColumns && j + q < n1; ++q) {
    scale[q] = w.scales[(j + q) * w.blocks() + b];
    zero[q] = w.zero(j + q, b);
  }
  size_t stride = nbits_unit(w);
  const uint8_t* unit = w.q + j * w.row_bytes() + from / kUnit * stride;
  const Int4 low = Int4::splat(0x0f0f0f0f), byte = Int4::splat(255);
  for (size_t p = from; p < to; p += kUnit, unit += stride, rows += kUnit * kNBitsColumns) {
    for (size_t g = 0; g < kNBitsColumns; g += 4) {
      Int4 x = Int4::load(reinterpret_cast<const int32_t*>(unit + 4 * g)), y = Int4::splat(0);
      if (w.bits == 8) y = Int4::load(reinterpret_cast<const int32_t*>(unit + 32 + 4 * g));
      const Int4 bytes[] = {(x & low) | ((y & low) << 4), ((x >> 4) & low) | (y & (low << 4))};
      const Float4 s = Float4::load(scale + g), z = Float4::load(zero + g);
#pragma unroll
      for (size_t i = 0; i < kUnit; ++i) {
        Int4 value = (bytes[i / 4] >> static_cast<int>(i % 4 * 8)) & byte;
        ((to_float(value) - z) * s).store(rows + i * kNBitsColumns + g);
      }
    }
  }
}

}  // namespace

void nbits_pack(const void* context, size_t, size_t k0, size_t k1, size_t n0, size_t n1, float* panels) {
  const auto& w = *static_cast<const NBits*>(context);
  constexpr size_t width = kPanelWidth<float>, kPart = 128;
  // [from, to) goes by whole units.
  size_t from = k1, to = k1;
  if (w.packed && width == kNBitsColumns && align_up(k0, kUnit) < k1) {
    from = align_up(k0, kUnit);
    to = k1 / kUnit * kUnit;
  }
  for (size_t n = n0; n < n1; n += width, panels += width * (k1 - k0)) {
    auto slowly = [&](size_t begin, size_t end) {
      for (size_t q = 0; q < width; ++q) {
        for (size_t p = begin; p < end; p += kPart) {
          float part[kPart] = {};
          size_t count = std::min(kPart, end - p);
          if (n + q < n1) nbits_column(w, n + q, p, p + count, part);
          float* at = panels + (p - k0) * width + q;
          for (size_t i = 0; i < count; ++i) at[i * width] = part[i];
        }
      }
    };
    slowly(k0, from);
    slowly(to, k1);
    for (size_t p = from; p < to;) {
      size_t end = std::min(to, (p / w.block + 1) * w.block);
      dequantize_rows(w, n, n1, p, end, panels + (p - k0) * width);
      p = end;
    }
  }
}

bool nbits_packs(const NBits& w) {
  return (w.bits == 4 || w.bits == 8) && w.group_of == nullptr && w.block >= 16;
}

Result<size_t> nbits_packed_bytes(const NBits& w) {
  KL_ASSIGN(size_t columns, checked_add(w.n, kNBitsColumns - 1));
  return checked_mul(columns / kNBitsColumns * kNBitsColumns, w.row_bytes());
}

void nbits_pack_columns(const NBits& w, uint8_t* packed) {
  constexpr uint32_t low = 0x0f0f0f0f;
  auto spread = [](uint32_t x) {
    x = (x | x << 8) & 0x00ff00ff;
    return (x | x << 4) & low;
  };
  size_t row = w.row_bytes();
  for (size_t j = 0; j < align_up(w.n, kNBitsColumns); ++j) {
    uint8_t* to = packed + j / kNBitsColumns * kNBitsColumns * row + j % kNBitsColumns * 4;
    for (size_t i = 0; i < row; i += w.bits, to += nbits_unit(w)) {
      uint32_t x[2] = {};
      if (j < w.n) std::memcpy(x, w.q + j * row + i, w.bits);
      if (w.bits == 8) {
        uint32_t high = (x[0] >> 4 & low) | (x[1] & ~low);
        std::memcpy(to + 32, &high, sizeof high);
        x[0] = (x[0] & low) | (x[1] & low) << 4;
      } else {
        x[0] = spread(x[0] & 0xffff) | spread(x[0] >> 16) << 4;
      }
      std::memcpy(to, x, sizeof x[0]);
    }
  }
}

void nbits_reference(const NBits& w, const float* a, size_t m, const float* bias, float* c) {
  for (size_t i = 0; i < m; ++i) {
    for (size_t j = 0; j < w.n; ++j) {
      double sum = bias ? static_cast<double>(bias[j]) : 0.0;
      for (size_t p = 0; p < w.k; ++p) {
        size_t group = w.group_of ? static_cast<size_t>(w.group_of[p]) : p / w.block;
        float q = static_cast<float>(value_at(w, j, p));
        sum += static_cast<double>(a[i * w.k + p]) *
               static_cast<double>((q - w.zero(j, group)) * w.scales[j * w.blocks() + group]);
      }
      c[i * w.n + j] = static_cast<float>(sum);
    }
  }
}

}  // namespace kinglet
