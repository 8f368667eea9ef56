// The general convolution of up to two spatial dimensions: rows of outputs are products whose columns are
// read where they lie in the padded image, so nothing is gathered.
#include <algorithm>

#include "kernels/conv/internal.h"
#include "kernels/conv/padded.h"
#include "kernels/matmul/tile.h"

namespace kinglet::conv_internal {

namespace {

// Elements of the image that a block of output rows reads; they stay in the second-level cache while strips
// of weights pass.
constexpr size_t kBlockElements = 64 * 1024;

// Scratch: offsets of (channel, tap), then the padded image of all groups.
struct Layout {
  Padded image;
  size_t offsets, elements;
};

Result<Layout> layout_of(const ConvShape& s) {
  Layout l;
  KL_ASSIGN(l.image, padded_for(s, s.out[1], s.out[2]));
  KL_ASSIGN(size_t depth, checked_mul(s.in_channels, s.taps()));
  KL_ASSIGN(depth, checked_add<size_t>(depth, 15));
  l.offsets = depth / 16 * 16;
  KL_ASSIGN(size_t group, checked_mul(l.image.plane(), s.in_channels));
  if (!fits<uint32_t>(group))
    return fail(Code::kLimitExceeded, "an image of ", group, " elements is too large");
  KL_ASSIGN(size_t all, checked_mul(group, s.groups));
  KL_ASSIGN(all, checked_add(all, kPaddedSlack));
  KL_ASSIGN(l.elements, checked_add(all, l.offsets));
  return l;
}

}  // namespace

Result<size_t> direct_scratch(const ConvShape& s, int) {
  KL_ASSIGN(Layout l, layout_of(s));
  return checked_mul(l.elements, sizeof(float));
}

void run_direct(const Conv<float>& call, void* scratch, Parallel& pool) {
  const ConvShape& s = call.shape;
  Result<Layout> layout = layout_of(s);
  Result<size_t> packed = matmul_packed_a_bytes<float>(s.out_channels, s.in_channels * s.taps());
  if (!layout.ok() || !packed.ok()) return;  // direct_scratch has said so
  const Padded& image = layout->image;
  auto* offsets = static_cast<uint32_t*>(scratch);
  float* copy = static_cast<float*>(scratch) + layout->offsets;
  size_t depth = 0;
  for (size_t c = 0; c < s.in_channels; ++c)
    for (size_t h = 0; h < s.kernel[1]; ++h)
      for (size_t w = 0; w < s.kernel[2]; ++w)
        offsets[depth++] = static_cast<uint32_t>(c * image.plane() + image.tap(s, h, w));
  Strip<float> strip{};
  strip.k = depth;
  strip.c_row = s.out_size();
  strip.n = s.out[2];
  strip.b_offsets = offsets;
  bool clamp = is_clamp(call.activation, &strip.lo, &strip.hi);
  StripSplit split(s.out_channels, kStripRows<float>);
  size_t crew = static_cast<size_t>(pool.threads());
  size_t rows = kBlockElements / std::max<size_t>(s.in_channels * s.stride[1] * image.row(), 1);
  if (crew > 1 && s.groups < 2 * crew) rows = std::min(rows, ceil_div(s.out[1], 2 * crew));
  rows = std::clamp<size_t>(rows, 1, s.out[1]);
  size_t blocks = ceil_div(s.out[1], rows);
  for (size_t i = 0; i < s.images && !cancelled(pool); ++i) {
    size_t channels = s.groups * s.in_channels;
    pad_planes(s, image, call.x + i * channels * s.in_size(), channels, copy, pool);
    parallel_slots(pool, s.groups * blocks, [&](size_t, size_t item) {
      size_t g = item / blocks, first = item % blocks * rows, last = std::min(s.out[1], first + rows);
      const float* x = copy + g * s.in_channels * image.plane();
      Strip<float> t = strip;
      for (size_t n = 0; n < split.count && !cancelled(pool); ++n) {
        size_t begin = split.begin(n), height = split.rows(n), channel = g * s.out_channels + begin;
        t.a = call.w + g * (*packed / sizeof(float)) + begin * depth;
        t.row_bias = call.bias ? call.bias + channel : nullptr;
        size_t at = (i * s.groups * s.out_channels + channel) * s.out_size() + first * s.out[2];
        for (size_t r = first; r < last; ++r, at += s.out[2]) {
          t.b = x + r * s.stride[1] * image.row();
          t.c = call.y + at;
          t.init = call.residual ? call.residual + at : nullptr;
          kStrips<float, true, BForm::kOffsets>[height - 1](t);
        }
        if (clamp) continue;
        at -= (last - first) * s.out[2];
        for (size_t c = 0; c < height; ++c)
          activate(call.activation, call.y + at + c * s.out_size(), (last - first) * s.out[2]);
      }
    });
  }
}

}  // namespace kinglet::conv_internal
