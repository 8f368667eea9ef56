#include "kernels/quant/pointwise.h"

#include <algorithm>
#include <cstring>

#include "kernels/quant/finish.h"
#include "simd/bytes.h"

namespace kinglet {

using namespace quant_internal;

namespace {

template <bool adds>
void binary(const Row& r) {
  const auto& q = *static_cast<const QuantBinary*>(r.params);
  const uint8_t flip = q.is_signed ? 0 : 0x80;
  const Bytes16 to_signed = splat_byte(flip), from_lowest = splat_byte(flip ^ 0x80);
  const Words8 a_zero = splat_word(static_cast<int16_t>(q.a_zero - flip)),
               b_zero = splat_word(static_cast<int16_t>(q.b_zero - flip));
  const Float4 a_scale = Float4::splat(q.a_scale), b_scale = Float4::splat(q.b_scale),
               c_scale = Float4::splat(q.c_scale),
               product_scale = Float4::splat(q.a_scale * q.b_scale / q.c_scale);
  const Rounding round(q.is_signed ? QuantResult::kInt8 : QuantResult::kUInt8, q.c_zero);
  const Int4 lowest = Int4::splat(q.is_signed ? -128 : 0);
  const auto *a = static_cast<const uint8_t*>(r.in[0]), *b = static_cast<const uint8_t*>(r.in[1]);
  auto* c = static_cast<uint8_t*>(r.out);
  uint8_t parts[2][16];
  for (int k = 0; k < 2 && r.n > 0; ++k) std::memset(parts[k], *(k == 0 ? a : b), 16);
  for (size_t i = 0; i < r.n; i += 16) {
    size_t count = std::min<size_t>(16, r.n - i);
    const uint8_t *x = a + i, *y = b + i;
    if (count < 16) {
      if (!r.splat[0]) std::memcpy(parts[0], x, count);
      if (!r.splat[1]) std::memcpy(parts[1], y, count);
      x = parts[0], y = parts[1];
    }
    const Bytes16 xs = load_bytes(r.splat[0] ? parts[0] : x) ^ to_signed,
                  ys = load_bytes(r.splat[1] ? parts[1] : y) ^ to_signed;
    Int4 whole[4];
#pragma unroll
    for (size_t half = 0; half < 2; ++half) {
      Float4 p[2], s[2];
      to_floats(widen_half(xs, half) - a_zero, p);
      to_floats(widen_half(ys, half) - b_zero, s);
#pragma unroll
      for (size_t v = 0; v < 2; ++v) {
        Float4 value = adds ? (p[v] * a_scale + s[v] * b_scale) / c_scale : p[v] * s[v] * product_scale;
        whole[2 * half + v] = round(value) - lowest;
      }
    }
    Bytes16 bytes = saturate(whole[0], whole[1], whole[2], whole[3]) ^ from_lowest;
    if (count == 16) {
      store_bytes(bytes, c + i);
    } else {
      store_bytes(bytes, parts[0]);
      std::memcpy(c + i, parts[0], count);
    }
  }
}

}  // namespace

RowFn quant_add() { return binary<true>; }
RowFn quant_mul() { return binary<false>; }

void look_up(const uint8_t* x, size_t n, const uint8_t (&table)[256], uint8_t* y, Parallel& pool) {
  parallel_for(pool, n, 1 << 15, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) y[i] = table[x[i]];
  });
}

}  // namespace kinglet
