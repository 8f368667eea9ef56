#include <type_traits>

#include "kernels/conv/conv.h"

namespace kinglet {

namespace {

// body(y index, x index, tap index) for every output, tap and input of one plane that meet. `y` are positions
// of the strided grid, `x` of the plain one.
template <class Body>
void for_each_meeting(const ConvShape& s, const size_t (&strided)[3], const size_t (&grid)[3], Body body) {
  for (size_t g0 = 0; g0 < grid[0]; ++g0)
    for (size_t g1 = 0; g1 < grid[1]; ++g1)
      for (size_t g2 = 0; g2 < grid[2]; ++g2)
        for (size_t t = 0; t < s.taps(); ++t) {
          size_t at[3] = {g0, g1, g2},
                 tap[3] = {t / s.kernel[2] / s.kernel[1], t / s.kernel[2] % s.kernel[1], t % s.kernel[2]};
          size_t index = 0;
          bool inside = true;
          for (int i = 0; i < 3; ++i) {
            int64_t p = static_cast<int64_t>(at[i] * s.stride[i] + tap[i] * s.dilation[i]) -
                        static_cast<int64_t>(s.pad[i]);
            inside = inside && p >= 0 && p < static_cast<int64_t>(strided[i]);
            index = index * strided[i] + static_cast<size_t>(p);
          }
          if (inside) body((g0 * grid[1] + g1) * grid[2] + g2, index, t);
        }
}

}  // namespace

template <class T>
void conv_reference(const Conv<T>& call) {
  const ConvShape& s = call.shape;
  for (size_t n = 0; n < s.images; ++n)
    for (size_t o = 0; o < s.groups * s.out_channels; ++o) {
      T* y = call.y + (n * s.groups * s.out_channels + o) * s.out_size();
      for (size_t i = 0; i < s.out_size(); ++i)
        y[i] = (call.bias ? call.bias[o] : T{0}) +
               (call.residual ? call.residual[(n * s.groups * s.out_channels + o) * s.out_size() + i] : T{0});
      for (size_t c = 0; c < s.in_channels; ++c) {
        const T* x = call.x + ((n * s.groups + o / s.out_channels) * s.in_channels + c) * s.in_size();
        const T* w = call.w + (o * s.in_channels + c) * s.taps();
        auto read = [&](T value) {
          const ConvInput& in = call.input;
          if (!in.scale) return value;
          size_t channel = o / s.out_channels * s.in_channels + c;
          float shift = in.shift ? in.shift[channel] : 0;
          T scaled = value * in.scale[n * in.image + channel] + shift;
          return scaled < in.floor ? T{in.floor} : scaled;
        };
        for_each_meeting(s, s.in, s.out,
                         [&](size_t yi, size_t xi, size_t t) { y[yi] += read(x[xi]) * w[t]; });
      }
      if constexpr (std::is_same_v<T, float>) activate(call.activation, y, s.out_size());
    }
}

template <class T>
void conv_transpose_reference(const Conv<T>& call) {
  const ConvShape& s = call.shape;
  for (size_t n = 0; n < s.images; ++n)
    for (size_t o = 0; o < s.groups * s.out_channels; ++o) {
      T* y = call.y + (n * s.groups * s.out_channels + o) * s.out_size();
      size_t group = o / s.out_channels;
      for (size_t i = 0; i < s.out_size(); ++i) y[i] = call.bias ? call.bias[o] : T{0};
      for (size_t c = group * s.in_channels; c < (group + 1) * s.in_channels; ++c) {
        const T* x = call.x + (n * s.groups * s.in_channels + c) * s.in_size();
        const T* w = call.w + (c * s.out_channels + o % s.out_channels) * s.taps();
        for_each_meeting(s, s.out, s.in, [&](size_t xi, size_t yi, size_t t) { y[yi] += x[xi] * w[t]; });
      }
      if constexpr (std::is_same_v<T, float>) activate(call.activation, y, s.out_size());
    }
}

template void conv_reference(const Conv<float>&);
template void conv_reference(const Conv<double>&);
template void conv_transpose_reference(const Conv<float>&);
template void conv_transpose_reference(const Conv<double>&);

}  // namespace kinglet
