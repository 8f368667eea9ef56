#include "kernels/quant/finish.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "simd/bytes.h"

namespace kinglet::quant_internal {

Terms::Terms(const QuantMatMul& call, bool unsigned_b)
    : a_shift(call.a.is_signed ? 0 : -128),
      b_shift((call.b.is_signed ? 0 : -128) + (unsigned_b ? 128 : 0)),
      a(call.a_zero_rows || (call.a_zero ? *call.a_zero : 0) + a_shift != 0),
      b(call.b_zero_columns || (call.b_zero ? *call.b_zero : 0) + b_shift != 0),
      rows_only(call.result >= QuantResult::kInt8 && !a && !call.b_zero_columns && !call.column_bias &&
                !call.column_scale),
      round(call.result, call.c_zero) {}

StripTerms::StripTerms(const QuantMatMul& call, const Terms& terms, size_t first, size_t count,
                       const int32_t* row_sums)
    : row(first), rows(count), sums(row_sums) {
  uint32_t zero = 0;  // wraps
  if (!call.b_zero_columns) zero = static_cast<uint32_t>(terms.b_shift + (call.b_zero ? *call.b_zero : 0));
  short_way = terms.rows_only && rows == kRows;
  for (size_t i = 0; i < rows; ++i) {
    uint32_t bias = call.row_bias ? static_cast<uint32_t>(call.row_bias[row + i]) : 0;
    start[i] = static_cast<int32_t>(bias - static_cast<uint32_t>(sums[i]) * zero);
    scale[i] = call.row_scale ? call.row_scale[row + i] : call.column_scale ? 1 : call.scale;
    // Products of signed bytes are 2^14 at most.
    float most = std::abs(static_cast<float>(start[i])) + 0x1p14f * static_cast<float>(call.k);
    short_way &= most * std::abs(scale[i]) < 0x1p21f;
  }
}

void ColumnTerms::set(const QuantMatMul& call, const Terms& terms, const int32_t* sums, size_t n,
                      size_t count) const {
  for (size_t i = 0; i < count; ++i) {
    int32_t stored = call.b_zero ? call.b_zero[call.b_zero_columns ? n + i : 0] : 0;
    // Sums of columns are of signed bytes, and so is the zero point that goes with them.
    auto stored_sign = static_cast<uint32_t>(stored - (call.b.is_signed ? 0 : 128));
    uint32_t by = terms.a ? static_cast<uint32_t>(sums[i]) - static_cast<uint32_t>(call.k) * stored_sign : 0;
    uint32_t first = call.column_bias ? static_cast<uint32_t>(call.column_bias[n + i]) : 0;
    if (!call.a_zero_rows)
      first -= static_cast<uint32_t>((call.a_zero ? *call.a_zero : 0) + terms.a_shift) * by;
    zero[i] = stored + terms.b_shift;
    factor[i] = static_cast<int32_t>(by);
    start[i] = static_cast<int32_t>(first);
    scale[i] = call.column_scale ? call.column_scale[n + i] : 1;
    addend[i] = call.addend ? call.addend[n + i] : -0.0f;
  }
}

void finish(const QuantMatMul& call, const Terms& terms, const StripTerms& strip, const ColumnTerms& columns,
            size_t at, const int32_t* sums, size_t j, size_t count, size_t c_offset) {
  const Rounding round = terms.round;
  bool bytes_only = call.result >= QuantResult::kInt8;
  size_t bytes = bytes_only ? 1 : 4;
  std::byte* c = static_cast<std::byte*>(call.c) + (c_offset + strip.row * call.c_row + j) * bytes;
  alignas(16) std::byte spare[kQuantPanel * sizeof(float)];
  for (size_t i = 0; i < strip.rows; ++i, sums += kQuantPanel, c += call.c_row * bytes) {
    std::byte* to = count == kQuantPanel ? c : spare;
    Float4 scale = Float4::load_splat(strip.scale + i);
    Int4 value[2] = {Int4::load(sums), Int4::load(sums + 4)};
    if (terms.rows_only) {
      store_low_bytes(round(to_float(value[0]) * scale), round(to_float(value[1]) * scale), to);
    } else {
      Float4 real[2];
      for (size_t v = 0; v < 2; ++v) {
        size_t from = at + 4 * v;
        value[v] = value[v] + Int4::load(columns.start + from);
        if (call.b_zero_columns)
          value[v] = value[v] - Int4::splat(strip.sums[i]) * Int4::load(columns.zero + from);
        if (call.a_zero_rows)
          value[v] = value[v] - Int4::splat(call.a_zero[strip.row + i] + terms.a_shift) *
                                    Int4::load(columns.factor + from);
        real[v] = to_float(value[v]) * (scale * Float4::load(columns.scale + from));
        if (bytes_only) {
          value[v] = round(real[v]);
        } else if (call.result == QuantResult::kFloat32) {
          (real[v] + Float4::load(columns.addend + from)).store(reinterpret_cast<float*>(to) + 4 * v);
        } else {
          value[v].store(reinterpret_cast<int32_t*>(to) + 4 * v);
        }
      }
      if (bytes_only) store_low_bytes(value[0], value[1], to);
    }
    if (to == spare) std::memcpy(c, spare, count * bytes);
  }
}

}  // namespace kinglet::quant_internal
