#pragma once
// The blocked driver around the tiles.
#include <limits>

#include "base/checked.h"
#include "kernels/matmul/matmul.h"
#include "kernels/matmul/pack.h"
#include "kernels/matmul/tile.h"

namespace kinglet::matmul_internal {

inline constexpr MatMulItem kSingle{};

template <class T>
std::span<const MatMulItem> items_of(const MatMul<T>& call) {
  return call.items.empty() ? std::span(&kSingle, 1) : call.items;
}

// Depth of a block. Strips of packed A follow each other in memory only where they are whole; then weights
// come from memory as fast as they are used, which is worth more than strips that stay in the first-level
// cache.
inline constexpr size_t kDepth = 2304;
// Elements of a block of B, which stays in the second-level cache while strips of A pass.
inline constexpr size_t kBlockElements = 64 * 1024;

template <class T>
using StripFunction = void (*)(const Strip<T>&);

// functions[rows - 1][packed A][packed B]. Other types than float always pack both.
template <class T>
struct StripTable {
  StripFunction<T> functions[kStripRows<T>][2][2];
};
template <class T, int R>
constexpr void fill_row(StripTable<T>& table) {
  auto& f = table.functions[R - 1];
  f[1][1] = strip<T, R, true, BForm::kPanels>;
  if constexpr (std::is_same_v<T, float>) {
    f[1][0] = strip<T, R, true, BForm::kRows>;
    f[0][1] = strip<T, R, false, BForm::kPanels>;
  }
}
template <class T, int Rows>
constexpr StripTable<T> make_table() {
  StripTable<T> table{};
  fill_row<T, 1>(table);
  if constexpr (Rows > 1) fill_row<T, 2>(table);
  if constexpr (Rows > 2) fill_row<T, 3>(table);
  if constexpr (Rows > 3) fill_row<T, 4>(table);
  if constexpr (Rows > 4) fill_row<T, 5>(table);
  if constexpr (Rows > 5) fill_row<T, 6>(table);
  return table;
}

// How a call is cut. Columns are cut into blocks of `columns`, depth into blocks of `depth`, rows into groups
// of `strips` strips where there are too few column blocks for the threads.
struct Blocks {
  StripSplit split;
  bool pack_a = false, pack_b = false;  // into scratch, block by block
  size_t depth = 1, columns = 0;        // columns: a multiple of the panel width
  size_t column_blocks = 1, row_groups = 1, strips = 0;
};

template <class T>
Blocks cut(const MatMul<T>& call, size_t rows, int threads) {
  constexpr size_t width = kPanelWidth<T>;
  constexpr bool in_place = std::is_same_v<T, float>;
  Blocks b{StripSplit(call.m, rows)};
  // alpha goes into A where A is packed here, otherwise into B.
  bool scaled = call.alpha != T{1};
  // B in place: only few strips would read the packed form. More of them find rows in the first-level cache
  // again where those do not share few of its sets.
  size_t few = call.b.row % 256 != 0 && call.k <= 256 ? 8 : 3;
  b.pack_b = !call.b.packed && (call.pack != nullptr || !in_place || call.b.column != 1 ||
                                b.split.count > few || (scaled && call.a.packed));
  bool b_in_place = !call.b.packed && !b.pack_b;
  b.pack_a = !call.a.packed && (call.a.column != 1 || !in_place || b_in_place || (scaled && !b.pack_b));
  size_t depths = std::max<size_t>(ceil_div(call.k, kDepth), 1);
  b.depth = std::max<size_t>(ceil_div(call.k, depths), 1);
  size_t target = b.split.count > 1 ? std::max(kBlockElements / b.depth, 2 * width) : call.n;
  size_t items = items_of(call).size();
  size_t blocks = std::max<size_t>(ceil_div(call.n, std::max<size_t>(target, 1)), 1);
  size_t crew = static_cast<size_t>(threads), alone = blocks;
  if (crew > 1 && items < 2 * crew) blocks = align_up(blocks, std::bit_ceil(crew));
  auto cut_columns = [&](size_t count) {
    b.columns = align_up(std::max<size_t>(ceil_div(call.n, count), 1), width);
    b.column_blocks = ceil_div(call.n, b.columns);
  };
  cut_columns(blocks);
  size_t tasks = items * b.column_blocks;
  b.row_groups = tasks >= crew ? 1 : std::min(b.split.count, ceil_div(crew, std::max<size_t>(tasks, 1)));
  // With few blocks the threads may do better with the rows shared, and B packed by each. What one of them
  // does, in products of a row of A and a column: reading the row takes as long as some, packing too.
  constexpr uint64_t kRead = 4, kPack = 12;
  if (in_place && crew > 1 && items == 1 && b.pack_b && tasks < 4 * crew) {
    uint64_t share = std::min(ceil_div(b.split.count, crew) * rows, call.m) + kPack;
    uint64_t by_columns = ceil_div(b.column_blocks, crew) * (b.columns + kRead) * (call.m + kPack);
    if ((align_up(call.n, width) + alone * kRead) * share < by_columns / std::max<size_t>(b.row_groups, 1)) {
      cut_columns(alone);
      b.row_groups = std::min(b.split.count, crew);
    }
  }
  b.strips = ceil_div(b.split.count, std::max<size_t>(b.row_groups, 1));
  return b;
}

// Elements of scratch for one thread.
template <class T>
Result<size_t> slot_elements(const MatMul<T>& call, const Blocks& b) {
  constexpr size_t width = kPanelWidth<T>;
  size_t a = 0, panels = 0;
  if (b.pack_a) {
    KL_ASSIGN(a, checked_mul(b.strips * kStripRows<T>, b.depth));
    KL_ASSIGN(a, checked_add(a, kStripRows<T>));
  }
  if (b.pack_b) {
    KL_ASSIGN(panels, checked_mul(b.columns, b.depth));
  } else if (!call.b.packed) {
    panels = width * b.depth;  // the last columns, which do not fill a panel
  }
  KL_ASSIGN(size_t sum, checked_add(a, panels));
  return align_up(sum, 16);
}

template <class T>
void clamp_of(const MatMul<T>& call, T* lo, T* hi) {
  *lo = std::numeric_limits<T>::lowest();
  *hi = std::numeric_limits<T>::max();
  if constexpr (std::is_floating_point_v<T>) {
    *lo = -std::numeric_limits<T>::infinity();
    *hi = std::numeric_limits<T>::infinity();
  }
  if constexpr (std::is_same_v<T, float>) is_clamp(call.activation, lo, hi);
}

template <class T>
bool needs_activation(const MatMul<T>& call) {
  float lo, hi;
  return std::is_same_v<T, float> && !is_clamp(call.activation, &lo, &hi);
}

// One task: columns [n0, n1) and strips [s0, s1) of one item, over the whole depth.
template <class T>
class Task {
 public:
  Task(const MatMul<T>& call, const Blocks& blocks, const StripTable<T>& table, const MatMulItem& item,
       T* scratch)
      : call_(call), blocks_(blocks), table_(table), item_(item), a_scratch_(scratch), b_scratch_(scratch) {
    if (blocks.pack_a)
      b_scratch_ += align_up(blocks.strips * kStripRows<T> * blocks.depth + kStripRows<T>, 4);
  }

