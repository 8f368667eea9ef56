#include <array>

#include "base/checked.h"
#include "kernels/copy/element.h"
#include "kernels/resize/resize.h"
#include "simd/interleave.h"

namespace kinglet::kernels {

namespace {

// True when elements 2i and 2i + 1 are input element i.
bool doubles(const ResizeTaps& taps, const ResizeAxis& a) {
  if (a.out != 2 * a.in || taps.any_outside) return false;
  for (int64_t j = 0; j < a.out; ++j) {
    if (taps.index[j] != j / 2) return false;
  }
  return true;
}

template <class T>
void double_row(const T* in, int64_t count, T* out) {
  int64_t i = 0;
  if constexpr (std::is_same_v<T, uint32_t>) {
    for (; i + 4 <= count; i += 4) {
      auto x = vec<uint32_t, 4>::load(in + i);
      low_pairs(x, x).store(out + 2 * i);
      high_pairs(x, x).store(out + 2 * i + 4);
    }
  }
  for (; i < count; ++i) out[2 * i] = out[2 * i + 1] = in[i];
}

template <class T>
struct NearestWork {
  const Resize& resize;
  const std::vector<ResizeTaps>& taps;
  int bytes;
  const T* extrapolation;
  bool doubled;

  // One row along the last axis.
  void row(const T* in, T* out) const {
    const ResizeAxis& a = resize.axes.back();
    const ResizeTaps& t = taps.back();
    int64_t inner = resize.inner;
    if (a.identity) {
      copy_run(bytes, in, out, a.in * inner);
    } else if (doubled && inner == 1) {
      double_row(in, a.in, out);
    } else {
      for (int64_t j = 0; j < a.out; ++j, out += inner) {
        if (t.outside[j])
          std::fill_n(out, inner, *extrapolation);
        else if (inner == 1)
          *out = in[t.index[j]];
        else
          copy_run(bytes, in + t.index[j] * inner, out, inner);
      }
    }
  }

  void plane(const T* in, T* out) const {
    size_t outer = resize.axes.size() - 1;
    int64_t in_row = resize.axes[outer].in * resize.inner, out_row = resize.axes[outer].out * resize.inner;
    std::array<int64_t, kMaxRank> at{};
    int64_t previous = -1;
    for (bool more = true; more; out += out_row) {
      int64_t source = 0;
      bool outside = false;
      for (size_t i = 0; i < outer; ++i) {
        const ResizeAxis& a = resize.axes[i];
        outside |= !a.identity && taps[i].outside[at[i]] != 0;
        source = source * a.in + (a.identity ? at[i] : taps[i].index[at[i]]);
      }
      if (outside)
        std::fill_n(out, out_row, *extrapolation);
      else if (source == previous)
        copy_run(bytes, out - out_row, out, out_row);
      else
        row(in + source * in_row, out);
      previous = outside ? -1 : source;
      more = false;
      for (size_t i = outer; i-- > 0 && !more;) {
        more = ++at[i] < resize.axes[i].out;
        if (!more) at[i] = 0;
      }
    }
  }
};

}  // namespace

Status resize_nearest(const Resize& resize, int bytes, const void* extrapolation, const void* in, void* out,
                      Parallel& parallel) {
  std::vector<ResizeTaps> taps(resize.axes.size());
  int64_t in_size = resize.inner, out_size = resize.inner;
  for (size_t i = 0; i < taps.size(); ++i) {
    const ResizeAxis& a = resize.axes[i];
    in_size *= a.in;
    out_size *= a.out;
    if (a.identity) continue;
    KL_ASSIGN(taps[i], resize_taps(resize.rule, a));
  }
  bool doubled = !resize.axes.back().identity && doubles(taps.back(), resize.axes.back());
  with_element(bytes, [&]<class T>() {
    NearestWork<T> work{resize, taps, bytes, static_cast<const T*>(extrapolation), doubled};
    auto grain = static_cast<size_t>(ceil_div<int64_t>(1 << 14, out_size));
    parallel_for(parallel, static_cast<size_t>(resize.planes), grain, [&](size_t begin, size_t end) {
      for (auto i = static_cast<int64_t>(begin); i < static_cast<int64_t>(end); ++i)
        work.plane(static_cast<const T*>(in) + i * in_size, static_cast<T*>(out) + i * out_size);
    });
  });
  return {};
}

}  // namespace kinglet::kernels
