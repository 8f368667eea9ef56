#include <algorithm>

#include "base/checked.h"
#include "kernels/resize/resize.h"

namespace kinglet::kernels {

namespace {

// Rows of adjacent output elements: inner == 1.
template <class T, int kTaps>
void resize_row(const ResizeTaps& t, int64_t out, const T* __restrict in, T* __restrict target) {
  int64_t count = kTaps > 0 ? kTaps : t.count;
  const int32_t* index = t.index;
  const float* weight = t.weight;
  for (int64_t j = 0; j < out; ++j, index += count, weight += count) {
    T sum = in[index[0]] * static_cast<T>(weight[0]);
    for (int64_t k = 1; k < count; ++k) sum += in[index[k]] * static_cast<T>(weight[k]);
    target[j] = sum;
  }
}

template <class T>
void weigh(const T* __restrict a, T wa, const T* __restrict b, T wb, int64_t count, T* __restrict out) {
  for (int64_t i = 0; i < count; ++i) out[i] = a[i] * wa + b[i] * wb;
}
template <class T>
void add_weighed(const T* __restrict in, T weight, int64_t count, T* __restrict out) {
  for (int64_t i = 0; i < count; ++i) out[i] += in[i] * weight;
}

// [outer, a.in, inner] becomes [outer, a.out, inner].
template <class T>
void resize_axis(const ResizeTaps& t, const ResizeAxis& a, int64_t outer, int64_t inner, const T* in,
                 T* out) {
  for (int64_t o = 0; o < outer; ++o, in += a.in * inner) {
    if (inner == 1) {
      (t.count == 2 ? resize_row<T, 2> : resize_row<T, 0>)(t, a.out, in, out);
      out += a.out;
      continue;
    }
    for (int64_t j = 0; j < a.out; ++j, out += inner) {
      const int32_t* index = t.index + j * t.count;
      const float* weight = t.weight + j * t.count;
      auto row = [&](int64_t k) { return in + index[k] * inner; };
      auto w = [&](int64_t k) { return static_cast<T>(weight[k]); };
      weigh(row(0), w(0), row(1), w(1), inner, out);
      for (int64_t k = 2; k < t.count; ++k) add_weighed(row(k), w(k), inner, out);
    }
  }
}

template <class T>
struct LinearWork {
  const Resize& resize;
  const std::vector<ResizeTaps>& taps;
  const std::vector<size_t>& order;  // of the axes that change
  int64_t longest;                   // elements of the largest intermediate
  T extrapolation;

  void plane(const T* in, T* out, T* scratch) const {
    std::vector<int64_t> extents;
    for (const ResizeAxis& a : resize.axes) extents.push_back(a.in);
    const T* source = in;
    for (size_t step = 0; step < order.size(); ++step) {
      size_t axis = order[step];
      int64_t outer = 1, inner = resize.inner;
      for (size_t i = 0; i < axis; ++i) outer *= extents[i];
      for (size_t i = axis + 1; i < extents.size(); ++i) inner *= extents[i];
      T* target = step + 1 == order.size() ? out : scratch + (step % 2 ? longest : 0);
      resize_axis(taps[axis], resize.axes[axis], outer, inner, source, target);
      extents[axis] = resize.axes[axis].out;
      source = target;
    }
    int64_t inner = resize.inner;
    for (size_t i = extents.size(); i-- > 0; inner *= extents[i]) {
      if (!taps[i].any_outside) continue;
      int64_t rows = 1;
      for (size_t k = 0; k <= i; ++k) rows *= extents[k];
      for (int64_t r = 0; r < rows; ++r) {
        if (taps[i].outside[r % extents[i]]) std::fill_n(out + r * inner, inner, extrapolation);
      }
    }
  }
};

template <class T>
Status run(const Resize& resize, double extrapolation, const T* in, T* out, Parallel& parallel) {
  size_t rank = resize.axes.size();
  std::vector<ResizeTaps> taps(rank);
  std::vector<size_t> order;
  int64_t in_size = resize.inner, out_size = resize.inner;
  for (size_t i = rank; i-- > 0;) {
    const ResizeAxis& a = resize.axes[i];
    in_size *= a.in;
    out_size *= a.out;
    if (a.identity) continue;
    order.push_back(i);
    KL_ASSIGN(taps[i], resize_taps(resize.rule, a));
  }
  // Axes that shrink come first: less is left for the others.
  auto ratio = [&](size_t i) {
    return static_cast<double>(resize.axes[i].out) / static_cast<double>(resize.axes[i].in);
  };
  std::ranges::sort(order, {}, [&](size_t i) { return std::pair(ratio(i), rank - i); });
  int64_t size = in_size, longest = 0;
  for (size_t i : order) {
    size = size / resize.axes[i].in * resize.axes[i].out;
    if (i != order.back()) longest = std::max(longest, size);
  }
  int64_t ranges = std::clamp<int64_t>(parallel.threads(), 1, resize.planes);
  KL_ASSIGN(int64_t elements, checked_mul<int64_t>(longest, 2 * ranges));
  KL_ASSIGN(elements, checked_mul<int64_t>(elements, sizeof(T)));
  KL_ASSIGN(size_t bytes, checked_narrow<size_t>(elements));
  KL_ASSIGN(auto scratch, Buffer::allocate_uninitialized(bytes));

  LinearWork<T> work{resize, taps, order, longest, static_cast<T>(extrapolation)};
  int64_t share = ceil_div(resize.planes, ranges);
  parallel_for(parallel, static_cast<size_t>(ranges), 1, [&](size_t begin, size_t end) {
    for (auto range = static_cast<int64_t>(begin); range < static_cast<int64_t>(end); ++range) {
      T* own = reinterpret_cast<T*>(scratch->data()) + range * 2 * longest;
      for (int64_t i = range * share; i < std::min(resize.planes, (range + 1) * share); ++i) {
        if (parallel.cancel != nullptr && parallel.cancel->set()) return;
        work.plane(in + i * in_size, out + i * out_size, own);
      }
    }
  });
  return {};
}

}  // namespace

Status resize_linear(const Resize& resize, DType dtype, double extrapolation, const void* in, void* out,
                     Parallel& parallel) {
  if (dtype == DType::kFloat64)
    return run(resize, extrapolation, static_cast<const double*>(in), static_cast<double*>(out), parallel);
  return run(resize, extrapolation, static_cast<const float*>(in), static_cast<float*>(out), parallel);
}

}  // namespace kinglet::kernels