  void run(size_t n0, size_t n1, size_t s0, size_t s1, Parallel& pool) {
    // Without depth there is one block of depth zero: biases and activation still apply.
    size_t k0 = 0;
    do {
      size_t k1 = std::min(call_.k, k0 + blocks_.depth);
      block(k0, k1, n0, n1, s0, s1);
      k0 = k1;
    } while (k0 < call_.k && !cancelled(pool));
  }

 private:
  void block(size_t k0, size_t k1, size_t n0, size_t n1, size_t s0, size_t s1) {
    constexpr size_t width = kPanelWidth<T>;
    const StripSplit& split = blocks_.split;
    Strip<T> s{};
    s.k = k1 - k0;
    s.c_row = call_.c_row;
    s.a_row = call_.a.row;
    s.b_row = call_.b.row;
    bool first = k0 == 0, last = k1 == call_.k;
    clamp_of(call_, &s.lo, &s.hi);
    if (!last) {
      MatMul<T> plain;
      clamp_of(plain, &s.lo, &s.hi);
    }
    // The part of the columns that is read in place, and the rest, which is packed.
    size_t direct = !blocks_.pack_b && !call_.b.packed && s.k > 0 ? (n1 - n0) / width * width : 0;
    const T* panels = b_scratch_;
    size_t panel = s.k * width;
    MatrixView<T> b = call_.b;
    if (s.k > 0 && !call_.pack) b.data += item_.b;
    T b_alpha = blocks_.pack_a || !blocks_.pack_b ? T{1} : call_.alpha;
    if (s.k == 0) {
      // Operands without elements may have no memory: nothing is read.
    } else if (call_.b.packed) {
      panels = b.data + n0 * call_.k + k0 * width;
      panel = call_.k * width;
    } else if (call_.pack) {
      call_.pack(call_.pack_context, item_.b, k0, k1, n0, n1, b_scratch_);
    } else if (n0 + direct < n1) {
      pack_panels(b, k0, k1, n0 + direct, n1, b_alpha, b_scratch_);
    }
    for (size_t i = s0; i < s1; ++i) {
      size_t row = split.begin(i), rows = split.rows(i);
      if (s.k == 0) {
        s.a = nullptr;
      } else if (blocks_.pack_a) {
        T* strip_a = a_scratch_ + (row - split.begin(s0)) * blocks_.depth;
        MatrixView<T> a = call_.a;
        a.data += item_.a;
        pack_rows(a, row, rows, k0, k1, call_.alpha, strip_a);
        s.a = strip_a;
      } else if (call_.a.packed) {
        s.a = call_.a.data + item_.a + row * call_.k + k0 * rows;
      } else {
        s.a = call_.a.data + item_.a + row * call_.a.row + k0;
      }
      s.row_bias = first && call_.row_bias ? call_.row_bias + item_.row_bias + row : nullptr;
      bool packed_a = blocks_.pack_a || call_.a.packed;
      auto& functions = table_.functions[rows - 1][packed_a];
      auto go = [&](size_t from, size_t to, bool packed_b, const T* operand) {
        s.n = to - from;
        s.b = operand;
        s.b_panel = panel;
        s.c = call_.c + item_.c + row * call_.c_row + from;
        s.init = !first           ? s.c
                 : call_.residual ? call_.residual + item_.c + row * call_.c_row + from
                                  : nullptr;
        s.column_bias = first && call_.column_bias ? call_.column_bias + from : nullptr;
        functions[packed_b](s);
      };
      if (direct > 0) go(n0, n0 + direct, false, b.data + k0 * call_.b.row + n0);
      if (n0 + direct < n1) go(n0 + direct, n1, true, panels);
      if constexpr (std::is_same_v<T, float>) {
        if (last && needs_activation(call_)) {
          for (size_t r = row; r < row + rows; ++r)
            activate(call_.activation, call_.c + item_.c + r * call_.c_row + n0, n1 - n0);
        }
      }
    }
  }

