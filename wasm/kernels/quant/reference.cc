#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/quant/conv.h"

namespace kinglet {

namespace {

int32_t element(const ByteMatrix& m, size_t index) {
  return m.is_signed ? int{static_cast<int8_t>(m.data[index])} : int{m.data[index]};
}

int32_t zero_of(const int32_t* zero, bool many, size_t i) { return zero == nullptr ? 0 : zero[many ? i : 0]; }

void store(const QuantMatMul& call, size_t at, size_t i, size_t j, int32_t sum) {
  if (call.result == QuantResult::kInt32) {
    static_cast<int32_t*>(call.c)[at] = sum;
    return;
  }
  float scale = call.scale;
  if (call.row_scale) scale = call.row_scale[i];
  if (call.column_scale) scale = call.row_scale ? scale * call.column_scale[j] : call.column_scale[j];
  float value = static_cast<float>(sum) * scale;
  if (call.result == QuantResult::kFloat32) {
    static_cast<float*>(call.c)[at] = call.addend ? value + call.addend[j] : value;
    return;
  }
  float low = call.result == QuantResult::kInt8 ? -128.0f : 0.0f;
  float whole = std::nearbyint(value) + static_cast<float>(call.c_zero);
  float clamped = whole > low ? std::min(whole, low + 255) : low;
  static_cast<uint8_t*>(call.c)[at] = static_cast<uint8_t>(static_cast<int32_t>(clamped));
}

}  // namespace

void quant_matmul_reference(const QuantMatMul& call) {
  static constexpr MatMulItem kSingle{};
  std::span<const MatMulItem> items = call.items.empty() ? std::span(&kSingle, 1) : call.items;
  for (const MatMulItem& item : items) {
    for (size_t i = 0; i < call.m; ++i) {
      for (size_t j = 0; j < call.n; ++j) {
        uint32_t sum = 0;
        for (size_t p = 0; p < call.k; ++p) {
          int32_t a = element(call.a, item.a + i * call.a.row + p * call.a.column);
          int32_t b = element(call.b, item.b + p * call.b.row + j * call.b.column);
          a -= zero_of(call.a_zero, call.a_zero_rows, i);
          b -= zero_of(call.b_zero, call.b_zero_columns, j);
          sum += static_cast<uint32_t>(a * b);
        }
        if (call.row_bias) sum += static_cast<uint32_t>(call.row_bias[i]);
        if (call.column_bias) sum += static_cast<uint32_t>(call.column_bias[j]);
        store(call, item.c + i * call.c_row + j, i, j, static_cast<int32_t>(sum));
      }
    }
  }
}

void quant_conv_reference(const QuantConv& call) {
  const ConvShape& s = call.shape;
  std::vector<uint8_t> column(s.in_channels * s.taps());
  size_t outputs = s.images * s.groups * s.out_channels * s.out_size();
  for (size_t at = 0; at < outputs; ++at) {
    size_t pixel = at % s.out_size(), channel = at / s.out_size() % (s.groups * s.out_channels);
    size_t image = at / s.out_size() / (s.groups * s.out_channels), group = channel / s.out_channels;
    size_t place[3] = {pixel / s.out[2] / s.out[1], pixel / s.out[2] % s.out[1], pixel % s.out[2]};
    for (size_t p = 0; p < column.size(); ++p) {
      size_t tap = p % s.taps(),
             source = image * s.groups * s.in_channels + group * s.in_channels + p / s.taps();
      size_t taps[3] = {tap / s.kernel[2] / s.kernel[1], tap / s.kernel[2] % s.kernel[1], tap % s.kernel[2]};
      bool inside = true;
      for (int d = 0; d < 3; ++d) {
        size_t where = place[d] * s.stride[d] + taps[d] * s.dilation[d] - s.pad[d];  // wraps before the start
        inside = inside && where < s.in[d];
        source = source * s.in[d] + where;
      }
      column[p] = inside ? call.x[source] : static_cast<uint8_t>(call.x_zero);
    }
    QuantMatMul one{.m = 1, .n = 1, .k = column.size()};
    one.a = {call.w + channel * column.size(), column.size(), 1, call.w_signed, false};
    one.b = {column.data(), 1, 1, call.x_signed, false};
    one.a_zero = call.w_zero ? call.w_zero + (call.w_zero_channels ? channel : 0) : nullptr;
    one.b_zero = &call.x_zero;
    one.row_bias = call.bias ? call.bias + channel : nullptr;
    one.row_scale = call.channel_scale ? call.channel_scale + channel : nullptr;
    one.scale = call.scale;
    one.c_zero = call.y_zero;
    one.result = call.result;
    one.c = static_cast<std::byte*>(call.y) + at * (call.result == QuantResult::kInt32 ? 4 : 1);
    quant_matmul_reference(one);
  }
}

}  // namespace kinglet
