#include "kernels/quant/linear.h"

#include <algorithm>
#include <cmath>

#include "kernels/cast/convert.h"
#include "simd/bytes.h"

namespace kinglet {

namespace {

// Elements with parameters side by side or one for all: [at, at + n), the first parameter, its step (0 or 1).
struct Piece {
  int64_t at, n, parameter, step;
};

struct Pieces {
  int64_t count, length;
  explicit Pieces(const QuantLayout& l) : layout(l) {
    bool within = l.inner > 1;  // pieces are rows of `inner`
    if (l.kind == QuantLayout::kTensor) {
      length = 1 << 14;
      count = (l.outer * l.extent * l.inner + length - 1) / length;
    } else if (l.kind == QuantLayout::kAxis) {
      count = within ? l.outer * l.extent : l.outer;
      length = within ? l.inner : l.extent;
    } else {
      count = l.outer * (within ? l.extent : blocks());
      length = within ? l.inner : l.block;
    }
  }
  int64_t blocks() const { return (layout.extent + layout.block - 1) / layout.block; }
  Piece at(int64_t i) const {
    const QuantLayout& l = layout;
    bool within = l.inner > 1;
    if (l.kind == QuantLayout::kTensor)
      return {i * length, std::min(length, l.outer * l.extent * l.inner - i * length), 0, 0};
    if (l.kind == QuantLayout::kAxis)
      return within ? Piece{i * length, length, i % l.extent, 0} : Piece{i * length, length, 0, 1};
    if (within) return {i * length, length, (i / l.extent * blocks() + i % l.extent / l.block) * l.inner, 1};
    int64_t row = i / blocks(), block = i % blocks(), from = block * l.block;
    return {row * l.extent + from, std::min(l.block, l.extent - from), i, 0};
  }
  const QuantLayout& layout;
};

// Calls body(piece) for all pieces; elements of `y` below a byte may share bytes between pieces.
template <class Body>
void for_pieces(const QuantLayout& layout, DType y, Parallel& pool, Body&& body) {
  Pieces pieces(layout);
  auto count = static_cast<size_t>(pieces.count);
  size_t grain = is_sub_byte(y) ? count : 1 + 16384 / static_cast<size_t>(pieces.length + 1);
  parallel_for(pool, count, grain, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) body(pieces.at(static_cast<int64_t>(i)));
  });
}

// n parameters from index `at`, or the same one n times.
template <class T>
void load_parameters(QuantTensor t, Compute compute, int64_t at, int64_t step, T* out, size_t n) {
  if (t.data == nullptr) {
    std::fill(out, out + n, T{0});
    return;
  }
  load_run(t.dtype, t.data, at, compute, out, step == 0 ? 1 : n);
  if (step == 0) std::fill(out + 1, out + n, out[0]);
}

float one(QuantTensor t, int64_t at) {
  float value = 0;
  load_parameters(t, Compute::kF32, at, 0, &value, 1);
  return value;
}

bool is_byte(DType d) { return d == DType::kInt8 || d == DType::kUInt8; }

void round_to(DType precision, float* x, size_t n) {
  std::byte narrow[kRun * 2];
  store_run(Compute::kF32, x, precision, narrow, 0, n);
  load_run(precision, narrow, 0, Compute::kF32, x, n);
}

void quantize_run(QuantTensor x, QuantTensor scale, QuantTensor zero, QuantTensor y, bool saturate,
                  DType precision, const Piece& piece, size_t n) {
  float value[kRun], by[kRun], offset[kRun];
  load_run(x.dtype, x.data, piece.at, Compute::kF32, value, n);
  load_parameters(scale, Compute::kF32, piece.parameter, piece.step, by, n);
  load_parameters(zero, Compute::kF32, piece.parameter, piece.step, offset, n);
  for (size_t i = 0; i < n; ++i) value[i] /= by[i];
  if (precision == DType::kFloat16 || precision == DType::kBFloat16) round_to(precision, value, n);
  char kind = dtype_kind(y.dtype);
  if (kind == 'f') {
    for (size_t i = 0; i < n; ++i) value[i] += offset[i];
  } else {
    int bits = dtype_bits(y.dtype);
    float low = kind == 'i' ? -static_cast<float>(1 << (bits - 1)) : 0.0f;
    float high = low + static_cast<float>((1 << bits) - 1);
    for (size_t i = 0; i < n; ++i) {
      float whole = std::nearbyint(value[i]) + offset[i];
      value[i] = whole > low ? std::min(whole, high) : low;
    }
  }
  store_run(Compute::kF32, value, y.dtype, y.data, piece.at, n, saturate);
}

void dequantize_run(QuantTensor x, QuantTensor scale, QuantTensor zero, QuantTensor y, const Piece& piece,
                    size_t n) {
  float value[kRun], by[kRun];
  load_parameters(scale, Compute::kF32, piece.parameter, piece.step, by, n);
  if (dtype_kind(x.dtype) == 'f') {
    float offset[kRun];
    load_run(x.dtype, x.data, piece.at, Compute::kF32, value, n);
    load_parameters(zero, Compute::kF32, piece.parameter, piece.step, offset, n);
    for (size_t i = 0; i < n; ++i) value[i] = (value[i] - offset[i]) * by[i];
  } else {
    int64_t whole[kRun], offset[kRun];
    load_run(x.dtype, x.data, piece.at, Compute::kI64, whole, n);
    load_parameters(zero, Compute::kI64, piece.parameter, piece.step, offset, n);
    for (size_t i = 0; i < n; ++i) value[i] = static_cast<float>(whole[i] - offset[i]) * by[i];
  }
  store_run(Compute::kF32, value, y.dtype, y.data, piece.at, n);
}

