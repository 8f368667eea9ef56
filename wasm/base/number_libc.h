#pragma once
// The conversions of base/host.h by the C library, for programs that have no host.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace kinglet {

inline double libc_number_parse(const char* text, size_t bytes, int32_t single) {
  std::string copy(text, bytes);
  return single != 0 ? static_cast<double>(std::strtof(copy.c_str(), nullptr))
                     : std::strtod(copy.c_str(), nullptr);
}

// `text` has room for 32 bytes.
inline size_t libc_number_print(double value, int32_t single, char* text) {
  int n = 0;
  for (int digits = 0; digits < 17; ++digits) {
    n = std::snprintf(text, 32, "%.*e", digits, value);
    if (libc_number_parse(text, static_cast<size_t>(n), single) == value) break;
  }
  return static_cast<size_t>(n);
}

}  // namespace kinglet
