#include "base/str.h"

#include <charconv>
#include <cmath>

namespace kinglet {

void append(std::string& out, int64_t value) {
  char text[24];
  auto end = std::to_chars(text, text + sizeof text, value).ptr;
  out.append(text, end);
}

void append(std::string& out, uint64_t value) {
  char text[24];
  auto end = std::to_chars(text, text + sizeof text, value).ptr;
  out.append(text, end);
}

void append(std::string& out, double value) {
  if (std::isnan(value)) return out.append("nan"), void();
  if (std::isinf(value)) return out.append(value < 0 ? "-inf" : "inf"), void();
  if (value < 0 || (value == 0 && std::signbit(value))) out.push_back('-'), value = -value;
  if (value == 0) return out.push_back('0');
  int exponent = static_cast<int>(std::floor(std::log10(value)));
  if (exponent >= 9 || exponent < -5) {
    value /= std::pow(10.0, exponent);
    if (value >= 10) value /= 10, ++exponent;
    if (value < 1) value *= 10, --exponent;
  } else {
    exponent = 0;
  }
  uint64_t whole = static_cast<uint64_t>(value);
  uint64_t fraction = static_cast<uint64_t>(std::llround((value - static_cast<double>(whole)) * 1e9));
  if (fraction >= 1000000000) fraction -= 1000000000, ++whole;
  append(out, whole);
  if (fraction != 0) {
    char digits[9];
    for (int i = 8; i >= 0; --i) digits[i] = static_cast<char>('0' + fraction % 10), fraction /= 10;
    size_t length = 9;
    while (length > 0 && digits[length - 1] == '0') --length;
    out.push_back('.');
    out.append(digits, length);
  }
  if (exponent != 0) out.push_back('e'), append(out, static_cast<int64_t>(exponent));
}

void append(std::string& out, std::span<const int64_t> values) {
  out.push_back('[');
  for (size_t i = 0; i < values.size(); ++i) {
    if (i != 0) out.push_back(',');
    append(out, values[i]);
  }
  out.push_back(']');
}

}  // namespace kinglet
