#include "kernels/quant/finish.h"

#include <algorithm>
#include <cstring>

#include "simd/bytes.h"

namespace kinglet::quant_internal {

namespace {

// Up to eight values of a list that belongs to columns, or null.
template <class T>
class Columns {
 public:
  Columns(const T* list, size_t j, size_t columns) : values_(list ? list + j : nullptr) {
    if (list == nullptr || columns == kQuantPanel) return;
    std::fill(padded_, padded_ + kQuantPanel, T{0});
    std::memcpy(padded_, values_, columns * sizeof(T));
    values_ = padded_;
  }
  explicit operator bool() const { return values_ != nullptr; }
  vec<T, 4> at(size_t i) const { return vec<T, 4>::load(values_ + i); }

 private:
  const T* values_;
  T padded_[kQuantPanel];
};

}  // namespace

Terms::Terms(const QuantMatMul& call, bool unsigned_b)
    : a_shift(call.a.is_signed ? 0 : -128),
      b_shift((call.b.is_signed ? 0 : -128) + (unsigned_b ? 128 : 0)),
      a(call.a_zero_rows || (call.a_zero ? *call.a_zero : 0) + a_shift != 0),
      b(call.b_zero_columns || (call.b_zero ? *call.b_zero : 0) + b_shift != 0) {}

// The usual case: whole panels of bytes, nothing that belongs to columns.
static void finish_bytes(const QuantMatMul& call, const Terms& terms, const int32_t* sums, size_t row,
                         size_t rows, const int32_t* row_sums, uint8_t* c) {
  float low = call.result == QuantResult::kInt8 ? -128.0f : 0.0f;
  Float4 lo = Float4::splat(low - static_cast<float>(call.c_zero)), hi = lo + Float4::splat(255);
  Int4 c_zero = Int4::splat(call.c_zero);
  uint32_t zero = static_cast<uint32_t>(terms.b_shift + (call.b_zero ? *call.b_zero : 0));
  for (size_t i = 0; i < rows; ++i, sums += kQuantPanel, c += call.c_row) {
    uint32_t start = call.row_bias ? static_cast<uint32_t>(call.row_bias[row + i]) : 0;
    if (terms.b) start -= static_cast<uint32_t>(row_sums[i]) * zero;
    Int4 shift = Int4::splat(static_cast<int32_t>(start));
    Float4 scale = Float4::splat(call.row_scale ? call.row_scale[row + i] : call.scale);
    Int4 value[2];
    for (size_t v = 0; v < 2; ++v) {
      Float4 real = to_float(Int4::load(sums + 4 * v) + shift) * scale;
      value[v] = to_nearest_int(min(max(lo, real), hi)) + c_zero;
    }
    store_low_bytes(value[0], value[1], c);
  }
}

void finish(const QuantMatMul& call, const Terms& terms, const int32_t* sums, size_t row, size_t rows,
            size_t j, size_t columns, const int32_t* row_sums, const int32_t* column_sums, size_t c_offset) {
  bool bytes_only = call.result >= QuantResult::kInt8;
  if (bytes_only && columns == kQuantPanel && !terms.a && !call.b_zero_columns && !call.column_bias &&
      !call.column_scale) {
    auto* c = static_cast<uint8_t*>(call.c) + c_offset + row * call.c_row + j;
    return finish_bytes(call, terms, sums, row, rows, row_sums, c);
  }
  Columns<int32_t> b_zero(call.b_zero_columns ? call.b_zero : nullptr, j, columns),
      bias(call.column_bias, j, columns);
  Columns<float> column_scale(call.column_scale, j, columns), addend(call.addend, j, columns);
  Int4 b_shift = Int4::splat(terms.b_shift + (!call.b_zero || call.b_zero_columns ? 0 : *call.b_zero));
  Int4 depth = Int4::splat(static_cast<int32_t>(call.k));
  // What belongs to columns alone.
  Int4 zero[2], factor[2], start[2];
  for (size_t v = 0; v < 2; ++v) {
    zero[v] = b_zero ? b_shift + b_zero.at(4 * v) : b_shift;
    // column_sums are of signed bytes, the zero point is of bytes as they are stored.
    Int4 stored_zero = zero[v] - Int4::splat(terms.b_shift - (call.b.is_signed ? 0 : -128));
    if (terms.a) factor[v] = Int4::load(column_sums + 4 * v) - depth * stored_zero;
    start[v] = bias ? bias.at(4 * v) : Int4::splat(0);
  }
  float low = call.result == QuantResult::kInt8 ? -128.0f : 0.0f;
  Float4 lo = Float4::splat(low - static_cast<float>(call.c_zero)), hi = lo + Float4::splat(255);
  Int4 c_zero = Int4::splat(call.c_zero);
  for (size_t i = row; i < row + rows; ++i, sums += kQuantPanel) {
    Int4 value[2] = {Int4::load(sums) + start[0], Int4::load(sums + 4) + start[1]};
    Int4 row_part = Int4::splat(call.row_bias ? call.row_bias[i] : 0);
    for (size_t v = 0; v < 2; ++v) {
      value[v] = value[v] + row_part;
      if (terms.b) value[v] = value[v] - Int4::splat(row_sums[i - row]) * zero[v];
      if (terms.a) {
        int32_t a_zero = terms.a_shift + (call.a_zero ? call.a_zero[call.a_zero_rows ? i : 0] : 0);
        value[v] = value[v] - Int4::splat(a_zero) * factor[v];
      }
    }
    size_t at = c_offset + i * call.c_row + j;
    size_t bytes = bytes_only ? 1 : 4;
    alignas(16) std::byte spare[kQuantPanel * sizeof(float)];
    std::byte* c = static_cast<std::byte*>(call.c) + at * bytes;
    std::byte* to = columns == kQuantPanel ? c : spare;
    if (call.result == QuantResult::kInt32) {
      for (size_t v = 0; v < 2; ++v) value[v].store(reinterpret_cast<int32_t*>(to) + 4 * v);
    } else {
      Float4 scale = Float4::splat(call.row_scale ? call.row_scale[i] : call.scale);
      Float4 real[2];
      for (size_t v = 0; v < 2; ++v) {
        Float4 all = !column_scale    ? scale
                     : call.row_scale ? scale * column_scale.at(4 * v)
                                      : column_scale.at(4 * v);
        real[v] = to_float(value[v]) * all;
      }
      if (call.result == QuantResult::kFloat32) {
        for (size_t v = 0; v < 2; ++v) {
          if (addend) real[v] = real[v] + addend.at(4 * v);
          real[v].store(reinterpret_cast<float*>(to) + 4 * v);
        }
      } else {
        // max(lo, x): NaN becomes the lowest value.
        for (size_t v = 0; v < 2; ++v) value[v] = to_nearest_int(min(max(lo, real[v]), hi)) + c_zero;
        store_low_bytes(value[0], value[1], to);
      }
    }
    if (to == spare) std::memcpy(c, spare, columns * bytes);
  }
}

}  // namespace kinglet::quant_internal
