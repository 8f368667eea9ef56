#include "kernels/elementwise/elementwise.h"

#include <cstring>
#include <string>

namespace kinglet {

namespace {

// Shorter rows are gathered, so that the kernel sees runs worth its call.
constexpr int64_t kShortRow = 32;
// Elements per share of a thread; a multiple of 8, so that shares do not meet in a byte.
constexpr size_t kGrain = 16384;

// Where the walk over the output is: the index of a row, and of an element in it.
struct Cursor {
  const BroadcastLoop& loop;
  int64_t index[kMaxRank] = {};
  int64_t at[kMaxOperands] = {};  // operand elements at index

  Cursor(const BroadcastLoop& l, int64_t position) : loop(l) {
    for (int d = l.rank - 1; d >= 0; --d) {
      index[d] = position % l.extent[d];
      position /= l.extent[d];
      for (int k = 0; k < l.operands; ++k) at[k] += index[d] * l.stride[k][d];
    }
  }
  int64_t left_in_row() const { return loop.extent[loop.rank - 1] - index[loop.rank - 1]; }
  // n <= left_in_row()
  void advance(int64_t n) {
    int d = loop.rank - 1;
    index[d] += n;
    for (int k = 0; k < loop.operands; ++k) at[k] += n * loop.stride[k][d];
    for (; d > 0 && index[d] == loop.extent[d]; --d) {
      index[d] = 0;
      ++index[d - 1];
      for (int k = 0; k < loop.operands; ++k)
        at[k] += loop.stride[k][d - 1] - loop.extent[d] * loop.stride[k][d];
    }
  }
};

void fill(std::byte* out, size_t n, size_t size) {
  for (size_t i = 1; i < n; ++i) std::memcpy(out + i * size, out, size);
}

struct Runs {
  alignas(16) std::byte in[kMaxOperands][kRun * 16];
  alignas(16) std::byte out[kRun * 16];
};

void load(const Elementwise::Port& port, const std::byte* base, int64_t at, std::byte* to, size_t n) {
  if (port.direct) {
    std::memcpy(to, base + at * port.size, n * port.size);
  } else {
    load_run(port.dtype, base, at, port.compute, to, n);
  }
}

// Calls the kernel for n <= kRun elements that may span rows.
void gathered(const Elementwise& e, const std::byte* const* in, Cursor* cursor, size_t n, Row* row,
              Runs* runs) {
  const BroadcastLoop& loop = e.loop;
  for (size_t done = 0; done < n;) {
    auto m = std::min(n - done, static_cast<size_t>(cursor->left_in_row()));
    for (int k = 0; k < loop.operands; ++k) {
      size_t size = e.in[k].size;
      bool repeat = loop.stride[k][loop.rank - 1] == 0;
      std::byte* to = runs->in[k] + done * size;
      load(e.in[k], in[k], cursor->at[k], to, repeat ? 1 : m);
      if (repeat) fill(to, m, size);
    }
    cursor->advance(static_cast<int64_t>(m));
    done += m;
  }
  for (int k = 0; k < loop.operands; ++k) row->in[k] = runs->in[k], row->splat[k] = false;
}

void walk(const Elementwise& e, const std::byte* const* in, std::byte* out, const void* params, int64_t begin,
          int64_t end) {
  const BroadcastLoop& loop = e.loop;
  bool direct = e.out.direct;
  for (int k = 0; k < loop.operands; ++k) direct &= e.in[k].direct;
  // Strings cannot be gathered as bytes.
  bool gather = loop.rank > 1 && loop.extent[loop.rank - 1] < kShortRow;
  for (int k = 0; k < loop.operands; ++k) gather &= e.in[k].dtype != DType::kString;
  Runs runs;
  Row row = {};
  row.params = params;
  Cursor cursor(loop, begin);
  for (int64_t p = begin; p < end;) {
    int64_t n = end - p;
    if (gather) {
      n = std::min<int64_t>(n, kRun);
      gathered(e, in, &cursor, static_cast<size_t>(n), &row, &runs);
    } else {
      n = std::min(n, cursor.left_in_row());
      if (!direct) n = std::min<int64_t>(n, kRun);
      for (int k = 0; k < loop.operands; ++k) {
        row.splat[k] = loop.stride[k][loop.rank - 1] == 0;
        row.in[k] = in[k] + cursor.at[k] * e.in[k].size;
        if (!e.in[k].direct) {
          load(e.in[k], in[k], cursor.at[k], runs.in[k], row.splat[k] ? 1 : static_cast<size_t>(n));
          row.in[k] = runs.in[k];
        }
      }
      cursor.advance(n);
    }
    row.n = static_cast<size_t>(n);
    row.out = e.out.direct ? out + p * e.out.size : runs.out;
    e.fn(row);
    if (!e.out.direct) store_run(e.out.compute, runs.out, e.out.dtype, out, p, row.n);
    p += n;
  }
}

}  // namespace

BroadcastLoop broadcast_loop(const Shape& out, std::span<const Shape> shapes) {
  BroadcastLoop loop;
  loop.operands = static_cast<int>(shapes.size());
  loop.count = out.count();
  loop.rank = 0;
  int64_t stride[kMaxOperands];
  Shape strides[kMaxOperands];
  for (size_t k = 0; k < shapes.size(); ++k) strides[k] = strides_of(shapes[k]);
  for (int d = 0; d < out.rank(); ++d) {
    int64_t extent = out[static_cast<size_t>(d)];
    if (extent == 1) continue;
    for (size_t k = 0; k < shapes.size(); ++k) {
      int own = d - (out.rank() - shapes[k].rank());
      stride[k] = own < 0 || shapes[k].at(own) == 1 ? 0 : strides[k].at(own);
    }
    // With the dimension before it, when stepping there is the same as walking through this one.
    int last = loop.rank - 1;
    bool one = last >= 0;
    for (size_t k = 0; k < shapes.size(); ++k)
      one &= loop.stride[k][last < 0 ? 0 : last] == stride[k] * extent;
    if (one) {
      loop.extent[last] *= extent;
    } else {
      loop.extent[++last] = extent;
      loop.rank = last + 1;
    }
    for (size_t k = 0; k < shapes.size(); ++k) loop.stride[k][last] = stride[k];
  }
  if (loop.rank == 0) {
    loop.rank = 1;
    loop.extent[0] = 1;
    for (size_t k = 0; k < shapes.size(); ++k) loop.stride[k][0] = 1;
  }
  return loop;
}

Elementwise::Port computed(DType dtype, Compute compute) {
  return {dtype, compute, is_stored_as(dtype, compute), static_cast<uint8_t>(compute_size(compute))};
}

Elementwise::Port stored(DType dtype) {
  size_t size = dtype == DType::kString ? sizeof(std::string) : static_cast<size_t>(dtype_bits(dtype)) / 8;
  return {dtype, Compute::kI64, true, static_cast<uint8_t>(size)};
}

void run_elementwise(const Elementwise& e, const std::byte* const* in, std::byte* out, const void* params,
                     Parallel& parallel) {
  if (e.loop.count == 0) return;
  parallel_for(parallel, static_cast<size_t>(e.loop.count), kGrain, [&](size_t begin, size_t end) {
    walk(e, in, out, params, static_cast<int64_t>(begin), static_cast<int64_t>(end));
  });
}

}  // namespace kinglet
