#include "kernels/deform/deform.h"

#include <cmath>

namespace kinglet {

template <class T>
void deform_columns(const Deform& d, int64_t channels, const T* in, const T* offset, const T* mask,
                    T* columns, Parallel& parallel) {
  parallel_for(parallel, static_cast<size_t>(d.taps * d.places), 64, [&](size_t begin, size_t end) {
    for (size_t item = begin; item < end; ++item) {
      int64_t tap = static_cast<int64_t>(item) / d.places, place = static_cast<int64_t>(item) % d.places;
      // Corners of the cell around the sample that lie inside: their offsets and shares.
      int64_t corner[1 << kMaxDeformAxes], corners = 1, step = 1, tap_rest = tap, place_rest = place;
      T share[1 << kMaxDeformAxes];
      corner[0] = 0;
      share[0] = mask ? mask[tap * d.places + place] : T{1};
      for (int i = d.axes; i-- > 0;) {
        const DeformAxis& a = d.axis[i];
        int64_t base = place_rest % a.out * a.stride - a.pad + tap_rest % a.kernel * a.dilation;
        place_rest /= a.out;
        tap_rest /= a.kernel;
        T at = static_cast<T>(base) + offset[(tap * d.axes + i) * d.places + place];
        // Also false for NaN.
        bool inside = at > T{-1} && at < static_cast<T>(a.in);
        int64_t low = inside ? static_cast<int64_t>(std::floor(at)) : -2;
        T part = inside ? at - static_cast<T>(low) : T{0};
        int64_t next = 0;
        int64_t before = corners;
        for (int64_t k = 0; k < before; ++k) {
          if (low + 1 < 0 || low + 1 >= a.in) continue;
          corner[before + next] = corner[k] + (low + 1) * step;
          share[before + next++] = share[k] * part;
        }
        if (low >= 0 && low < a.in) {
          for (int64_t k = 0; k < before; ++k) corner[k] += low * step, share[k] *= T{1} - part;
          corners = before + next;
        } else {
          for (int64_t k = 0; k < next; ++k) corner[k] = corner[before + k], share[k] = share[before + k];
          corners = next;
        }
        step *= a.in;
      }
      for (int64_t c = 0; c < channels; ++c) {
        T sum{0};
        for (int64_t k = 0; k < corners; ++k) sum += share[k] * in[c * d.image + corner[k]];
        columns[(c * d.taps + tap) * d.places + place] = sum;
      }
    }
  });
}

template void deform_columns(const Deform&, int64_t, const float*, const float*, const float*, float*,
                             Parallel&);
template void deform_columns(const Deform&, int64_t, const double*, const double*, const double*, double*,
                             Parallel&);

}  // namespace kinglet
