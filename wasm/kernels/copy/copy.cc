#include "kernels/copy/copy.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "base/checked.h"
#include "kernels/copy/element.h"
#include "simd/transpose.h"

namespace kinglet::kernels {

namespace {

// Bytes that one call of a body should move at least.
constexpr int64_t kGrainBytes = 1 << 16;

// Two innermost loops; steps count elements.
struct Tile {
  int64_t rows, columns;
  int64_t source_row, source_column;
  int64_t target_row, target_column;
};

template <class T>
void copy_elements(const T* source, T* target, int64_t count) {
  if constexpr (std::is_trivially_copyable_v<T>) {
    // A short run costs less than a call.
    if (count * static_cast<int64_t>(sizeof(T)) > 64) {
      std::memcpy(target, source, static_cast<size_t>(count) * sizeof(T));
      return;
    }
  }
#pragma clang loop vectorize(disable) unroll(disable)
  for (int64_t i = 0; i < count; ++i) target[i] = source[i];
}

template <class T>
void copy_tile(const Tile& t, const T* source, T* target) {
  for (int64_t r = 0; r < t.rows; ++r, source += t.source_row, target += t.target_row) {
    if (t.target_column == 1 && t.source_column == 1) {
      copy_elements(source, target, t.columns);
    } else if (t.target_column == 1 && t.source_column == 0) {
      std::fill_n(target, t.columns, *source);
    } else {
#pragma clang loop vectorize(disable)
      for (int64_t c = 0; c < t.columns; ++c) target[c * t.target_column] = source[c * t.source_column];
    }
  }
}

// source_row == 1 and target_column == 1: in blocks, so that both sides stay in cache.
template <class T>
void transpose_tile(const Tile& t, const T* source, T* target) {
  constexpr int64_t kBlock = 16;
  for (int64_t c0 = 0; c0 < t.columns; c0 += kBlock) {
    int64_t columns = std::min(kBlock, t.columns - c0);
    for (int64_t r0 = 0; r0 < t.rows; r0 += kBlock) {
      int64_t rows = std::min(kBlock, t.rows - r0), r = 0;
      if constexpr (std::is_same_v<T, uint32_t>) {
        for (; r + 4 <= rows; r += 4) {
          int64_t c = 0;
          const T* s = source + c0 * t.source_column + r0 + r;
          T* d = target + (r0 + r) * t.target_row + c0;
          for (; c + 4 <= columns; c += 4)
            transpose_4x4(s + c * t.source_column, t.source_column, d + c, t.target_row);
          for (; c < columns; ++c) {
            for (int64_t i = 0; i < 4; ++i) d[i * t.target_row + c] = s[c * t.source_column + i];
          }
        }
      }
      for (; r < rows; ++r) {
        const T* s = source + c0 * t.source_column + r0 + r;
        T* d = target + (r0 + r) * t.target_row + c0;
#pragma clang loop vectorize(disable)
        for (int64_t c = 0; c < columns; ++c) d[c] = s[c * t.source_column];
      }
    }
  }
}

template <class T>
void run_tile(const Tile& t, const void* source, int64_t source_at, void* target, int64_t target_at) {
  const T* s = static_cast<const T*>(source) + source_at;
  T* d = static_cast<T*>(target) + target_at;
  if (t.source_row == 1 && t.target_column == 1 && t.source_column != 1 && t.source_column != 0)
    transpose_tile(t, s, d);
  else
    copy_tile(t, s, d);
}

}  // namespace

Box make_box(const Shape& extents, const Shape& source_strides, const Shape& target_strides) {
  Box box;
  for (size_t i = 0; i < extents.size(); ++i) box.add(extents[i], source_strides[i], target_strides[i]);
  return box;
}

void collapse(Box* box) {
  std::vector<Box::Dim> out;
  for (const Box::Dim& d : box->dims) {
    if (d.extent == 1) continue;
    if (!out.empty() && out.back().source == d.source * d.extent &&
        out.back().target == d.target * d.extent) {
      out.back() = {out.back().extent * d.extent, d.source, d.target};
    } else {
      out.push_back(d);
    }
  }
  box->dims = std::move(out);
}

void copy_box(const Box& box, int bytes, const void* source, void* target, Parallel& parallel) {
  std::vector<Box::Dim> outer = box.dims;
  int64_t count = 1;
  for (const Box::Dim& d : outer) count *= d.extent;
  if (count == 0) return;
  Box::Dim column{1, 1, 1}, row{1, 0, 0};
  if (!outer.empty()) column = outer.back(), outer.pop_back();
  if (!outer.empty()) {
    // Rows that are adjacent in the source make the tile a transposition.
    auto at = outer.end() - 1;
    if (column.target == 1 && column.source != 1 && column.source != 0) {
      auto adjacent = std::ranges::find(outer, 1, &Box::Dim::source);
      if (adjacent != outer.end()) at = adjacent;
    }
    row = *at;
    outer.erase(at);
  }
  if (outer.empty() && row.extent == 1) {
    // One long run: threads take pieces of it.
    auto piece = [&](size_t begin, size_t end) {
      auto at = static_cast<int64_t>(begin);
      Tile tile{1, static_cast<int64_t>(end) - at, 0, column.source, 0, column.target};
      with_element(bytes, [&]<class T>() {
        run_tile<T>(tile, source, box.source_offset + at * column.source, target,
                    box.target_offset + at * column.target);
      });
    };
    parallel_for(parallel, static_cast<size_t>(count), static_cast<size_t>(kGrainBytes / element_step(bytes)),
                 piece);
    return;
  }
  int64_t rows_per_unit = std::clamp<int64_t>(kGrainBytes / (column.extent * element_step(bytes)), 16,
                                              row.extent < 16 ? 16 : row.extent);
  int64_t units_per_tile = ceil_div(row.extent, rows_per_unit);
  int64_t units = units_per_tile;
  for (const Box::Dim& d : outer) units *= d.extent;
  int64_t unit_bytes = std::min(rows_per_unit, row.extent) * column.extent * element_step(bytes);
  auto body = [&](size_t begin, size_t end) {
    for (auto unit = static_cast<int64_t>(begin); unit < static_cast<int64_t>(end); ++unit) {
      int64_t source_at = box.source_offset, target_at = box.target_offset, rest = unit / units_per_tile;
      for (size_t i = outer.size(); i-- > 0;) {
        int64_t index = rest % outer[i].extent;
        rest /= outer[i].extent;
        source_at += index * outer[i].source;
        target_at += index * outer[i].target;
      }
      int64_t first = unit % units_per_tile * rows_per_unit;
      Tile tile{std::min(rows_per_unit, row.extent - first),
                column.extent,
                row.source,
                column.source,
                row.target,
                column.target};
      source_at += first * row.source;
      target_at += first * row.target;
      with_element(bytes, [&]<class T>() { run_tile<T>(tile, source, source_at, target, target_at); });
    }
  };
  parallel_for(parallel, static_cast<size_t>(units), static_cast<size_t>(kGrainBytes / unit_bytes), body);
}

void fill(int bytes, const void* value, void* target, int64_t count, Parallel& parallel) {
  Box box;
  box.add(count, 0, 1);
  copy_box(box, bytes, value, target, parallel);
}

void copy_run(int bytes, const void* source, void* target, int64_t count) {
  with_element(bytes, [&]<class T>() {
    copy_elements(static_cast<const T*>(source), static_cast<T*>(target), count);
  });
}

}  // namespace kinglet::kernels