template <class Body>
void in_runs(Piece piece, Body&& body) {
  for (int64_t n = piece.n; n > 0;) {
    auto part = static_cast<size_t>(std::min<int64_t>(n, kRun));
    body(piece, part);
    piece.at += static_cast<int64_t>(part);
    piece.parameter += piece.step * static_cast<int64_t>(part);
    n -= static_cast<int64_t>(part);
  }
}

template <bool is_signed>
void widen_bytes(const uint8_t* x, size_t n, float scale, int32_t zero, float* y) {
  Int4 offset = Int4::splat(zero);
  Float4 by = Float4::splat(scale);
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    Int4 lo, hi;
    load_ints<is_signed>(x + i, &lo, &hi);
    (to_float(lo - offset) * by).store(y + i);
    (to_float(hi - offset) * by).store(y + i + 4);
  }
  for (; i < n; ++i) {
    int32_t value = is_signed ? int{static_cast<int8_t>(x[i])} : int{x[i]};
    y[i] = static_cast<float>(value - zero) * scale;
  }
}

}  // namespace

void quantize_bytes(const float* x, size_t n, float scale, int32_t zero, bool is_signed, uint8_t* y) {
  Float4 by = Float4::splat(scale);
  Float4 lo = Float4::splat((is_signed ? -128.0f : 0.0f) - static_cast<float>(zero));
  Float4 hi = lo + Float4::splat(255);
  Int4 offset = Int4::splat(zero);
  auto whole = [&](Float4 v) { return to_nearest_int(min(max(lo, v / by), hi)) + offset; };
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    store_low_bytes(whole(Float4::load(x + i)), whole(Float4::load(x + i + 4)), y + i);
  if (i == n) return;
  float rest[8] = {};
  uint8_t bytes[8];
  std::memcpy(rest, x + i, (n - i) * sizeof(float));
  store_low_bytes(whole(Float4::load(rest)), whole(Float4::load(rest + 4)), bytes);
  std::memcpy(y + i, bytes, n - i);
}

void dequantize_bytes(const uint8_t* x, size_t n, float scale, int32_t zero, bool is_signed, float* y) {
  return is_signed ? widen_bytes<true>(x, n, scale, zero, y) : widen_bytes<false>(x, n, scale, zero, y);
}

void quantize(const QuantLayout& layout, QuantTensor x, QuantTensor scale, QuantTensor zero, QuantTensor y,
              bool saturate, DType precision, Parallel& pool) {
  bool fast = x.dtype == DType::kFloat32 && is_byte(y.dtype) && precision == DType::kFloat32;
  for_pieces(layout, y.dtype, pool, [&](const Piece& piece) {
    if (fast && piece.step == 0) {
      auto offset = static_cast<int32_t>(one(zero, piece.parameter));
      return quantize_bytes(reinterpret_cast<const float*>(x.data) + piece.at, static_cast<size_t>(piece.n),
                            one(scale, piece.parameter), offset, y.dtype == DType::kInt8,
                            reinterpret_cast<uint8_t*>(y.data) + piece.at);
    }
    in_runs(piece,
            [&](const Piece& p, size_t n) { quantize_run(x, scale, zero, y, saturate, precision, p, n); });
  });
}

void dequantize(const QuantLayout& layout, QuantTensor x, QuantTensor scale, QuantTensor zero, QuantTensor y,
                Parallel& pool) {
  bool fast = is_byte(x.dtype) && y.dtype == DType::kFloat32;
  for_pieces(layout, y.dtype, pool, [&](const Piece& piece) {
    if (fast && piece.step == 0) {
      auto offset = static_cast<int32_t>(one(zero, piece.parameter));
      return dequantize_bytes(reinterpret_cast<const uint8_t*>(x.data) + piece.at,
                              static_cast<size_t>(piece.n), one(scale, piece.parameter), offset,
                              x.dtype == DType::kInt8, reinterpret_cast<float*>(y.data) + piece.at);
    }
    in_runs(piece, [&](const Piece& p, size_t n) { dequantize_run(x, scale, zero, y, p, n); });
  });
}

void dynamic_range(const float* x, size_t n, float* scale, uint8_t* zero, Parallel& pool) {
  Float4 low = Float4::splat(0), high = low;
  // One thread: the loop reads memory and does little else.
  constexpr size_t kPart = 1 << 16;
  for (size_t from = 0; from < n && !cancelled(pool); from += kPart) {
    size_t i = from, end = std::min(n, from + kPart);
    for (; i + 4 <= end; i += 4) {
      Float4 v = Float4::load(x + i);
      low = min(low, v);
      high = max(high, v);
    }
    if (i < end) {
      Float4 v = load_partial<Float4>(x + i, end - i);
      low = min(low, v);
      high = max(high, v);
    }
  }
  float lows[4], highs[4];
  low.store(lows);
  high.store(highs);
  float least = *std::min_element(lows, lows + 4), most = *std::max_element(highs, highs + 4);
  *scale = least == most ? 1.0f : (most - least) / 255.0f;
  float place = std::nearbyint(std::clamp(-least / *scale, 0.0f, 255.0f));
  *zero = static_cast<uint8_t>(place == place ? place : 0.0f);
}

}  // namespace kinglet
