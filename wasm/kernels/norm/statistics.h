#pragma once
#include <cmath>

#include "kernels/cast/runs.h"

namespace kinglet {

// Sum of the elements of a stretch of a tensor, and of the squares of their distance from `center`.
template <class T>
double sum_of(RunReader<T>& reader, int64_t begin, int64_t length) {
  double total = 0;
  for (int64_t done = 0; done < length;) {
    size_t n = reader.step(static_cast<size_t>(length - done));
    total += sum_lanes(reader.at(begin + done, n), n, [](auto v) { return v; });
    done += static_cast<int64_t>(n);
  }
  return total;
}
template <class T>
double sum_of_squares(RunReader<T>& reader, int64_t begin, int64_t length, T center) {
  double total = 0;
  for (int64_t done = 0; done < length;) {
    size_t n = reader.step(static_cast<size_t>(length - done));
    total += sum_lanes(reader.at(begin + done, n), n, [center]<class V>(V v) {
      V d = v - V::splat(center);
      return d * d;
    });
    done += static_cast<int64_t>(n);
  }
  return total;
}

// y = x * a + b
template <class T>
void scale_shift(RunReader<T>& reader, RunWriter<T>& writer, int64_t begin, int64_t length, T a, T b) {
  for (int64_t done = 0; done < length;) {
    size_t n = reader.step(static_cast<size_t>(length - done));
    int64_t at = begin + done;
    const T* x = reader.at(at, n);
    T* y = writer.at(at);
    for_lanes<T>(n, [&]<class V>(size_t i) { madd(V::load(x + i), V::splat(a), V::splat(b)).store(y + i); });
    writer.done(at, n);
    done += static_cast<int64_t>(n);
  }
}

// Work for a thread: some 16,000 elements.
inline size_t row_grain(int64_t length) {
  return static_cast<size_t>(std::max<int64_t>(1, 16384 / std::max<int64_t>(1, length)));
}

}  // namespace kinglet
