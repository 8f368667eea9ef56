#include "kernels/conv/padded.h"

#include <algorithm>

namespace kinglet::conv_internal {

Result<Padded> padded_for(const ConvShape& s, size_t rows_out, size_t columns_out) {
  Padded p;
  p.phases = s.stride[2];
  KL_ASSIGN(size_t last_tap, checked_mul(s.kernel[2] - 1, s.dilation[2]));
  KL_ASSIGN(p.pitch, checked_add(columns_out, last_tap / s.stride[2]));
  KL_ASSIGN(size_t row, checked_mul(p.pitch, p.phases));
  KL_ASSIGN(size_t halo, checked_mul(s.kernel[1] - 1, s.dilation[1]));
  KL_ASSIGN(size_t last, checked_mul(std::max<size_t>(rows_out, 1) - 1, s.stride[1]));
  KL_ASSIGN(p.rows, checked_add(last, halo + 1));
  KL_ASSIGN(size_t plane, checked_mul(row, p.rows));
  // Offsets of taps are kept in 32 bits.
  if (!fits<uint32_t>(plane))
    return fail(Code::kLimitExceeded, "an image of ", p.rows, " rows of ", row, " elements is too large");
  return p;
}

KL_SHORT_LOOPS void pad_rows(const ConvShape& s, const Padded& p, const float* x, size_t channels, size_t row,
                             size_t rows, float* to) {
  for (size_t phase = 0; phase < p.phases; ++phase, to += p.pitch) {
    // Elements of padding in front, and the first and the number of those of the input.
    size_t before = phase < s.pad[2] ? std::min(p.pitch, ceil_div(s.pad[2] - phase, p.phases)) : 0;
    size_t start = before * p.phases + phase - s.pad[2];
    size_t inside = start < s.in[2] ? std::min(p.pitch - before, ceil_div(s.in[2] - start, p.phases)) : 0;
    if (before == p.pitch) inside = 0;
    size_t top = row < s.pad[1] ? std::min(rows, s.pad[1] - row) : 0, limit = s.in[1] + s.pad[1];
    size_t bottom = inside > 0 && limit > row ? std::clamp(limit - row, top, rows) : top;
    size_t after = p.pitch - before - inside;
    for (size_t c = 0; c < channels; ++c) {
      const float* plane = x + c * s.in_size();
      float* line = to + c * p.plane();
      for (size_t r = 0; r < top; ++r, line += p.row()) zero(line, p.pitch);
      for (size_t r = top; r < bottom; ++r, line += p.row()) {
        zero(line, before);
        copy_strided(plane + (row + r - s.pad[1]) * s.in[2] + start, p.phases, line + before, inside);
        zero(line + before + inside, after);
      }
      for (size_t r = bottom; r < rows; ++r, line += p.row()) zero(line, p.pitch);
    }
  }
}

void pad_planes(const ConvShape& s, const Padded& p, const float* x, size_t channels, float* to,
                Parallel& pool) {
  parallel_for(pool, channels, 1 + 16384 / (p.plane() + 1), [&](size_t begin, size_t end) {
    pad_rows(s, p, x + begin * s.in_size(), end - begin, 0, p.rows, to + begin * p.plane());
  });
}

}  // namespace kinglet::conv_internal