  const MatMul<T>& call_;
  const Blocks& blocks_;
  const StripTable<T>& table_;
  const MatMulItem& item_;
  T* a_scratch_;
  T* b_scratch_;
};

template <class T, int Rows>
void run_tiles(const MatMul<T>& call, void* scratch, Parallel& pool) {
  static constexpr StripTable<T> table = make_table<T, Rows>();
  Blocks blocks = cut(call, Rows, pool.threads());
  Result<size_t> slot = slot_elements(call, blocks);
  if (!slot.ok()) return;  // matmul_scratch_bytes has said so
  std::span<const MatMulItem> items = items_of(call);
  size_t per_item = blocks.column_blocks * blocks.row_groups;
  parallel_slots(pool, items.size() * per_item, [&](size_t thread, size_t index) {
    const MatMulItem& item = items[index / per_item];
    size_t group = index % per_item / blocks.column_blocks, column = index % blocks.column_blocks;
    size_t n0 = column * blocks.columns, n1 = std::min(call.n, n0 + blocks.columns);
    size_t s0 = group * blocks.strips, s1 = std::min(blocks.split.count, s0 + blocks.strips);
    Task<T>(call, blocks, table, item, static_cast<T*>(scratch) + thread * *slot).run(n0, n1, s0, s1, pool);
  });
}

}  // namespace kinglet::matmul_internal
