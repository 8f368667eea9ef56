#include "kernels/quant/pack.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "simd/bytes.h"
#include "simd/transpose.h"

namespace kinglet::quant_internal {

void copy_panel(const ByteMatrix& b, size_t k, size_t n, size_t columns, uint8_t* panel) {
  if (k == 0) return;  // then there may be no memory
  const uint8_t* from = b.data + n * b.column;
  if (b.column == 1 && columns == kQuantPanel) {
    for (size_t p = 0; p < k; ++p, from += b.row, panel += kQuantPanel) std::memcpy(panel, from, kQuantPanel);
    return;
  }
  if (columns < kQuantPanel) std::memset(panel, 0, k * kQuantPanel);
  for (size_t q = 0; q < columns; ++q) {
    const uint8_t* column = from + q * b.column;
    for (size_t p = 0; p < k; ++p, column += b.row) panel[p * kQuantPanel + q] = *column;
  }
}

void sum_panel(const uint8_t* panel, size_t row, size_t k, uint8_t flip, int32_t* sums) {
  Int4 lo = Int4::splat(0), hi = lo;
  for (size_t p = 0; p < k; ++p, panel += row) {
    Int4 a, b;
    if (flip != 0) {
      load_ints<false>(panel, &a, &b);
    } else {
      load_ints<true>(panel, &a, &b);
    }
    lo = lo + a;
    hi = hi + b;
  }
  Int4 shift = Int4::splat(flip != 0 ? static_cast<int32_t>(static_cast<uint32_t>(128 * k)) : 0);
  (lo - shift).store(sums);
  (hi - shift).store(sums + 4);
}

void interleave_panel(uint8_t* panel, size_t k, size_t group, uint8_t flip) {
  const Bytes16 change = splat_byte(flip);
  size_t groups = ceil_div(k, group);
  std::memset(panel + k * kQuantPanel, 0, (groups * group - k) * kQuantPanel);
  if (group == 2) {
    for (size_t g = 0; g < groups; ++g, panel += 16)
      store_bytes(zip_halves(load_bytes(panel)) ^ change, panel);
    return;
  }
  for (size_t g = 0; g < groups; ++g, panel += 32) {
    Bytes16 upper = zip_halves(load_bytes(panel)) ^ change,
            lower = zip_halves(load_bytes(panel + 16)) ^ change;
    store_bytes(zip_pairs_low(upper, lower), panel);
    store_bytes(zip_pairs_high(upper, lower), panel + 16);
  }
}

void widen_panel(const uint8_t* panel, size_t row, size_t k, uint8_t flip, int16_t* out) {
  const Bytes16 change = splat_byte(flip);
  size_t p = 0;
  for (; p + 2 <= k; p += 2, panel += 2 * row, out += 16)
    store_widened(zip_halves(load_halves(panel, panel + row)) ^ change, out);
  if (p == k) return;
  // Its partner meets zeros of A.
  store_widened(zip_halves(load_halves(panel, panel)) ^ change, out);
}

void widen(const uint8_t* from, size_t count, int16_t* to) {
  size_t i = 0;
  for (; i + 16 <= count; i += 16) store_widened(load_bytes(from + i), to + i);
  for (; i < count; ++i) to[i] = static_cast<int8_t>(from[i]);
}

void copy_strip(const ByteMatrix& a, size_t row, size_t rows, size_t height, size_t k, size_t group,
                uint8_t* strip) {
  if (k == 0) return;
  uint8_t flip = flip_of(a);
  const Bytes16 change = splat_byte(flip);
  const uint8_t* from = a.data + row * a.row;
  auto row_at = [&](size_t i) { return from + std::min(i, rows - 1) * a.row; };
  size_t p = 0;
  if (height == 4 && a.column == 1) {
    const uint8_t *r1 = row_at(1), *r2 = row_at(2), *r3 = row_at(3);
    for (; group == 2 && p + 8 <= k; p += 8, strip += 32) {
      Bytes16 x = load_halves(from + p, r2 + p) ^ change, y = load_halves(r1 + p, r3 + p) ^ change;
      Bytes16 top = zip_pairs_low(x, y), bottom = zip_pairs_high(x, y);
      store_bytes(zip_fours_low(top, bottom), strip);
      store_bytes(zip_fours_high(top, bottom), strip + 16);
    }
    for (; group == 4 && p + 16 <= k; p += 16, strip += 64) {
      uint32_t rows_of_words[16], columns[16];
      for (size_t i = 0; i < 4; ++i) store_bytes(load_bytes(row_at(i) + p) ^ change, rows_of_words + 4 * i);
      transpose_4x4(rows_of_words, 4, columns, 4);
      std::memcpy(strip, columns, sizeof columns);
    }
  }
  for (; p < k; p += group) {
    for (size_t i = 0; i < height; ++i) {
      for (size_t q = p; q < p + group; ++q) *strip++ = q < k ? row_at(i)[q * a.column] ^ flip : uint8_t{0};
    }
  }
}

void sum_strip(const ByteMatrix& a, size_t row, size_t rows, size_t k, int32_t* sums) {
  for (size_t i = 0; i < rows; ++i) {
    sums[i] = 0;
    if (k == 0) continue;
    const uint8_t* from = a.data + (row + i) * a.row;
    uint32_t sum = 0;  // wraps
    if (a.column == 1 && a.is_signed) {
      for (size_t p = 0; p < k; ++p) sum += static_cast<uint32_t>(int{static_cast<int8_t>(from[p])});
    } else if (a.column == 1) {
      for (size_t p = 0; p < k; ++p) sum += from[p];
    } else {
      for (size_t p = 0; p < k; ++p) {
        uint8_t byte = from[p * a.column];
        sum += static_cast<uint32_t>(a.is_signed ? int{static_cast<int8_t>(byte)} : int{byte});
      }
    }
    if (!a.is_signed) sum -= static_cast<uint32_t>(128 * k);
    sums[i] = static_cast<int32_t>(sum);
  }
}

}  // namespace kinglet::quant_internal
