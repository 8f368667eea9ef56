#include "kernels/quant/nbits.h"

#include <algorithm>
#include <cmath>

#include "base/checked.h"
#include "kernels/matmul/tile.h"
#include "simd/bytes.h"
#include "simd/transpose.h"

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
    for (; p < end; ++p) *out++ = (static_cast<float>(value_at(w, row, p)) - zero) * scale;
  }
}

constexpr size_t kUnit = 16;  // weights of 4 bits that are dequantised together; divides every block

// Weights [p, p + kUnit) of columns [j, end), at most four, as columns of rows of a panel.
void dequantize_unit(const NBits& w, size_t j, size_t end, size_t p, float* to) {
  constexpr size_t width = kPanelWidth<float>;
  float even[2][4][kUnit / 2] = {};
  for (size_t q = 0; q < 4 && j + q < end; ++q) {
    size_t b = p / w.block;
    const Float4 scale = Float4::splat(w.scales[(j + q) * w.blocks() + b]),
                 zero = Float4::splat(w.zero(j + q, b));
    Int4 v[4];
    load_nibbles(w.q + (j + q) * w.row_bytes() + p / 2, v);
    for (size_t i = 0; i < 4; ++i) ((to_float(v[i]) - zero) * scale).store(even[i / 2][q] + i % 2 * 4);
  }
  for (size_t i = 0; i < kUnit; i += 4) {
    size_t odd = i / (kUnit / 2), at = i % (kUnit / 2);
    transpose_4x4(reinterpret_cast<const uint32_t*>(even[odd][0] + at), kUnit / 2,
                  reinterpret_cast<uint32_t*>(to + (2 * at + odd) * width), 2 * width);
  }
}

// One row of A as integers, block by block: x = scale (high + low / kLow).
constexpr float kHigh = 32767, kLow = 65534;
constexpr size_t kWords =
    32;  // values that share sixteen bytes of weights; nibble i of word l is value 4 l + i

struct RowScratch {
  int16_t* words;  // for each kWords values, or block of 16, the high parts and the low ones
  float* scales;   // of each block
  float* sums;     // of the values of each block
};

size_t words_of_block(const NBits& w) { return std::max(w.block, kWords); }

RowScratch place(const NBits& w, float* scratch) {
  size_t blocks = w.blocks();
  return {reinterpret_cast<int16_t*>(scratch + 2 * blocks), scratch, scratch + blocks};
}

// False where x has an infinity or a NaN.
bool split_row(const NBits& w, const float* x, const RowScratch& out) {
  size_t per_block = words_of_block(w);
  std::fill_n(out.words, 2 * per_block * w.blocks(), int16_t{0});
  float finite = 0;
  for (size_t b = 0; b < w.blocks(); ++b) {
    size_t first = b * w.block, count = std::min(w.block, w.k - first);
    float most = 0, total = 0;
    for (size_t i = 0; i < count; ++i) {
      float value = x[first + i];
      most = std::max(most, std::fabs(value));
      total += value;
      finite += value * 0;
    }
    out.sums[b] = total;
    out.scales[b] = most / kHigh;
    if (!(most > 1e-30f && finite == 0)) continue;
    float inverse = kHigh / most;
    for (size_t i = 0; i < count; ++i) {
      float value = x[first + i] * inverse, high = std::nearbyint(value);
      int16_t* to = out.words + 2 * (b * per_block + i / kWords * kWords) + i % 4 * 8 + i % kWords / 4;
      to[0] = static_cast<int16_t>(high);
      to[kWords] = static_cast<int16_t>(std::nearbyint((value - high) * kLow));
    }
  }
  return finite == 0;
}

// What the zero points of column j take from the product.
float zeros_of(const NBits& w, size_t j, const float* sums) {
  const float* scales = w.scales + j * w.blocks();
  if (w.zeros == nullptr && w.packed_zeros == nullptr) {
    float total = 0;
    Float4 part = Float4::splat(0);
    size_t b = 0;
    for (; b + 4 <= w.blocks(); b += 4) part = madd(Float4::load(scales + b), Float4::load(sums + b), part);
    for (; b < w.blocks(); ++b) total += scales[b] * sums[b];
    return 8 * (total + sum(part));
  }
  float total = 0;
  for (size_t b = 0; b < w.blocks(); ++b) total += scales[b] * w.zero(j, b) * sums[b];
  return total;
}

