// Matrix times vector: each element of A or B is read once, so the loops follow its layout.
#include "kernels/matmul/column.h"

#include <bit>

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

// What is multiplied lies in `units`, rows of a matrix or panels, of so many elements each. They are read as
// streams that lie far apart, each from its begin to its end: memory serves some long ones faster than one,
// or than some that end with each unit.
constexpr size_t kStreams = 4;

// Units of each stream. AMD's first-level cache finds lines by a hash of their addresses, the same for some
// that lie 31 or 33 times a power of two apart: those drive each other out.
size_t stream_length(size_t units, size_t elements) {
  size_t length = units / kStreams;
  size_t pages = length * elements * sizeof(float) / 4096;
  if (pages == 0) return length;
  pages >>= std::countr_zero(pages);
  return pages == 31 || pages == 33 ? length - 1 : length;
}

// start(slot, item) gives the vector; group(item, x, i, length): units i, i + length, ...; single(item, x,
// i); done(item, i, count) when these have been summed.
template <class Start, class Group, class Single, class Done>
void run_streams(Parallel& pool, size_t items, size_t units, size_t elements, Start&& start, Group&& group,
                 Single&& single, Done&& done) {
  size_t length = stream_length(units, elements);
  size_t chunk = ceil_div<size_t>(16 * 1024, elements + 1);
  size_t chunks = std::max<size_t>(ceil_div(length, chunk), 1);
  parallel_slots(pool, items * chunks, [&](size_t slot, size_t index) {
    size_t item = index / chunks;
    size_t begin = index % chunks * chunk, end = std::min(length, begin + chunk);
    const float* x = start(slot, item);
    for (size_t i = begin; i < end; ++i) group(item, x, i, length);
#pragma nounroll
    for (size_t q = 0; q < kStreams; ++q) done(item, q * length + begin, end - begin);
    if (end < length) return;
    for (size_t i = kStreams * length; i < units; ++i) single(item, x, i);
    done(item, kStreams * length, units - kStreams * length);
  });
}

// R dot products with x, of rows that lie `apart` from each other.
template <int R>
__attribute__((noinline)) void dots(const float* a, size_t apart, const float* x, size_t k, float* out) {
  using V = Vec<float>;
  constexpr size_t L = V::kLanes;
  constexpr size_t U = 8 / R;  // eight sums hide the latency of one
  V sum[U][R];
#pragma unroll
  for (auto& of_rows : sum) {
#pragma unroll
    for (V& s : of_rows) s = V::splat(0.0f);
  }
  size_t p = 0;
#pragma nounroll
  for (; p + U * L <= k; p += U * L) {
#pragma unroll
    for (size_t u = 0; u < U; ++u) {
      V y = V::load(x + p + u * L);
#pragma unroll
      for (int r = 0; r < R; ++r) sum[u][r] = madd(V::load(a + r * apart + p + u * L), y, sum[u][r]);
    }
  }
#pragma unroll
  for (int r = 0; r < R; ++r) {
    float tail = 0;
#pragma clang loop vectorize(disable) unroll(disable)
    for (size_t q = p; q < k; ++q) tail += a[r * apart + q] * x[q];
    V total = sum[0][r];
#pragma unroll
    for (size_t u = 1; u < U; ++u) total = total + sum[u][r];
    out[r] = kinglet::sum(total) + tail;
  }
}

}  // namespace

