#pragma once
// The discrete Fourier transform X[k] = sum over i of x[i] exp(-2 pi j i k / n), for every n > 0.
#include <memory>

#include "base/parallel.h"
#include "base/tensor.h"

namespace kinglet {

struct Complex {
  double re, im;
};

// What a length needs: made once, shared by all transforms of that length.
struct Fft {
  size_t n = 0;
  // Set when n has a large prime factor: the transform is a convolution of this length, a power of two.
  size_t padded = 0;
  // Of `padded` if set, otherwise of n; their product is that length.
  uint8_t factors[64] = {};
  int factor_count = 0;
  // Roots of unity of the length above; with `padded` also n chirp values and the chirp's transform.
  std::shared_ptr<Buffer> tables;
};

inline constexpr int64_t kMaxFftLength = int64_t{1} << 25;
// Fails with kLimitExceeded for n outside [1, kMaxFftLength] and with kOutOfMemory.
Result<Fft> make_fft(int64_t n);
// Complex values of scratch that a transform needs.
size_t fft_scratch(const Fft& fft);
// Transforms data[0, n) in place; its contents are undefined when `pool` is cancelled. Uses no threads.
void run_fft(const Fft& fft, Complex* data, Complex* scratch, const Parallel& pool);

// The judge: the sum as it is written.
void fft_reference(const Complex* in, Complex* out, size_t n);

}  // namespace kinglet
