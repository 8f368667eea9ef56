#include "kernels/contract/contract.h"

#include <type_traits>

#include "base/shape.h"

namespace kinglet {

namespace {

// Offsets of the index that is `at` steps after the first one, row-major.
struct Place {
  int64_t index[64];
  int64_t a = 0, b = 0, c = 0;

  Place(std::span<const ContractAxis> axes, int64_t at) {
    for (size_t i = axes.size(); i-- > 0;) {
      index[i] = at % axes[i].extent;
      at /= axes[i].extent;
      a += index[i] * axes[i].a, b += index[i] * axes[i].b, c += index[i] * axes[i].c;
    }
  }
  void next(std::span<const ContractAxis> axes) {
    for (size_t i = axes.size(); i-- > 0;) {
      const ContractAxis& x = axes[i];
      a += x.a, b += x.b, c += x.c;
      if (++index[i] < x.extent) return;
      a -= x.extent * x.a, b -= x.extent * x.b, c -= x.extent * x.c;
      index[i] = 0;
    }
  }
};

}  // namespace

template <class T>
void contract(std::span<const ContractAxis> kept, std::span<const ContractAxis> summed, const T* a,
              const T* b, T* c, Parallel& parallel) {
  using Sum = std::conditional_t<std::is_same_v<T, float>, double, T>;
  int64_t count = 1, outer = 1;
  for (const ContractAxis& x : kept) count *= x.extent;
  ContractAxis inner{1, 0, 0, 0};
  if (!summed.empty()) {
    inner = summed.back();
    summed = summed.first(summed.size() - 1);
    for (const ContractAxis& x : summed) outer *= x.extent;
  }
  auto grain = static_cast<size_t>(std::max<int64_t>(1, 16384 / std::max<int64_t>(1, outer * inner.extent)));
  parallel_for(parallel, static_cast<size_t>(count), grain, [&](size_t begin, size_t end) {
    Place at(kept, static_cast<int64_t>(begin));
    for (size_t i = begin; i < end; ++i, at.next(kept)) {
      Sum sum = 0;
      Place place(summed, 0);
      for (int64_t o = 0; o < outer; ++o, place.next(summed)) {
        const T *x = a + at.a + place.a, *y = b ? b + at.b + place.b : nullptr;
        for (int64_t k = 0; k < inner.extent; ++k) {
          auto value = static_cast<Sum>(x[k * inner.a]);
          sum += y ? value * static_cast<Sum>(y[k * inner.b]) : value;
        }
      }
      c[at.c] = static_cast<T>(sum);
    }
  });
}

#define KL_CONTRACT(T)                                                                                     \
  template void contract(std::span<const ContractAxis>, std::span<const ContractAxis>, const T*, const T*, \
                         T*, Parallel&);
KL_CONTRACT(float)
KL_CONTRACT(double)
KL_CONTRACT(uint32_t)
KL_CONTRACT(uint64_t)
#undef KL_CONTRACT

}  // namespace kinglet
