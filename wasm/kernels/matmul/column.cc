// Matrix times vector: each element of A or B is read once, so the loops follow its layout.
#include "kernels/matmul/column.h"

#include "base/checked.h"
#include "kernels/matmul/driver.h"

namespace kinglet::matmul_internal {

namespace {

// What follows the sum of one element of C.
template <class T>
T finish(const MatMul<T>& call, const MatMulItem& item, size_t i, size_t j, T sum) {
  sum *= call.alpha;
  if (call.row_bias) sum += call.row_bias[item.row_bias + i];
  if (call.column_bias) sum += call.column_bias[j];
  if (call.residual) sum += call.residual[item.c + i * call.c_row + j];
  return sum;
}

// R dot products of rows of a with x.
template <int R>
void dots(const float* a, size_t a_row, const float* x, size_t k, float* out) {
  using V = Vec<float>;
  constexpr size_t L = V::kLanes;
  V sum[R];
#pragma unroll
  for (V& s : sum) s = V::splat(0.0f);
  size_t p = 0;
#pragma nounroll
  for (; p + L <= k; p += L) {
    V y = V::load(x + p);
#pragma unroll
    for (int r = 0; r < R; ++r) sum[r] = madd(V::load(a + r * a_row + p), y, sum[r]);
  }
#pragma unroll
  for (int r = 0; r < R; ++r) {
    float tail = 0;
    for (size_t q = p; q < k; ++q) tail += a[r * a_row + q] * x[q];
    out[r] = kinglet::sum(sum[r]) + tail;
  }
}

}  // namespace

void run_dot(const MatMul<float>& call, void* scratch, Parallel& pool) {
  bool column = call.n == 1 && !call.a.packed && call.a.column == 1;
  const MatrixView<float>& matrix = column ? call.a : call.b;
  const MatrixView<float>& vector = column ? call.b : call.a;
  size_t count = column ? call.m : call.n;
  size_t line = column ? matrix.row : matrix.column;
  size_t step = column ? vector.row : vector.column;
  std::span<const MatMulItem> items = items_of(call);
  size_t chunk = align_up(std::max<size_t>(ceil_div<size_t>(32 * 1024, call.k + 1), 8), 8);
  size_t chunks = ceil_div(count, chunk);
  parallel_slots(pool, items.size() * chunks, [&](size_t thread, size_t index) {
    const MatMulItem& item = items[index / chunks];
    const float* a = matrix.data + (column ? item.a : item.b);
    const float* x = vector.data + (column ? item.b : item.a);
    if (step != 1) {
      float* copy = static_cast<float*>(scratch) + thread * call.k;
      for (size_t p = 0; p < call.k; ++p) copy[p] = x[p * step];
      x = copy;
    }
    size_t end = std::min(count, (index % chunks + 1) * chunk);
    for (size_t i = index % chunks * chunk; i < end;) {
      float sums[8];
      size_t rows = std::min<size_t>(8, end - i);
      if (rows == 8) {
        dots<8>(a + i * line, line, x, call.k, sums);
      } else {
        for (size_t r = 0; r < rows; ++r) dots<1>(a + (i + r) * line, line, x, call.k, sums + r);
      }
      for (size_t r = 0; r < rows; ++r, ++i) {
        size_t row = column ? i : 0, col = column ? 0 : i;
        float* c = call.c + item.c + row * call.c_row + col;
        *c = finish(call, item, row, col, sums[r]);
        if (call.c_row != 1 && column) activate(call.activation, c, 1);
      }
    }
    if (call.c_row == 1 || !column) {
      size_t begin = index % chunks * chunk;
      activate(call.activation, call.c + item.c + begin, end - begin);
    }
  });
}

namespace {

// Sums of so many panels side by side: with four of them one element of x serves eight vectors.
template <int Panels>
inline void panels_times_row(const float* b, const float* x, size_t step, size_t k, float* out) {
  using V = Vec<float>;
  constexpr int L = V::kLanes;
  const size_t panel = 2 * L * k;
  V sum[Panels][2];
#pragma unroll
  for (auto& of_panel : sum) of_panel[0] = of_panel[1] = V::splat(0.0f);
#pragma nounroll
  for (size_t p = 0; p < k; ++p, b += 2 * L, x += step) {
    V y = V::load_splat(x);
#pragma unroll
    for (int q = 0; q < Panels; ++q) {
      sum[q][0] = madd(V::load(b + q * panel), y, sum[q][0]);
      sum[q][1] = madd(V::load(b + q * panel + L), y, sum[q][1]);
    }
  }
#pragma unroll
  for (int q = 0; q < Panels; ++q) {
    sum[q][0].store(out + 2 * L * q);
    sum[q][1].store(out + 2 * L * q + L);
  }
}

// One row of A, B packed.
void run_row(const MatMul<float>& call, Parallel& pool) {
  constexpr size_t width = kPanelWidth<float>;
  static_assert(width == 8);
  std::span<const MatMulItem> items = items_of(call);
  size_t chunk = 4 * width * std::max<size_t>(ceil_div<size_t>(2 * 1024, call.k + 1), 1);
  size_t chunks = ceil_div(call.n, chunk);
  bool plain = call.alpha == 1 && !call.row_bias && !call.column_bias && !call.residual;
  parallel_slots(pool, items.size() * chunks, [&](size_t, size_t index) {
    const MatMulItem& item = items[index / chunks];
    size_t begin = index % chunks * chunk, end = std::min(call.n, begin + chunk);
    float* c = call.c + item.c;
    const float* x = call.a.data + item.a;
    for (size_t j = begin; j < end;) {
      float sums[4 * width];
      const float* b = call.b.data + item.b + j * call.k;
      size_t columns = std::min(end - j, 4 * width);
      if (columns == 4 * width) {
        panels_times_row<4>(b, x, call.a.column, call.k, sums);
      } else {
        columns = std::min(columns, width);
        column_strip<2>(b, width, x, call.a.column, call.k, sums);
      }
      for (size_t q = 0; !plain && q < columns; ++q) sums[q] = finish(call, item, 0, j + q, sums[q]);
      std::copy_n(sums, columns, c + j);
      j += columns;
    }
    activate(call.activation, c + begin, end - begin);
  });
}

}  // namespace

void run_column(const MatMul<float>& call, void* scratch, Parallel& pool) {
  constexpr size_t width = kPanelWidth<float>;
  if (call.n != 1) return run_row(call, pool);
  StripSplit split(call.m, kStripRows<float>);
  std::span<const MatMulItem> items = items_of(call);
  size_t chunk = std::max<size_t>(ceil_div<size_t>(8 * 1024, call.k + 1), 1);
  size_t chunks = call.pack ? 1 : ceil_div(split.count, chunk);
  if (call.pack) chunk = split.count;
  parallel_slots(pool, items.size() * chunks, [&](size_t thread, size_t index) {
    const MatMulItem& item = items[index / chunks];
    const float* x = call.b.data + item.b;
    size_t step = call.b.packed ? width : call.b.row;
    if (call.pack) {
      float* panel = static_cast<float*>(scratch) + thread * width * call.k;
      call.pack(call.pack_context, item.b, 0, call.k, 0, 1, panel);
      x = panel;
      step = width;
    }
    size_t end = std::min(split.count, (index % chunks + 1) * chunk);
    for (size_t s = index % chunks * chunk; s < end; ++s) {
      float sums[8];
      size_t row = split.begin(s), rows = split.rows(s);
      const float* a = call.a.data + item.a + row * call.k;
      strip_times_column(a, rows, x, step, call.k, sums);
      for (size_t r = 0; r < rows; ++r) {
        float* c = call.c + item.c + (row + r) * call.c_row;
        *c = finish(call, item, row + r, 0, sums[r]);
        activate(call.activation, c, 1);
      }
    }
  });
}

}  // namespace kinglet::matmul_internal