// The quantised values of columns j and `other` times the row, which is read once for both.
template <bool Low>
void dot_columns(const NBits& w, size_t j, size_t other, const RowScratch& x, float (&out)[2]) {
  const uint8_t* q0 = w.q + j * w.row_bytes();
  const uint8_t* q1 = w.q + other * w.row_bytes();
  const float* scales0 = w.scales + j * w.blocks();
  const float* scales1 = w.scales + other * w.blocks();
  const int16_t* words = x.words;
  size_t step = std::min(w.block, kWords) / 2;
  Float4 total0 = Float4::splat(0), total1 = total0;
  const Float4 low = Float4::splat(1 / kLow);
  for (size_t b = 0; b < w.blocks(); ++b) {
    Int4 h0 = Int4::splat(0), h1 = h0, l0 = h0, l1 = h0;
    for (size_t done = 0; done < w.block; done += kWords, q0 += step, q1 += step, words += 2 * kWords) {
      Words8 v0[4], v1[4];
      load_nibble_words(q0, v0);
      load_nibble_words(q1, v1);
#pragma unroll
      for (size_t i = 0; i < 4; ++i) {
        Words8 high = load_words(words + 8 * i);
        h0 = h0 + dot_pairs(v0[i], high);
        h1 = h1 + dot_pairs(v1[i], high);
        if constexpr (!Low) continue;
        Words8 rest = load_words(words + kWords + 8 * i);
        l0 = l0 + dot_pairs(v0[i], rest);
        l1 = l1 + dot_pairs(v1[i], rest);
      }
    }
    const Float4 scale = Float4::load_splat(x.scales + b);
    Float4 dot0 = to_float(h0), dot1 = to_float(h1);
    if constexpr (Low) {
      dot0 = madd(to_float(l0), low, dot0);
      dot1 = madd(to_float(l1), low, dot1);
    }
    total0 = madd(dot0, scale * Float4::load_splat(scales0 + b), total0);
    total1 = madd(dot1, scale * Float4::load_splat(scales1 + b), total1);
  }
  out[0] = sum(total0);
  out[1] = sum(total1);
}

// Where a value is no number or none that integers can hold.
float dot_in_floats(const NBits& w, size_t j, const float* x) {
  constexpr size_t kPart = 128;
  float part[kPart], total = 0;
  for (size_t p = 0; p < w.k; p += kPart) {
    size_t count = std::min(kPart, w.k - p);
    dequantize_column(w, j, p, p + count, part);
    for (size_t i = 0; i < count; ++i) total += x[p + i] * part[i];
  }
  return total;
}

}  // namespace

void nbits_pack(const void* context, size_t, size_t k0, size_t k1, size_t n0, size_t n1, float* panels) {
  const auto& w = *static_cast<const NBits*>(context);
  constexpr size_t width = kPanelWidth<float>, kPart = 128;
  // [from, to) goes by whole units, four columns at a time.
  size_t from = k1, to = k1;
  if (w.bits == 4 && w.group_of == nullptr && width % 4 == 0 && align_up(k0, kUnit) < k1) {
    from = align_up(k0, kUnit);
    to = k1 / kUnit * kUnit;
  }
  for (size_t n = n0; n < n1; n += width, panels += width * (k1 - k0)) {
    auto slowly = [&](size_t begin, size_t end) {
      for (size_t q = 0; q < width; ++q) {
        for (size_t p = begin; p < end; p += kPart) {
          float part[kPart] = {};
          size_t count = std::min(kPart, end - p);
          if (n + q < n1) dequantize_column(w, n + q, p, p + count, part);
          float* at = panels + (p - k0) * width + q;
          for (size_t i = 0; i < count; ++i) at[i * width] = part[i];
        }
      }
    };
    slowly(k0, from);
    slowly(to, k1);
    for (size_t p = from; p < to; p += kUnit)
      for (size_t q = 0; q < width; q += 4) dequantize_unit(w, n + q, n1, p, panels + (p - k0) * width + q);
  }
}

bool nbits_row_accepts(const NBits& w) {
  // Longer blocks overflow sums of integers.
  return w.bits == 4 && w.group_of == nullptr && w.block >= 16 && w.block <= 8192;
}

size_t nbits_row_scratch(const NBits& w) { return w.blocks() * (words_of_block(w) + 2); }

void nbits_row(const NBits& w, const float* x, const float* bias, float* c, float* scratch, Parallel& pool) {
  RowScratch row = place(w, scratch);
  bool split = split_row(w, x, row);
  size_t grain = std::max<size_t>(1, 65536 / std::max<size_t>(w.row_bytes(), 1));
  parallel_for(pool, w.n, grain, [&](size_t begin, size_t end) {
    for (size_t j = begin; j < end; j += 2) {
      size_t other = std::min(j + 1, end - 1);
      float dots[2];
      if (!split)
        dots[0] = dot_in_floats(w, j, x), dots[1] = dot_in_floats(w, other, x);
      else
        (w.rough ? dot_columns<false> : dot_columns<true>)(w, j, other, row, dots);
      for (size_t i = j; i <= other; ++i)
        c[i] = dots[i - j] - (split ? zeros_of(w, i, row.sums) : 0.0f) + (bias ? bias[i] : 0.0f);
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
