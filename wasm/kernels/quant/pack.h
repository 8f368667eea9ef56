#pragma once
// Packing of operands of quant_matmul; the layouts are described in product.h and tile.h.
#include "kernels/quant/product.h"

namespace kinglet::quant_internal {

// What turns stored bytes into signed ones.
inline uint8_t flip_of(const ByteMatrix& m) { return m.is_signed ? 0 : 0x80; }

// Columns [n, n + 8) of B, k rows, as they are: row p at panel + 8 * p.
void copy_panel(const ByteMatrix& b, size_t k, size_t n, size_t columns, uint8_t* panel);
// The sums of the eight columns of k rows that lie `row` apart, as signed bytes.
void sum_panel(const uint8_t* panel, size_t row, size_t k, uint8_t flip, int32_t* sums);
// Rows of a panel become groups of `group` (2 or 4) rows, column by column, in place; every byte is changed
// by `flip`. The panel has room for whole groups.
void interleave_panel(uint8_t* panel, size_t k, size_t group, uint8_t flip);
// The same for groups of two and k rows that lie `row` apart, to `out` as int16.
void widen_panel(const uint8_t* panel, size_t row, size_t k, uint8_t flip, int16_t* out);
void widen(const uint8_t* from, size_t count, int16_t* to);
// `height` rows of A from `row` on, of which `rows` are there, as signed bytes: groups of `group` columns,
// row by row. What is missing in the last group is zero, the other rows are repetitions. The first element is
// at a.data[0].
void copy_strip(const ByteMatrix& a, size_t row, size_t rows, size_t height, size_t k, size_t group,
                uint8_t* strip);
// The sums of these rows, as signed bytes.
void sum_strip(const ByteMatrix& a, size_t row, size_t rows, size_t k, int32_t* sums);

}  // namespace kinglet::quant_internal
