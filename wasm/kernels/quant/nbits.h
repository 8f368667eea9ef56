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
  bool rough = false;                 // nbits_rows may take rows as 8 bits for each value
  bool packed = false;                // q is as nbits_pack_columns writes it

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

// Weights [k0, k1) of column j.
void nbits_column(const NBits& w, size_t j, size_t k0, size_t k1, float* out);

// Weights of 4 or 8 bits by eight columns, the last ones filled up with zeros: for every eight p, four bytes
// of each column, value i in the low half of byte i, value 4 + i in its high half. Of 8 bits: the low halves
// of the values so, then the high ones. Not with `group_of`.
inline constexpr size_t kNBitsColumns = 8;
inline size_t nbits_unit(const NBits& w) { return kNBitsColumns * w.bits; }  // bytes for eight p
bool nbits_packs(const NBits& w);
Result<size_t> nbits_packed_bytes(const NBits& w);
void nbits_pack_columns(const NBits& w, uint8_t* packed);

// m rows with packed weights: c[i][j] = sum of a[i][p] w[j][p] + bias[j]. Rows become integers, with a scale
// for each 32 values or block: of 23 bits, or, where the weights say `rough`, of 8.
Result<size_t> nbits_rows_scratch(const NBits& w, size_t m);  // in floats
void nbits_rows(const NBits& w, const float* a, size_t m, const float* bias, float* c, float* scratch,
                Parallel& pool);

// The judge of both: c [m, n].
void nbits_reference(const NBits& w, const float* a, size_t m, const float* bias, float* c);

}  // namespace kinglet
