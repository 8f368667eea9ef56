#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace kinglet {

// Four rows of four 32-bit elements become four columns: target[c * target_step + r] = source[r * source_step
// + c]. Steps count elements; no alignment needed.
inline void transpose_4x4(const uint32_t* source, int64_t source_step, uint32_t* target,
                          int64_t target_step) {
  typedef uint32_t Row __attribute__((vector_size(16)));
  Row a, b, c, d;
  std::memcpy(&a, source, 16);
  std::memcpy(&b, source + source_step, 16);
  std::memcpy(&c, source + source_step * 2, 16);
  std::memcpy(&d, source + source_step * 3, 16);
  Row ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  Row cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  a = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
  b = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
  c = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
  d = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
  std::memcpy(target, &a, 16);
  std::memcpy(target + target_step, &b, 16);
  std::memcpy(target + target_step * 2, &c, 16);
  std::memcpy(target + target_step * 3, &d, 16);
}

}  // namespace kinglet
