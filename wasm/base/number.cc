#include "base/number.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/host.h"

#ifndef __EMSCRIPTEN__
#include "base/number_libc.h"

double kl_number_parse(const char* text, size_t bytes, int32_t single) {
  return kinglet::libc_number_parse(text, bytes, single);
}
size_t kl_number_print(double value, int32_t single, char* text) {
  return kinglet::libc_number_print(value, single, text);
}
#endif

namespace kinglet {

namespace {

// The part of `text` behind its leading digits, whose number is added to `count`.
std::string_view skip_digits(std::string_view text, size_t* count) {
  size_t n = std::min(text.find_first_not_of("0123456789"), text.size());
  *count += n;
  return text.substr(n);
}

bool skip_sign(std::string_view* text) {
  if (text->empty() || (text->front() != '-' && text->front() != '+')) return false;
  bool negative = text->front() == '-';
  text->remove_prefix(1);
  return negative;
}

bool is_decimal(std::string_view text) {
  size_t digits = 0, exponent = 0;
  text = skip_digits(text, &digits);
  if (text.starts_with('.')) text = skip_digits(text.substr(1), &digits);
  if (digits == 0 || text.empty()) return digits != 0;
  if (text.front() != 'e' && text.front() != 'E') return false;
  text.remove_prefix(1);
  skip_sign(&text);
  return skip_digits(text, &exponent).empty() && exponent != 0;
}

}  // namespace

std::optional<double> parse_number(std::string_view text, bool single) {
  std::string_view rest = text;
  bool negative = skip_sign(&rest);
  if (is_decimal(rest)) return kl_number_parse(text.data(), text.size(), single);
  std::string word(rest.substr(0, 9));
  for (char& c : word) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 'a' - 'A') : c;
  double value = word == "inf" || word == "infinity" ? std::numeric_limits<double>::infinity()
                                                     : std::numeric_limits<double>::quiet_NaN();
  if (std::isnan(value) && word != "nan") return std::nullopt;
  return negative ? -value : value;
}

std::string shortest_number(double value, bool single) {
  char text[kNumberText];
  return {text, kl_number_print(value, single, text)};
}

}  // namespace kinglet
