// Convolutions as products: the weights times columns that are gathered from the image panel by panel.
#include "kernels/quant/conv.h"

#include <algorithm>
#include <cstring>

#include "kernels/quant/depthwise.h"
#include "kernels/quant/image.h"
#include "kernels/quant/winograd.h"
#include "simd/bytes.h"

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

}  // namespace

bool quant_conv_accepts(const QuantConv& call, QuantConvKernel kernel) {
  return kernel == QuantConvKernel::kDepthwise  ? depthwise_accepts(call.shape)
         : kernel == QuantConvKernel::kWinograd ? winograd_accepts(call)
                                                : true;
}

QuantConvKernel select_quant_conv(const QuantConv& call) {
  if (depthwise_accepts(call.shape)) return QuantConvKernel::kDepthwise;
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
  if (kernel == QuantConvKernel::kDepthwise) return depthwise_scratch_bytes(s, threads);
  KL_ASSIGN(ProductLayout l, product_layout(s, threads));
  return l.bytes;
}

void quant_conv(const QuantConv& call, QuantConvKernel kernel, void* scratch, Parallel& pool) {
  if (call.shape.empty()) return;
  auto* memory = static_cast<std::byte*>(scratch);
  if (kernel == QuantConvKernel::kWinograd) return run_winograd(call, memory, pool);
  if (kernel == QuantConvKernel::kDepthwise) return run_depthwise(call, memory, pool);
  run_product(call, memory, pool);
}

}  // namespace kinglet