void run_dot(const MatMul<float>& call, void* scratch, Parallel& pool) {
  bool column = call.n == 1 && !call.a.packed && call.a.column == 1;
  const MatrixView<float>& matrix = column ? call.a : call.b;
  const MatrixView<float>& vector = column ? call.b : call.a;
  size_t line = column ? matrix.row : matrix.column;
  size_t step = column ? vector.row : vector.column;
  std::span<const MatMulItem> items = items_of(call);
  auto row_of = [&](size_t item, size_t i) {
    return matrix.data + (column ? items[item].a : items[item].b) + i * line;
  };
  auto at = [&](size_t item, size_t i) { return call.c + items[item].c + i * (column ? call.c_row : 1); };
  auto put = [&](size_t item, size_t i, float sum) {
    *at(item, i) = finish(call, items[item], column ? i : 0, column ? 0 : i, sum);
  };
  run_streams(
      pool, items.size(), column ? call.m : call.n, call.k,
      [&](size_t slot, size_t item) {
        const float* x = vector.data + (column ? items[item].b : items[item].a);
        if (step == 1) return x;
        float* copy = static_cast<float*>(scratch) + slot * call.k;
#pragma clang loop vectorize(disable) unroll(disable)
        for (size_t p = 0; p < call.k; ++p) copy[p] = x[p * step];
        return static_cast<const float*>(copy);
      },
      [&](size_t item, const float* x, size_t i, size_t length) {
        float sums[kStreams];
        dots<kStreams>(row_of(item, i), length * line, x, call.k, sums);
#pragma nounroll
        for (size_t q = 0; q < kStreams; ++q) put(item, i + q * length, sums[q]);
      },
      [&](size_t item, const float* x, size_t i) {
        float sum;
        dots<1>(row_of(item, i), 0, x, call.k, &sum);
        put(item, i, sum);
      },
      [&](size_t item, size_t i, size_t count) {
        if (call.c_row == 1 || !column) return activate(call.activation, at(item, i), count);
        for (size_t end = i + count; i < end; ++i) activate(call.activation, at(item, i), 1);
      });
}

namespace {

// Sums of panels that lie `apart` from each other: one element of x serves eight vectors.
inline void panels_times_row(const float* b, size_t apart, const float* x, size_t step, size_t k,
                             float* out) {
  using V = Vec<float>;
  constexpr int L = V::kLanes;
  V sum[kStreams][2];
#pragma unroll
  for (auto& of_panel : sum) of_panel[0] = of_panel[1] = V::splat(0.0f);
#pragma nounroll
  for (size_t p = 0; p < k; ++p, b += 2 * L, x += step) {
    V y = V::load_splat(x);
#pragma unroll
    for (size_t q = 0; q < kStreams; ++q) {
      sum[q][0] = madd(V::load(b + q * apart), y, sum[q][0]);
      sum[q][1] = madd(V::load(b + q * apart + L), y, sum[q][1]);
    }
  }
#pragma unroll
  for (size_t q = 0; q < kStreams; ++q) {
    sum[q][0].store(out + 2 * L * q);
    sum[q][1].store(out + 2 * L * q + L);
  }
}

// One row of A, B packed.
void run_row(const MatMul<float>& call, Parallel& pool) {
  constexpr size_t width = kPanelWidth<float>;
  static_assert(width == 8);
  std::span<const MatMulItem> items = items_of(call);
  size_t panel = width * call.k, step = call.a.column;
  bool plain = call.alpha == 1 && !call.row_bias && !call.column_bias && !call.residual;
  auto put = [&](const MatMulItem& item, size_t j, const float* sums) {
    size_t columns = std::min(call.n - j, width);
    float* c = call.c + item.c + j;
#pragma clang loop vectorize(disable) unroll(disable)
    for (size_t q = 0; q < columns; ++q) c[q] = plain ? sums[q] : finish(call, item, 0, j + q, sums[q]);
  };
  run_streams(
      pool, items.size(), ceil_div(call.n, width), panel,
      [&](size_t, size_t item) { return call.a.data + items[item].a; },
      [&](size_t item, const float* x, size_t i, size_t length) {
        float sums[kStreams * width];
        panels_times_row(call.b.data + items[item].b + i * panel, length * panel, x, step, call.k, sums);
#pragma nounroll
        for (size_t q = 0; q < kStreams; ++q) put(items[item], (i + q * length) * width, sums + q * width);
      },
      [&](size_t item, const float* x, size_t i) {
        float sums[width];
        strip_times_column(call.b.data + items[item].b + i * panel, width, x, step, call.k, sums);
        put(items[item], i * width, sums);
      },
      [&](size_t item, size_t i, size_t count) {
        size_t j = std::min(i * width, call.n);
        activate(call.activation, call.c + items[item].c + j, std::min(count * width, call.n - j));
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
