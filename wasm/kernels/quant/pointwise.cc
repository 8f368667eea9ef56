#include "kernels/quant/pointwise.h"

#include <algorithm>

#include "simd/bytes.h"

namespace kinglet {

namespace {

template <bool is_signed, bool adds>
void binary(const Row& r) {
  const auto& q = *static_cast<const QuantBinary*>(r.params);
  const Int4 a_zero = Int4::splat(q.a_zero), b_zero = Int4::splat(q.b_zero), c_zero = Int4::splat(q.c_zero);
  const Float4 a_scale = Float4::splat(q.a_scale), b_scale = Float4::splat(q.b_scale),
               c_scale = Float4::splat(q.c_scale),
               product_scale = Float4::splat(q.a_scale * q.b_scale / q.c_scale);
  const Float4 lo = Float4::splat((is_signed ? -128.0f : 0.0f) - static_cast<float>(q.c_zero)),
               hi = lo + Float4::splat(255);
  const auto *a = static_cast<const uint8_t*>(r.in[0]), *b = static_cast<const uint8_t*>(r.in[1]);
  auto* c = static_cast<uint8_t*>(r.out);
  uint8_t spread[2][8], part[2][8], rest[8];
  std::fill(spread[0], spread[0] + 8, r.n ? *a : uint8_t{0});
  std::fill(spread[1], spread[1] + 8, r.n ? *b : uint8_t{0});
  for (size_t i = 0; i < r.n; i += 8) {
    size_t count = std::min<size_t>(8, r.n - i);
    const uint8_t* from[] = {r.splat[0] ? spread[0] : a + i, r.splat[1] ? spread[1] : b + i};
    for (size_t k = 0; count < 8 && k < 2; ++k) {
      std::memcpy(part[k], from[k], count);
      from[k] = part[k];
    }
    Int4 x[2], y[2];
    load_ints<is_signed>(from[0], &x[0], &x[1]);
    load_ints<is_signed>(from[1], &y[0], &y[1]);
    for (size_t v = 0; v < 2; ++v) {
      Float4 p = to_float(x[v] - a_zero), s = to_float(y[v] - b_zero);
      Float4 value = adds ? (p * a_scale + s * b_scale) / c_scale : p * s * product_scale;
      x[v] = to_nearest_int(min(max(lo, value), hi)) + c_zero;
    }
    store_low_bytes(x[0], x[1], count == 8 ? c + i : rest);
    if (count < 8) std::memcpy(c + i, rest, count);
  }
}

}  // namespace

RowFn quant_add(bool is_signed) { return is_signed ? binary<true, true> : binary<false, true>; }
RowFn quant_mul(bool is_signed) { return is_signed ? binary<true, false> : binary<false, false>; }

void look_up(const uint8_t* x, size_t n, const uint8_t (&table)[256], uint8_t* y, Parallel& pool) {
  parallel_for(pool, n, 1 << 15, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) y[i] = table[x[i]];
  });
}

}  // namespace kinglet
