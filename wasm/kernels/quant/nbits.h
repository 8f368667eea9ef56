#pragma once
// Products with weights of 2, 4 or 8 bits that are dequantised piece by piece while the product runs.
#include "kernels/matmul/matmul.h"

namespace kinglet {

// Column j of the product has the weights w[j][p] = (q[j][p] - zero) * scale, p < k, with one scale and zero
// point for each `block` of p, or, where `group_of` is set, for the group that it names.
//   q       [n, blocks, block * bits / 8] bytes, first value in the low bits
//   scales  [n, blocks] float32
//   zeros   float32 [n, blocks], or packed as q is: [n, ceil(blocks * bits / 8)] bytes; both null: 2^(bits -
//   1)
struct NBits {
  size_t n = 0, k = 0, bits = 4, block = 32;
  const uint8_t* q = nullptr;
  const float* scales = nullptr;
  const float* zeros = nullptr;
  const uint8_t* packed_zeros = nullptr;
  const int32_t* group_of = nullptr;  // k values in [0, blocks)
  bool rough = false;                 // nbits_row may take the row as 16 bits for each value

  size_t blocks() const { return (k + block - 1) / block; }
  size_t row_bytes() const { return blocks() * (block * bits / 8); }
  float zero(size_t j, size_t b) const {
    if (zeros != nullptr) return zeros[j * blocks() + b];
    if (packed_zeros == nullptr) return static_cast<float>(1 << (bits - 1));
    size_t per_byte = 8 / bits, row = (blocks() + per_byte - 1) / per_byte;
    return static_cast<float>(packed_zeros[j * row + b / per_byte] >> (b % per_byte * bits) &
                              ((1 << bits) - 1));
  }
};

// For MatMul::pack: `context` is an NBits.
void nbits_pack(const void* context, size_t offset, size_t k0, size_t k1, size_t n0, size_t n1,
                float* panels);

// One row: c[j] = sum of x[p] w[j][p] + bias[j], for 4 bits without `group_of`. The row becomes integers of
// 32 bits, or, where the weights say `rough`, of 16, with a scale for each block. `scratch` is
// nbits_row_scratch floats.
bool nbits_row_accepts(const NBits& w);
size_t nbits_row_scratch(const NBits& w);
void nbits_row(const NBits& w, const float* x, const float* bias, float* c, float* scratch, Parallel& pool);

// The judge of both: c [m, n].
void nbits_reference(const NBits& w, const float* a, size_t m, const float* bias, float* c);

}  // namespace kinglet
