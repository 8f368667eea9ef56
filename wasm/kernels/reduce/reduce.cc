#include "kernels/reduce/reduce.h"

#include <algorithm>

namespace kinglet {

namespace {

// Offset of the i-th place of a walk over `extent`, last dimension fastest.
int64_t offset_of(const Shape& extent, const Shape& stride, int64_t i) {
  int64_t offset = 0;
  for (int d = extent.rank() - 1; d >= 0; --d) {
    offset += i % extent.at(d) * stride.at(d);
    i /= extent.at(d);
  }
  return offset;
}

struct Walk {
  const Shape& extent;
  const Shape& stride;
  int64_t offset = 0;
  Shape index;
  Walk(const Shape& e, const Shape& s) : extent(e), stride(s), index(Shape::filled(e.rank(), 0)) {}
  void next() {
    for (int d = extent.rank() - 1; d >= 0; --d) {
      auto i = static_cast<size_t>(d);
      offset += stride[i];
      if (++index[i] < extent[i]) return;
      offset -= extent[i] * stride[i];
      index[i] = 0;
    }
  }
};

class Reducer {
 public:
  Reducer(const Reduction& r, const std::byte* in, std::byte* out)
      : r_(r),
        fold_(find_fold(r.fold, r.dtype)),
        in_(in),
        out_(out),
        direct_(is_stored_as(r.dtype, fold_.compute)),
        size_(compute_size(fold_.compute)),
        places_(r.reduced.count()) {}

  // Outputs [begin, end), each reduced over the innermost dimension.
  void rows(int64_t begin, int64_t end) {
    while (begin < end) {
      int64_t m = std::min<int64_t>(end - begin, kRun);
      fold_.init(accumulators_, static_cast<size_t>(m), r_.dtype);
      for (int64_t i = 0; i < m; ++i) {
        int64_t base = offset_of(r_.kept, r_.kept_stride, begin + i);
        Walk walk(r_.reduced, r_.reduced_stride);
        for (int64_t p = 0; p < places_; ++p, walk.next())
          fold_row(base + walk.offset, accumulators_ + static_cast<size_t>(i) * fold_.size);
      }
      finish(begin, static_cast<size_t>(m));
      begin += m;
    }
  }

  // Outputs [begin, begin + n) of one row of the output, n <= kRun; `at`: the first of their input columns.
  void columns(int64_t begin, int64_t at, size_t n) {
    fold_.init(accumulators_, n, r_.dtype);
    Walk walk(r_.reduced, r_.reduced_stride);
    for (int64_t p = 0; p < places_; ++p, walk.next())
      fold_.columns(elements(at + walk.offset, n), n, accumulators_);
    finish(begin, n);
  }

 private:
  const void* elements(int64_t at, size_t n) {
    if (direct_) return in_ + static_cast<size_t>(at) * size_;
    load_run(r_.dtype, in_, at, fold_.compute, run_, n);
    return run_;
  }
  void fold_row(int64_t at, std::byte* accumulator) {
    int64_t step = direct_ ? r_.inner : static_cast<int64_t>(kRun);
    for (int64_t done = 0; done < r_.inner; done += step) {
      auto n = static_cast<size_t>(std::min(step, r_.inner - done));
      fold_.row(elements(at + done, n), n, accumulator);
    }
  }
  void finish(int64_t begin, size_t n) {
    int64_t count = places_ * (r_.inner_reduced ? r_.inner : 1);
    fold_.finish(accumulators_, n, r_.finish, count, run_);
    store_run(fold_.result, run_, r_.dtype, out_, begin, n);
  }

  const Reduction& r_;
  const Fold& fold_;
  const std::byte* in_;
  std::byte* out_;
  bool direct_;
  size_t size_;
  int64_t places_;
  alignas(16) std::byte accumulators_[kRun * kMaxAccumulator];
  alignas(16) std::byte run_[kRun * 8];
};

}  // namespace

Reduction plan_reduction(const Shape& shape, std::span<const int64_t> axes) {
  Reduction r;
  Shape extent, stride, is_reduced;
  Shape strides = strides_of(shape);
  for (int d = 0; d < shape.rank(); ++d) {
    if (shape.at(d) == 1) continue;
    bool reduced = std::ranges::find(axes, d) != axes.end();
    if (!extent.empty() && is_reduced.back() == (reduced ? 1 : 0)) {
      extent[extent.size() - 1] *= shape.at(d);
      stride[stride.size() - 1] = strides.at(d);
    } else {
      extent.push_back(shape.at(d));
      stride.push_back(strides.at(d));
      is_reduced.push_back(reduced ? 1 : 0);
    }
  }
  if (extent.empty()) return r;
  r.inner = extent.back();
  r.inner_reduced = is_reduced.back() != 0;
  for (size_t d = 0; d + 1 < extent.size(); ++d) {
    (is_reduced[d] ? r.reduced : r.kept).push_back(extent[d]);
    (is_reduced[d] ? r.reduced_stride : r.kept_stride).push_back(stride[d]);
  }
  return r;
}

void run_reduction(const Reduction& r, const std::byte* in, std::byte* out, Parallel& parallel) {
  int64_t kept = r.kept.count();
  // Some 30,000 elements for each share.
  auto grain = [](int64_t each) {
    return static_cast<size_t>(std::max<int64_t>(1, 32768 / std::max<int64_t>(1, each)));
  };
  if (r.inner_reduced) {
    parallel_for(parallel, static_cast<size_t>(kept), grain(r.reduced.count() * r.inner),
                 [&](size_t begin, size_t end) {
                   Reducer(r, in, out).rows(static_cast<int64_t>(begin), static_cast<int64_t>(end));
                 });
    return;
  }
  int64_t blocks = ceil_div<int64_t>(r.inner, kRun);
  size_t total = static_cast<size_t>(kept * blocks);
  parallel_for(parallel, total, grain(r.reduced.count() * static_cast<int64_t>(kRun)),
               [&](size_t begin, size_t end) {
                 Reducer reducer(r, in, out);
                 for (auto i = static_cast<int64_t>(begin); i < static_cast<int64_t>(end); ++i) {
                   int64_t row = i / blocks, first = i % blocks * static_cast<int64_t>(kRun);
                   auto n = static_cast<size_t>(std::min<int64_t>(kRun, r.inner - first));
                   reducer.columns(row * r.inner + first, offset_of(r.kept, r.kept_stride, row) + first, n);
                 }
               });
}

}  // namespace kinglet
