#include "kernels/copy/copy.h"
#include "kernels/resize/resize.h"

namespace kinglet::kernels {

namespace {

// Output element by element: the sum over all combinations of the axes' taps.
template <class T>
Status linear(const Resize& resize, double extrapolation, const T* in, T* out) {
  std::vector<ResizeTaps> taps;
  for (const ResizeAxis& a : resize.axes) {
    KL_ASSIGN(ResizeTaps t, resize_taps(resize.rule, a));
    taps.push_back(t);
  }
  size_t rank = resize.axes.size();
  int64_t in_size = 1, out_size = 1;
  for (const ResizeAxis& a : resize.axes) in_size *= a.in, out_size *= a.out;
  for (int64_t plane = 0; plane < resize.planes; ++plane) {
    for (int64_t o = 0; o < out_size * resize.inner; ++o) {
      int64_t combinations = 1, rest = o / resize.inner;
      bool outside = false;
      std::vector<int64_t> at(rank);
      for (size_t i = rank; i-- > 0;) {
        at[i] = rest % resize.axes[i].out;
        rest /= resize.axes[i].out;
        outside |= taps[i].outside[at[i]] != 0;
        combinations *= taps[i].count;
      }
      double sum = 0;
      for (int64_t k = 0; k < combinations; ++k) {
        int64_t place = 0, step = 1, choice = k;
        double weight = 1;
        for (size_t i = rank; i-- > 0;) {
          int64_t tap = at[i] * taps[i].count + choice % taps[i].count;
          choice /= taps[i].count;
          place += taps[i].index[tap] * step;
          step *= resize.axes[i].in;
          weight *= static_cast<double>(taps[i].weight[tap]);
        }
        sum += weight * static_cast<double>(in[(plane * in_size + place) * resize.inner + o % resize.inner]);
      }
      *out++ = static_cast<T>(outside ? extrapolation : sum);
    }
  }
  return {};
}

}  // namespace

Status resize_nearest_reference(const Resize& resize, int bytes, const void* extrapolation, const void* in,
                                void* out) {
  std::vector<ResizeTaps> taps;
  for (const ResizeAxis& a : resize.axes) {
    KL_ASSIGN(ResizeTaps t, resize_taps(resize.rule, a));
    taps.push_back(t);
  }
  int64_t in_size = 1, out_size = 1, step = element_step(bytes);
  for (const ResizeAxis& a : resize.axes) in_size *= a.in, out_size *= a.out;
  for (int64_t o = 0; o < resize.planes * out_size * resize.inner; ++o) {
    int64_t rest = o / resize.inner, place = 0, stride = 1;
    bool outside = false;
    for (size_t i = taps.size(); i-- > 0;) {
      int64_t at = rest % resize.axes[i].out;
      rest /= resize.axes[i].out;
      outside |= taps[i].outside[at] != 0;
      place += taps[i].index[at] * stride;
      stride *= resize.axes[i].in;
    }
    place = (rest * in_size + place) * resize.inner + o % resize.inner;
    const auto* source = outside ? static_cast<const std::byte*>(extrapolation)
                                 : static_cast<const std::byte*>(in) + place * step;
    copy_run(bytes, source, static_cast<std::byte*>(out) + o * step, 1);
  }
  return {};
}

Status resize_linear_reference(const Resize& resize, DType dtype, double extrapolation, const void* in,
                               void* out) {
  if (dtype == DType::kFloat64)
    return linear(resize, extrapolation, static_cast<const double*>(in), static_cast<double*>(out));
  return linear(resize, extrapolation, static_cast<const float*>(in), static_cast<float*>(out));
}

}  // namespace kinglet::kernels
