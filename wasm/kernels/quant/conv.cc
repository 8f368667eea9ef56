// Convolutions as products: the weights times columns that are gathered from the image panel by panel. One
// input channel per group: sums of the float kernel, which are exact for so few taps.
#include "kernels/quant/conv.h"

#include <algorithm>
#include <cstring>

#include "kernels/quant/finish.h"
#include "kernels/quant/image.h"
#include "kernels/quant/linear.h"
#include "kernels/quant/winograd.h"

namespace kinglet {

using namespace quant_internal;

namespace quant_internal {

[[gnu::noinline]] Result<size_t> checked_sum(std::initializer_list<Result<size_t>> parts) {
  size_t sum = 0;
  for (const Result<size_t>& part : parts) {
    if (!part.ok()) return fail(Code::kLimitExceeded, "a convolution is too large");
    KL_ASSIGN(sum, checked_add(sum, *part));
    KL_ASSIGN(sum, checked_add<size_t>(sum, 63));
    sum &= ~size_t{63};
  }
  return sum;
}

[[gnu::noinline]] Result<size_t> image_bytes(const ConvShape& s) {
  Image image(s);
  KL_ASSIGN(size_t group, checked_mul(image.size[0], image.size[1]));
  KL_ASSIGN(group, checked_mul(group, image.size[2]));
  KL_ASSIGN(group, checked_mul(s.in_channels, group));
  // Offsets in an image of one group are kept in 32 bits.
  KL_REQUIRE(fits<uint32_t>(group), kLimitExceeded, "an image of ", group, " elements is too large");
  return checked_mul(group, s.groups);
}

void pad_image(const QuantConv& call, const Image& image, const uint8_t* x, uint8_t* out, Parallel& pool) {
  const ConvShape& s = call.shape;
  parallel_for(pool, s.groups * s.in_channels, 1 + 65536 / (image.plane + 1), [&](size_t begin, size_t end) {
    std::memset(out + begin * image.plane, call.x_zero & 0xff, (end - begin) * image.plane);
    // Rows that lie behind the reach of every tap are not copied.
    size_t depth = std::min(s.in[0], image.size[0] - s.pad[0]),
           rows = std::min(s.in[1], image.size[1] - s.pad[1]);
    for (size_t c = begin; c < end; ++c) {
      for (size_t d = 0; d < depth; ++d)
        for (size_t h = 0; h < rows; ++h)
          std::memcpy(out + c * image.plane +
                          ((d + s.pad[0]) * image.size[1] + h + s.pad[1]) * image.size[2] + s.pad[2],
                      x + c * s.in_size() + (d * s.in[1] + h) * s.in[2], s.in[2]);
    }
  });
}

}  // namespace quant_internal

namespace {

// Sums of so many products of two bytes stay below 2^22.
constexpr size_t kExactTaps = 64;

ConvShape some_groups(const ConvShape& s, size_t groups) {
  ConvShape some = s;
  some.images = 1, some.groups = groups;
  return some;
}

bool is_depthwise(const ConvShape& s) {
  return s.in_channels == 1 && s.groups > 1 && s.taps() <= kExactTaps &&
         conv_accepts<float>(some_groups(s, 1), ConvKernel::k_depthwise);
}
bool is_pointwise(const ConvShape& s) { return s.taps() == 1 && s.unit_stride() && !s.padded(); }

size_t depth_of(const ConvShape& s) { return s.in_channels * s.taps(); }

struct Columns {
  const ConvShape& s;
  const Image& image;
  const uint8_t* data = nullptr;
  const uint32_t* rows = nullptr;  // offsets of (channel, tap)
};

void gather(const void* context, size_t offset, size_t n, uint8_t* panel) {
  const Columns& c = *static_cast<const Columns*>(context);
  const ConvShape& s = c.s;
  size_t at[kQuantPanel], depth = depth_of(s);
  bool side_by_side = true, every_second = true;
  for (size_t q = 0; q < kQuantPanel; ++q) {
    size_t index = std::min(n + q, s.out_size() - 1);
    size_t w = index % s.out[2], h = index / s.out[2] % s.out[1], d = index / s.out[2] / s.out[1];
    at[q] = (d * s.stride[0] * c.image.size[1] + h * s.stride[1]) * c.image.size[2] + w * s.stride[2];
    side_by_side &= at[q] == at[0] + q;
    every_second &= at[q] == at[0] + 2 * q;
  }
  if (depth == 0) return;
  // Sixteen bytes are read for the last tap too.
  every_second &= at[0] + c.rows[depth - 1] + 16 <= c.image.plane * s.in_channels;
  const uint8_t* image = c.data + offset;
  for (size_t p = 0; p < depth; ++p, panel += kQuantPanel) {
    const uint8_t* from = image + c.rows[p];
    if (side_by_side) {
      std::memcpy(panel, from + at[0], kQuantPanel);
    } else if (every_second) {
      store_even_bytes(load_bytes(from + at[0]), panel);
    } else {
      for (size_t q = 0; q < kQuantPanel; ++q) panel[q] = from[at[q]];
    }
  }
}

// The product of one group of one image; pointers are not set.
QuantMatMul product_of(const ConvShape& s) {
  QuantMatMul m;
  m.m = s.out_channels;
  m.n = s.out_size();
  m.k = depth_of(s);
  m.a.packed = true;
  m.b.row = m.n;
  m.c_row = m.n;
  return m;
}

struct ProductLayout {
  size_t image_at = 0, product_at = 0, bytes = 0;
};
[[gnu::noinline]] Result<ProductLayout> product_layout(const ConvShape& s, int threads) {
  ProductLayout l;
  KL_ASSIGN(l.image_at, checked_sum({checked_mul(depth_of(s), sizeof(uint32_t))}));
  KL_ASSIGN(size_t image, image_bytes(s));
  KL_ASSIGN(l.product_at, checked_sum({l.image_at, s.padded() ? image : 0}));
  KL_ASSIGN(size_t product, quant_scratch_bytes(product_of(s), select_quant(), threads));
  KL_ASSIGN(l.bytes, checked_sum({l.product_at, product}));
  return l;
}

void run_product(const QuantConv& call, std::byte* scratch, Parallel& pool) {
  const ConvShape& s = call.shape;
  Result<ProductLayout> l = product_layout(s, pool.threads());
  Result<size_t> packed = quant_packed_a_bytes(s.out_channels, depth_of(s), select_quant());
  if (!l.ok() || !packed.ok()) return;  // quant_conv_scratch_bytes has said so
  size_t group_bytes = align_up(*packed, 64);
  Image image(s);
  auto* rows = reinterpret_cast<uint32_t*>(scratch);
  for (size_t p = 0; p < depth_of(s); ++p) {
    size_t tap = p % s.taps(), w = tap % s.kernel[2], h = tap / s.kernel[2] % s.kernel[1],
           d = tap / s.kernel[2] / s.kernel[1];
    rows[p] = static_cast<uint32_t>(p / s.taps() * image.plane +
                                    (d * s.dilation[0] * image.size[1] + h * s.dilation[1]) * image.size[2] +
                                    w * s.dilation[2]);
  }
  auto* copy = reinterpret_cast<uint8_t*>(scratch + l->image_at);
  Columns columns{s, image};
  columns.rows = rows;
  QuantMatMul m = product_of(s);
  m.a.is_signed = call.w_signed;
  m.b.is_signed = call.x_signed;
  m.b_zero = &call.x_zero;
  m.a_zero_rows = call.w_zero_channels;
  m.scale = call.scale;
  m.c_zero = call.y_zero;
  m.result = call.result;
  if (!is_pointwise(s)) {
    m.pack = gather;
    m.pack_context = &columns;
  }
  size_t element = call.result == QuantResult::kInt32 ? sizeof(int32_t) : 1;
  for (size_t i = 0; i < s.images && !cancelled(pool); ++i) {
    const uint8_t* x = call.x + i * s.groups * s.in_channels * s.in_size();
    if (s.padded()) pad_image(call, image, x, copy, pool);
    for (size_t g = 0; g < s.groups; ++g) {
      columns.data = (s.padded() ? copy : x) + g * s.in_channels * image.plane;
      m.b.data = columns.data;
      m.a.data = call.w + g * group_bytes;
      size_t channel = g * s.out_channels;
      m.a_zero = call.w_zero && call.w_zero_channels ? call.w_zero + channel : call.w_zero;
      m.row_bias = call.bias ? call.bias + channel : nullptr;
      m.row_scale = call.channel_scale ? call.channel_scale + channel : nullptr;
      m.c = static_cast<std::byte*>(call.y) + (i * s.groups + g) * m.m * m.n * element;
      quant_matmul(m, select_quant(), scratch + l->product_at, pool);
    }
  }
}

// Floats of groups that are converted together: they stay in the second-level cache.
constexpr size_t kChunk = 32 * 1024;

struct ChannelLayout {
  size_t groups = 0;  // of a chunk
  size_t out_at = 0, weights_at = 0, packed_at = 0, conv_at = 0, slot = 0;
};
[[gnu::noinline]] Result<ChannelLayout> channel_layout(const ConvShape& s) {
  ChannelLayout l;
  KL_ASSIGN(size_t each, checked_mul(s.out_channels, s.out_size()));
  KL_ASSIGN(each, checked_add(each, s.in_size()));
  l.groups = std::clamp<size_t>(kChunk / each, 1, s.groups);
  ConvShape some = some_groups(s, l.groups);
  KL_ASSIGN(l.out_at, checked_sum({checked_mul(l.groups * s.in_size(), sizeof(float))}));
  size_t out = l.groups * s.out_channels;
  KL_ASSIGN(l.weights_at, checked_sum({l.out_at, checked_mul(out * s.out_size(), sizeof(float))}));
  KL_ASSIGN(l.packed_at, checked_sum({l.weights_at, out * s.taps() * sizeof(float)}));
  KL_ASSIGN(size_t packed, conv_packed_bytes<float>(some, ConvKernel::k_depthwise));
  KL_ASSIGN(l.conv_at, checked_sum({l.packed_at, packed}));
  KL_ASSIGN(size_t scratch, conv_scratch_bytes<float>(some, ConvKernel::k_depthwise, 1));
  KL_ASSIGN(l.slot, checked_sum({l.conv_at, scratch}));
  return l;
}

// Exact sums in float32 to the result.
void finish_channel(const QuantConv& call, size_t channel, const float* sums, size_t n, size_t at) {
  Int4 bias = Int4::splat(call.bias ? call.bias[channel] : 0);
  Float4 scale = Float4::splat(call.channel_scale ? call.channel_scale[channel] : call.scale);
  const Rounding round(call.result, call.y_zero);
  for (size_t i = 0; i < n; i += 8) {
    size_t count = std::min<size_t>(8, n - i);
    float padded[8] = {};
    const float* from = sums + i;
    if (count < 8) from = padded, std::memcpy(padded, sums + i, count * sizeof(float));
    Int4 whole[2] = {to_nearest_int(Float4::load(from)) + bias,
                     to_nearest_int(Float4::load(from + 4)) + bias};
    alignas(16) std::byte spare[32];
    if (call.result == QuantResult::kInt32) {
      for (int v = 0; v < 2; ++v) whole[v].store(reinterpret_cast<int32_t*>(spare) + 4 * v);
      std::memcpy(static_cast<int32_t*>(call.y) + at + i, spare, count * sizeof(int32_t));
      continue;
    }
    for (Int4& w : whole) w = round(to_float(w) * scale);
    auto* y = static_cast<uint8_t*>(call.y) + at + i;
    store_low_bytes(whole[0], whole[1], count < 8 ? static_cast<void*>(spare) : y);
    if (count < 8) std::memcpy(y, spare, count);
  }
}

void run_channels(const QuantConv& call, std::byte* scratch, Parallel& pool) {
  const ConvShape& s = call.shape;
  Result<ChannelLayout> l = channel_layout(s);
  if (!l.ok()) return;
  size_t chunks = ceil_div(s.groups, l->groups);
  parallel_slots(pool, s.images * chunks, [&](size_t thread, size_t item) {
    std::byte* memory = scratch + thread * l->slot;
    auto* x = reinterpret_cast<float*>(memory);
    auto* y = reinterpret_cast<float*>(memory + l->out_at);
    auto* w = reinterpret_cast<float*>(memory + l->weights_at);
    size_t group = item % chunks * l->groups, groups = std::min(l->groups, s.groups - group);
    size_t from = item / chunks * s.groups + group, channels = groups * s.out_channels;
    dequantize_bytes(call.x + from * s.in_size(), groups * s.in_size(), 1, call.x_zero, call.x_signed, x);
    for (size_t o = 0; o < channels; ++o) {
      size_t channel = group * s.out_channels + o;
      int32_t zero = call.w_zero ? call.w_zero[call.w_zero_channels ? channel : 0] : 0;
      dequantize_bytes(call.w + channel * s.taps(), s.taps(), 1, zero, call.w_signed, w + o * s.taps());
    }
    Conv<float> some;
    some.shape = some_groups(s, groups);
    some.x = x;
    some.y = y;
    auto* packed = reinterpret_cast<float*>(memory + l->packed_at);
    some.w = packed;
    conv_pack(some.shape, ConvKernel::k_depthwise, w, packed);
    Parallel alone;
    alone.cancel = pool.cancel;
    conv(some, ConvKernel::k_depthwise, memory + l->conv_at, alone);
    for (size_t o = 0; o < channels; ++o)
      finish_channel(call, group * s.out_channels + o, y + o * s.out_size(), s.out_size(),
                     (from * s.out_channels + o) * s.out_size());
  });
}

}  // namespace

bool quant_conv_accepts(const QuantConv& call, QuantConvKernel kernel) {
  return kernel == QuantConvKernel::kDepthwise  ? is_depthwise(call.shape)
         : kernel == QuantConvKernel::kWinograd ? winograd_accepts(call)
                                                : true;
}

QuantConvKernel select_quant_conv(const QuantConv& call) {
  if (is_depthwise(call.shape)) return QuantConvKernel::kDepthwise;
  return winograd_pays(call.shape) && winograd_accepts(call) ? QuantConvKernel::kWinograd
                                                             : QuantConvKernel::kProduct;
}

const char* quant_conv_name(const ConvShape& s, QuantConvKernel kernel) {
  return kernel == QuantConvKernel::kDepthwise  ? "quant_conv_depthwise"
         : kernel == QuantConvKernel::kWinograd ? "quant_conv_winograd"
         : is_pointwise(s)                      ? "quant_conv_pointwise"
                                                : "quant_conv";
}

Result<size_t> quant_conv_packed_bytes(const ConvShape& s, QuantConvKernel kernel) {
  if (kernel == QuantConvKernel::kDepthwise) return checked_mul(s.groups * s.out_channels, s.taps());
  if (kernel == QuantConvKernel::kWinograd) return winograd_packed_bytes(s);
  KL_ASSIGN(size_t one, quant_packed_a_bytes(s.out_channels, depth_of(s), select_quant()));
  KL_ASSIGN(one, checked_add<size_t>(one, 63));
  return checked_mul(one & ~size_t{63}, s.groups);
}

void quant_conv_pack(const QuantConv& call, QuantConvKernel kernel, uint8_t* packed) {
  const ConvShape& s = call.shape;
  size_t count = s.out_channels * depth_of(s);
  if (kernel == QuantConvKernel::kWinograd) return winograd_pack(call, packed);
  if (kernel == QuantConvKernel::kDepthwise) {
    std::memcpy(packed, call.w, s.groups * count);
    return;
  }
  Result<size_t> bytes = quant_packed_a_bytes(s.out_channels, depth_of(s), select_quant());
  if (!bytes.ok()) return;
  for (size_t g = 0; g < s.groups; ++g)
    quant_pack_a({call.w + g * count, depth_of(s), 1, call.w_signed, false}, s.out_channels, depth_of(s),
                 select_quant(), packed + g * align_up(*bytes, 64));
}

Result<size_t> quant_conv_scratch_bytes(const ConvShape& s, QuantConvKernel kernel, int threads) {
  if (s.empty()) return size_t{0};
  if (kernel == QuantConvKernel::kWinograd) return winograd_scratch_bytes(s, threads);
  if (kernel == QuantConvKernel::kDepthwise) {
    KL_ASSIGN(ChannelLayout l, channel_layout(s));
    return checked_mul(l.slot, static_cast<size_t>(threads));
  }
  KL_ASSIGN(ProductLayout l, product_layout(s, threads));
  return l.bytes;
}

void quant_conv(const QuantConv& call, QuantConvKernel kernel, void* scratch, Parallel& pool) {
  if (call.shape.empty()) return;
  auto* memory = static_cast<std::byte*>(scratch);
  if (kernel == QuantConvKernel::kWinograd) return run_winograd(call, memory, pool);
  if (kernel == QuantConvKernel::kDepthwise) return run_channels(call, memory, pool);
  run_product(call, memory, pool);
}

}  // namespace kinglet
