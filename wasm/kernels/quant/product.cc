// The list of kernels, packed operands, and the blocked driver.
#include "kernels/quant/product.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/checked.h"
#include "kernels/quant/finish.h"
#include "kernels/quant/pack.h"
#include "kernels/quant/tile.h"

namespace kinglet {

using namespace quant_internal;

namespace {

// Bytes of a block of B, which stays in the second-level cache while strips of A pass.
constexpr size_t kBlockBytes = 192 * 1024;
// Columns that one row of A takes together.
constexpr size_t kRowBlock = 4096;

struct Kernel {
  const char* name;
  size_t group;
  bool unsigned_b;
};
constexpr Kernel kKernels[] = {
#define QUANT_PRODUCT(name, group, unsigned_b) {#name, group, unsigned_b},
#include "kernels/quant/product.inc"
#undef QUANT_PRODUCT
};
const Kernel& kernel_of(QuantKernel kernel) { return kKernels[static_cast<size_t>(kernel)]; }

// Where the rows' sums of a packed A begin behind so many bytes of strips.
size_t sums_behind(size_t bytes) { return align_up(bytes, sizeof(int32_t)); }

#if defined(__wasm_relaxed_simd__) || !defined(__wasm_simd128__)
inline constexpr bool kHasDot = true;
#else
// The forms that this build lacks are never selected.
inline constexpr bool kHasDot = false;
template <size_t R>
void multiply_fours(const uint8_t*, const uint8_t*, size_t, bool, const int32_t*, int32_t*) {}
#endif

// What the machine makes of a product whose second factor is above 127.
[[maybe_unused]] bool exact(bool unsigned_b) {
  // Volatile, or a compiler or wasm-opt computes what only the machine knows.
  static const volatile int kFactors[][2] = {{127, 255}, {-128, 255}, {-128, 128}};
  uint8_t a[16], b[32];
  int32_t start = 0, sums[8];
  for (const auto& factors : kFactors) {
    int x = factors[0], y = factors[1];
    std::fill(std::begin(a), std::end(a), static_cast<uint8_t>(x));
    std::fill(std::begin(b), std::end(b), static_cast<uint8_t>(y));
    multiply_fours<1>(a, b, 1, unsigned_b, &start, sums);
    for (int32_t s : sums)
      if (s != 4 * x * (unsigned_b ? y : y - 256)) return false;
  }
  return true;
}

// Strips have four rows, or one where A has no more.
size_t height_of(size_t m) { return m == 1 ? 1 : kRows; }

struct Blocks {
  size_t height = 1, count = 0;           // rows of a strip, strips
  size_t depth = 0;                       // k, in whole groups
  size_t columns = 0, column_blocks = 1;  // columns: whole panels
  size_t row_groups = 1, strips = 0;      // strips of a row group
  bool wide = false;                      // panels of B are kept as int16
  // Of a slot of scratch, which begins with the strip; panel_at: the bytes of one panel before they are
  // widened.
  size_t bytes_at = 0, panels_at = 0, panel_at = 0, lists_at = 0, slot = 0;
};

std::span<const MatMulItem> items_of(const QuantMatMul& call) {
  static constexpr MatMulItem kSingle{};
  return call.items.empty() ? std::span(&kSingle, 1) : call.items;
}

Result<Blocks> cut(const QuantMatMul& call, QuantKernel kernel, int threads) {
  Blocks b;
  size_t group = kernel_of(kernel).group;
  b.height = height_of(call.m);
  b.count = ceil_div(call.m, b.height);
  b.wide = group == 2 && call.m > 1;
  KL_ASSIGN(b.depth, checked_add(call.k, group - 1));
  b.depth = b.depth / group * group;
  size_t target = b.count > 1 ? std::max(kBlockBytes / std::max<size_t>(b.depth, 1), 4 * kQuantPanel)
                              : std::clamp<size_t>(call.n, 1, kRowBlock);
  size_t blocks = std::max<size_t>(ceil_div(call.n, target), 1);
  size_t crew = static_cast<size_t>(threads), items = items_of(call).size();
  if (crew > 1 && items < 2 * crew) blocks = align_up(blocks, std::bit_ceil(crew));
  b.columns = align_up(std::max<size_t>(ceil_div(call.n, blocks), 1), kQuantPanel);
  b.column_blocks = ceil_div(call.n, b.columns);
  size_t tasks = items * b.column_blocks;
  b.row_groups = tasks >= crew ? 1 : std::min(b.count, ceil_div(crew, std::max<size_t>(tasks, 1)));
  b.strips = ceil_div(b.count, std::max<size_t>(b.row_groups, 1));

  KL_ASSIGN(size_t strip, checked_mul(b.depth, b.height * sizeof(int16_t)));
  KL_ASSIGN(b.bytes_at, checked_add<size_t>(strip, 63));
  b.bytes_at &= ~size_t{63};
  KL_ASSIGN(b.panels_at, checked_add(b.bytes_at, call.a.packed ? 0 : align_up(strip / 2, 64)));
  size_t panels = 0;
  if (!call.b.packed || b.wide) {
    KL_ASSIGN(panels, checked_mul<size_t>(b.columns, b.depth));
    KL_ASSIGN(panels, checked_mul<size_t>(panels, b.wide ? 2 : 1));
  }
  KL_ASSIGN(b.panel_at, checked_add(b.panels_at, panels));
  KL_ASSIGN(b.lists_at, checked_add(b.panel_at, b.wide ? b.depth * kQuantPanel : 0));
  KL_ASSIGN(size_t lists, checked_mul(b.columns, ColumnTerms::kLists * sizeof(int32_t)));
  KL_ASSIGN(b.slot, checked_add(b.lists_at, lists));
  KL_ASSIGN(b.slot, checked_add<size_t>(b.slot, 63));
  b.slot &= ~size_t{63};
  return b;
}

// Columns [n0, n1) and strips [s0, s1) of one item.
void run_task(const QuantMatMul& call, const Kernel& kernel, const Terms& terms, const Blocks& blocks,
              const MatMulItem& item, size_t n0, size_t n1, size_t s0, size_t s1, uint8_t* scratch) {
  size_t groups = blocks.depth / kernel.group, panel_bytes = blocks.depth * kQuantPanel;
  const uint8_t* panels = call.b.data;
  const ColumnTerms columns(reinterpret_cast<int32_t*>(scratch + blocks.lists_at), blocks.columns);
  const int32_t* column_sums = columns.start;
  auto* words = reinterpret_cast<int16_t*>(scratch + blocks.panels_at);
  if (call.b.packed) {
    column_sums = reinterpret_cast<const int32_t*>(panels + ceil_div(call.n, kQuantPanel) * panel_bytes) + n0;
    panels += n0 / kQuantPanel * panel_bytes;
    if (blocks.wide) widen(panels, ceil_div(n1 - n0, kQuantPanel) * panel_bytes, words);
  } else {
    uint8_t* to = scratch + (blocks.wide ? blocks.panel_at : blocks.panels_at);
    int32_t* sums = columns.start;
    panels = to;
    ByteMatrix b = call.b;
    if (!call.pack) b.data += item.b;
    uint8_t flip = flip_of(b);
    for (size_t n = n0; n < n1; n += kQuantPanel, sums += kQuantPanel) {
      const uint8_t* from = to;
      size_t row = kQuantPanel;
      if (call.pack) {
        call.pack(call.pack_context, item.b, n, to);
      } else if (blocks.wide && b.column == 1 && call.k != 0 && n + kQuantPanel <= n1) {
        from = b.data + n, row = b.row;
      } else {
        copy_panel(b, call.k, n, std::min(kQuantPanel, n1 - n), to);
      }
      if (terms.a) sum_panel(from, row, call.k, flip, sums);
      if (blocks.wide) {
        widen_panel(from, row, call.k, flip, words + (n - n0) * blocks.depth);
      } else {
        interleave_panel(to, call.k, kernel.group, flip ^ (kernel.unsigned_b ? 0x80 : 0));
        to += panel_bytes;
      }
    }
  }
  if (!terms.rows_only) columns.set(call, terms, column_sums, n0, n1 - n0);
  ByteMatrix a = call.a;
  a.data += item.a;
  auto* strip = reinterpret_cast<int16_t*>(scratch);
  for (size_t s = s0; s < s1; ++s) {
    size_t row = s * blocks.height, rows = std::min(blocks.height, call.m - row);
    const uint8_t* bytes = a.data + row * blocks.depth;
    int32_t unpacked_sums[kRows] = {};
    const int32_t* row_sums = unpacked_sums;
    if (a.packed) {
      row_sums = reinterpret_cast<const int32_t*>(a.data +
                                                  sums_behind(blocks.count * blocks.height * blocks.depth)) +
                 row;
    } else {
      copy_strip(a, row, rows, blocks.height, call.k, kernel.group, scratch + blocks.bytes_at);
      bytes = scratch + blocks.bytes_at;
      if (terms.b) sum_strip(a, row, rows, call.k, unpacked_sums);
    }
    if (kernel.group == 2) widen(bytes, blocks.height * blocks.depth, strip);
    const StripTerms strip_terms(call, terms, row, rows, row_sums);
    size_t n = n0;
    if (blocks.wide && strip_terms.short_way) {
      // Behind whole panels the columns that are left.
      const bool is_signed = call.result == QuantResult::kInt8;
      const ByteTerms bytes_terms{strip_terms.start, strip_terms.scale, call.c_zero + (is_signed ? 128 : 0),
                                  static_cast<uint8_t>(is_signed ? 0x80 : 0)};
      size_t whole = (n1 - n0) / kQuantPanel, rest = (n1 - n0) % kQuantPanel;
      auto* c = static_cast<uint8_t*>(call.c) + item.c + row * call.c_row + n0;
      multiply_pairs_to_bytes(strip, words, groups, whole, bytes_terms, c, call.c_row);
      if (rest != 0) {
        uint8_t spare[kRows * kQuantPanel];
        size_t at = whole * kQuantPanel;
        multiply_pairs_to_bytes(strip, words + at * blocks.depth, groups, 1, bytes_terms, spare, kQuantPanel);
        for (size_t i = 0; i < kRows; ++i)
          std::memcpy(c + i * call.c_row + at, spare + i * kQuantPanel, rest);
      }
      n = n1;
    }
    for (; n < n1; n += kQuantPanel) {
      int32_t sums[kRows * kQuantPanel];
      size_t at = (n - n0) * blocks.depth;
      if (blocks.wide) {
        multiply_pairs<kRows>(strip, words + at, groups, strip_terms.start, sums);
      } else if (kernel.group == 2) {
        multiply_pairs<1>(strip, panels + at, groups, strip_terms.start, sums);
      } else if (blocks.height == 1) {
        multiply_fours<1>(bytes, panels + at, groups, kernel.unsigned_b, strip_terms.start, sums);
      } else {
        multiply_fours<kRows>(bytes, panels + at, groups, kernel.unsigned_b, strip_terms.start, sums);
      }
      finish(call, terms, strip_terms, columns, n - n0, sums, n, std::min(kQuantPanel, n1 - n), item.c);
    }
  }
}

}  // namespace

const char* quant_kernel_name(QuantKernel kernel) { return kernel_of(kernel).name; }

bool quant_accepts(QuantKernel kernel) {
  const Kernel& k = kernel_of(kernel);
  if constexpr (kHasDot) return k.group == 2 || exact(k.unsigned_b);
  return k.group == 2;
}

QuantKernel select_quant() {
  static const QuantKernel selected = [] {
    size_t i = 0;
    while (!quant_accepts(static_cast<QuantKernel>(i))) ++i;
    return static_cast<QuantKernel>(i);
  }();
  return selected;
}

Result<size_t> quant_packed_a_bytes(size_t m, size_t k, QuantKernel kernel) {
  KL_ASSIGN(size_t depth, checked_add(k, kernel_of(kernel).group));
  KL_ASSIGN(size_t rows, checked_add(m, kRows));
  KL_ASSIGN(size_t bytes, checked_mul(rows, depth));
  KL_ASSIGN(size_t sums, checked_mul(m + 1, sizeof(int32_t)));
  KL_ASSIGN(bytes, checked_add(bytes, sums));
  // Those of a further group begin at a multiple of four, too.
  return bytes & ~(sizeof(int32_t) - 1);
}

Result<size_t> quant_packed_b_bytes(size_t k, size_t n, QuantKernel kernel) {
  KL_ASSIGN(size_t depth, checked_add(k, kernel_of(kernel).group + sizeof(int32_t)));
  KL_ASSIGN(size_t columns, checked_add(n, kQuantPanel - 1));
  return checked_mul(columns / kQuantPanel * kQuantPanel, depth);
}

void quant_pack_a(const ByteMatrix& a, size_t m, size_t k, QuantKernel kernel, uint8_t* packed) {
  size_t group = kernel_of(kernel).group, depth = ceil_div(k, group) * group;
  size_t height = height_of(m), whole = align_up(m, height);
  auto* sums = reinterpret_cast<int32_t*>(packed + sums_behind(whole * depth));
  for (size_t row = 0; row < m; row += height) {
    size_t rows = std::min(height, m - row);
    copy_strip(a, row, rows, height, k, group, packed + row * depth);
    sum_strip(a, row, rows, k, sums + row);
  }
}

void quant_pack_b(const ByteMatrix& b, size_t k, size_t n, QuantKernel kernel, uint8_t* packed) {
  size_t group = kernel_of(kernel).group, depth = ceil_div(k, group) * group;
  auto* sums = reinterpret_cast<int32_t*>(packed + ceil_div(n, kQuantPanel) * kQuantPanel * depth);
  uint8_t flip = flip_of(b);
  for (size_t j = 0; j < n; j += kQuantPanel, packed += depth * kQuantPanel, sums += kQuantPanel) {
    copy_panel(b, k, j, std::min(kQuantPanel, n - j), packed);
    sum_panel(packed, kQuantPanel, k, flip, sums);
    interleave_panel(packed, k, group, flip ^ (kernel_of(kernel).unsigned_b ? 0x80 : 0));
  }
}

Result<size_t> quant_scratch_bytes(const QuantMatMul& call, QuantKernel kernel, int threads) {
  KL_ASSIGN(Blocks blocks, cut(call, kernel, threads));
  return checked_mul(blocks.slot, static_cast<size_t>(threads));
}

void quant_matmul(const QuantMatMul& call, QuantKernel kernel, void* scratch, Parallel& pool) {
  if (call.m == 0 || call.n == 0) return;
  Result<Blocks> cut_ = cut(call, kernel, pool.threads());
  if (!cut_.ok()) return;  // quant_scratch_bytes has said so
  const Blocks& b = *cut_;
  Terms terms(call, kernel_of(kernel).unsigned_b);
  std::span<const MatMulItem> items = items_of(call);
  size_t per_item = b.column_blocks * b.row_groups;
  parallel_slots(pool, items.size() * per_item, [&](size_t thread, size_t index) {
    const MatMulItem& item = items[index / per_item];
    size_t group = index % per_item / b.column_blocks, column = index % b.column_blocks;
    size_t n0 = column * b.columns, n1 = std::min(call.n, n0 + b.columns);
    size_t s0 = group * b.strips, s1 = std::min(b.count, s0 + b.strips);
    uint8_t* memory = static_cast<uint8_t*>(scratch) + thread * b.slot;
    run_task(call, kernel_of(kernel), terms, b, item, n0, n1, s0, s1, memory);
  });
}

}  // namespace kinglet
