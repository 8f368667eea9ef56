// The list of kernels, packed operands, and the blocked driver.
#include "kernels/quant/product.h"

#include <algorithm>
#include <bit>

#include "base/checked.h"
#include "kernels/matmul/tile.h"
#include "kernels/quant/finish.h"
#include "kernels/quant/pack.h"
#include "kernels/quant/tile.h"

namespace kinglet {

using namespace quant_internal;

namespace {

// Bytes of a block of B, which stays in the second-level cache while strips of A pass.
constexpr size_t kBlockBytes = 192 * 1024;

constexpr const char* kNames[] = {
#define QUANT_PRODUCT(name, form) #name,
#include "kernels/quant/product.inc"
#undef QUANT_PRODUCT
};

#if defined(__wasm_relaxed_simd__) || !defined(__wasm_simd128__)
inline constexpr bool kHasDot = true;
#else
// The forms that this build lacks are never selected.
inline constexpr bool kHasDot = false;
template <bool>
using DotForm = PairForm;
#endif

template <class Body>
auto with_form(QuantKernel kernel, Body&& body) {
  switch (kernel) {
#define QUANT_PRODUCT(name, form)                              \
  case QuantKernel::k_##name:                                  \
    if constexpr (kHasDot || std::is_same_v<form, PairForm>) { \
      return body.template operator()<form>();                 \
    }                                                          \
    break;
#include "kernels/quant/product.inc"
#undef QUANT_PRODUCT
    case QuantKernel::kCount:
      break;
  }
  return body.template operator()<PairForm>();
}

// What the machine makes of a product whose second factor is above 127.
template <class Form>
bool exact() {
  if constexpr (std::is_same_v<Form, PairForm>) {
    return true;
  } else {
    // Volatile, or a compiler or wasm-opt computes what only the machine knows.
    static const volatile int kFactors[][2] = {{127, 255}, {-128, 255}, {-128, 128}};
    uint8_t a[16], b[32];
    int32_t sums[8];
    for (const auto& factors : kFactors) {
      int x = factors[0], y = factors[1];
      std::fill(std::begin(a), std::end(a), static_cast<uint8_t>(x));
      std::fill(std::begin(b), std::end(b), static_cast<uint8_t>(y));
      Form::template multiply<1>(a, b, 1, sums);
      for (int32_t s : sums)
        if (s != 4 * x * (Form::kUnsignedB ? y : y - 256)) return false;
    }
    return true;
  }
}

size_t group_of(QuantKernel kernel) {
  return with_form(kernel, []<class Form>() { return Form::kGroup; });
}
bool unsigned_b(QuantKernel kernel) {
  return with_form(kernel, []<class Form>() { return Form::kUnsignedB; });
}

struct Blocks {
  StripSplit split;
  size_t depth = 0;                       // k, in whole groups
  size_t columns = 0, column_blocks = 1;  // columns: whole panels
  size_t row_groups = 1, strips = 0;      // strips of a row group
  bool wide = false;                      // panels of B are kept as int16
  // Of a slot of scratch, which begins with the strip; panel_at: the bytes of one panel before they are
  // widened.
  size_t bytes_at = 0, panels_at = 0, panel_at = 0, sums_at = 0, slot = 0;
};

std::span<const MatMulItem> items_of(const QuantMatMul& call) {
  static constexpr MatMulItem kSingle{};
  return call.items.empty() ? std::span(&kSingle, 1) : call.items;
}

Result<Blocks> cut(const QuantMatMul& call, QuantKernel kernel, int threads) {
  Blocks b{StripSplit(call.m, kRows)};
  b.wide = kernel == QuantKernel::k_i8_pairs && b.split.count > 1;
  size_t group = group_of(kernel);
  KL_ASSIGN(b.depth, checked_add(call.k, group - 1));
  b.depth = b.depth / group * group;
  size_t target = b.split.count > 1 ? std::max(kBlockBytes / std::max<size_t>(b.depth, 1), 4 * kQuantPanel)
                                    : std::max<size_t>(call.n, 1);
  size_t blocks = std::max<size_t>(ceil_div(call.n, target), 1);
  size_t crew = static_cast<size_t>(threads), items = items_of(call).size();
  if (crew > 1 && items < 2 * crew) blocks = align_up(blocks, std::bit_ceil(crew));
  b.columns = align_up(std::max<size_t>(ceil_div(call.n, blocks), 1), kQuantPanel);
  b.column_blocks = ceil_div(call.n, b.columns);
  size_t tasks = items * b.column_blocks;
  b.row_groups = tasks >= crew ? 1 : std::min(b.split.count, ceil_div(crew, std::max<size_t>(tasks, 1)));
  b.strips = ceil_div(b.split.count, std::max<size_t>(b.row_groups, 1));

  KL_ASSIGN(size_t strip, checked_mul<size_t>(b.depth, kRows * sizeof(int16_t)));
  KL_ASSIGN(b.bytes_at, checked_add<size_t>(strip, 63));
  b.bytes_at &= ~size_t{63};
  KL_ASSIGN(b.panels_at, checked_add(b.bytes_at, call.a.packed ? 0 : align_up(strip / 2, 64)));
  b.slot = b.panels_at;
  if (!call.b.packed || b.wide) {
    KL_ASSIGN(size_t panels, checked_mul(b.columns, b.depth));
    KL_ASSIGN(b.panel_at, checked_add(b.panels_at, panels));
    if (b.wide) {
      KL_ASSIGN(b.panel_at, checked_add(b.panel_at, panels));
    }
    KL_ASSIGN(b.sums_at, checked_add(b.panel_at, b.wide ? b.depth * kQuantPanel : 0));
    KL_ASSIGN(size_t sums, checked_mul(b.columns, sizeof(int32_t)));
    KL_ASSIGN(b.slot, checked_add(b.sums_at, sums));
    KL_ASSIGN(b.slot, checked_add<size_t>(b.slot, 63));
    b.slot &= ~size_t{63};
  }
  return b;
}

template <class Form, class B>
void multiply_rows(size_t rows, const typename Form::Strip* a, const B* b, size_t groups, int32_t* sums) {
  switch (rows) {
    case 1:
      return Form::template multiply<1>(a, b, groups, sums);
    case 2:
      return Form::template multiply<2>(a, b, groups, sums);
    case 3:
      return Form::template multiply<3>(a, b, groups, sums);
    default:
      return Form::template multiply<4>(a, b, groups, sums);
  }
}

void widen(const uint8_t* from, size_t count, int16_t* to) {
  size_t i = 0;
  for (; i + 8 <= count; i += 8) store_words(load_widened(from + i), to + i);
  for (; i < count; ++i) to[i] = static_cast<int8_t>(from[i]);
}

// Columns [n0, n1) and strips [s0, s1) of one item.
template <class Form>
void run_task(const QuantMatMul& call, const Terms& terms, const Blocks& blocks, const MatMulItem& item,
              size_t n0, size_t n1, size_t s0, size_t s1, uint8_t* scratch) {
  size_t groups = blocks.depth / Form::kGroup, panel_bytes = blocks.depth * kQuantPanel;
  const uint8_t* panels = call.b.data;
  const int32_t* column_sums = nullptr;
  auto* words = reinterpret_cast<int16_t*>(scratch + blocks.panels_at);
  if (call.b.packed) {
    column_sums = reinterpret_cast<const int32_t*>(panels + ceil_div(call.n, kQuantPanel) * panel_bytes) + n0;
    panels += n0 / kQuantPanel * panel_bytes;
    if (blocks.wide) widen(panels, ceil_div(n1 - n0, kQuantPanel) * panel_bytes, words);
  } else {
    uint8_t* to = scratch + (blocks.wide ? blocks.panel_at : blocks.panels_at);
    size_t step = blocks.wide ? 0 : panel_bytes;
    auto* sums = reinterpret_cast<int32_t*>(scratch + blocks.sums_at);
    panels = to;
    column_sums = sums;
    ByteMatrix b = call.b;
    if (!call.pack) b.data += item.b;
    uint8_t flip = flip_of(b);
    for (size_t n = n0; n < n1; n += kQuantPanel, to += step, sums += kQuantPanel) {
      if (call.pack) {
        call.pack(call.pack_context, item.b, n, to);
      } else {
        copy_panel(b, call.k, n, std::min(kQuantPanel, n1 - n), to);
      }
      if (terms.a) sum_panel(to, call.k, flip, sums);
      interleave_panel(to, call.k, Form::kGroup, flip ^ (Form::kUnsignedB ? 0x80 : 0));
      if (blocks.wide) widen(to, panel_bytes, words + (n - n0) * blocks.depth);
    }
  }
  ByteMatrix a = call.a;
  a.data += item.a;
  auto* strip = reinterpret_cast<typename Form::Strip*>(scratch);
  for (size_t s = s0; s < s1; ++s) {
    size_t row = blocks.split.begin(s), rows = blocks.split.rows(s);
    const uint8_t* bytes = a.data + row * blocks.depth;
    int32_t unpacked_sums[kRows];
    const int32_t* row_sums = unpacked_sums;
    if (a.packed) {
      row_sums = reinterpret_cast<const int32_t*>(a.data + align_up(call.m * blocks.depth, 4)) + row;
    } else {
      copy_strip(a, row, rows, call.k, Form::kGroup, scratch + blocks.bytes_at);
      bytes = scratch + blocks.bytes_at;
      if (terms.b) sum_strip(a, row, rows, call.k, unpacked_sums);
    }
    const typename Form::Strip* operand = strip;
    if constexpr (std::is_same_v<Form, PairForm>) {
      widen(bytes, rows * blocks.depth, strip);
    } else {
      operand = bytes;
    }
    for (size_t n = n0; n < n1; n += kQuantPanel) {
      int32_t sums[kRows * kQuantPanel];
      size_t at = (n - n0) * blocks.depth;
      if constexpr (std::is_same_v<Form, PairForm>) {
        if (blocks.wide) {
          multiply_rows<Form>(rows, operand, words + at, groups, sums);
        } else {
          multiply_rows<Form>(rows, operand, panels + at, groups, sums);
        }
      } else {
        multiply_rows<Form>(rows, operand, panels + at, groups, sums);
      }
      finish(call, terms, sums, row, rows, n, std::min(kQuantPanel, n1 - n), row_sums, column_sums + (n - n0),
             item.c);
    }
  }
}

}  // namespace

const char* quant_kernel_name(QuantKernel kernel) { return kNames[static_cast<size_t>(kernel)]; }

bool quant_accepts(QuantKernel kernel) {
  if (!kHasDot && kernel != QuantKernel::k_i8_pairs) return false;
  return with_form(kernel, []<class Form>() { return exact<Form>(); });
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
  KL_ASSIGN(size_t depth, checked_add(k, group_of(kernel)));
  KL_ASSIGN(size_t bytes, checked_mul(m, depth));
  KL_ASSIGN(size_t sums, checked_mul(m + 1, sizeof(int32_t)));
  return checked_add(bytes, sums);
}

Result<size_t> quant_packed_b_bytes(size_t k, size_t n, QuantKernel kernel) {
  KL_ASSIGN(size_t depth, checked_add(k, group_of(kernel) + sizeof(int32_t)));
  KL_ASSIGN(size_t columns, checked_add(n, kQuantPanel - 1));
  return checked_mul(columns / kQuantPanel * kQuantPanel, depth);
}

void quant_pack_a(const ByteMatrix& a, size_t m, size_t k, QuantKernel kernel, uint8_t* packed) {
  size_t group = group_of(kernel), depth = ceil_div(k, group) * group;
  StripSplit split(m, kRows);
  auto* sums = reinterpret_cast<int32_t*>(packed + align_up(m * depth, 4));
  for (size_t s = 0; s < split.count; ++s) {
    copy_strip(a, split.begin(s), split.rows(s), k, group, packed + split.begin(s) * depth);
    sum_strip(a, split.begin(s), split.rows(s), k, sums + split.begin(s));
  }
}

void quant_pack_b(const ByteMatrix& b, size_t k, size_t n, QuantKernel kernel, uint8_t* packed) {
  size_t group = group_of(kernel), depth = ceil_div(k, group) * group;
  auto* sums = reinterpret_cast<int32_t*>(packed + ceil_div(n, kQuantPanel) * kQuantPanel * depth);
  uint8_t flip = flip_of(b);
  for (size_t j = 0; j < n; j += kQuantPanel, packed += depth * kQuantPanel, sums += kQuantPanel) {
    copy_panel(b, k, j, std::min(kQuantPanel, n - j), packed);
    sum_panel(packed, k, flip, sums);
    interleave_panel(packed, k, group, flip ^ (unsigned_b(kernel) ? 0x80 : 0));
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
  Terms terms(call, unsigned_b(kernel));
  std::span<const MatMulItem> items = items_of(call);
  size_t per_item = b.column_blocks * b.row_groups;
  parallel_slots(pool, items.size() * per_item, [&](size_t thread, size_t index) {
    const MatMulItem& item = items[index / per_item];
    size_t group = index % per_item / b.column_blocks, column = index % b.column_blocks;
    size_t n0 = column * b.columns, n1 = std::min(call.n, n0 + b.columns);
    size_t s0 = group * b.strips, s1 = std::min(b.split.count, s0 + b.strips);
    uint8_t* memory = static_cast<uint8_t*>(scratch) + thread * b.slot;
    with_form(kernel, [&]<class Form>() { run_task<Form>(call, terms, b, item, n0, n1, s0, s1, memory); });
  });
}

}  // namespace kinglet
