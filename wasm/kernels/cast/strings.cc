#include <cerrno>
#include <cmath>
#include <cstdlib>

#include "base/number.h"
#include "base/str.h"
#include "kernels/cast/cast.h"

namespace kinglet {

namespace {

// `value` is a float32 when `single` is set.
void append_float(double value, bool single, std::string* out) {
  if (std::isnan(value)) return out->append("NaN"), void();
  if (std::isinf(value)) return out->append(value < 0 ? "-INF" : "INF"), void();
  std::string text = shortest_number(value, single);
  size_t e = text.find('e');
  int exponent = std::atoi(text.c_str() + e + 1);
  std::string_view mantissa = std::string_view(text).substr(0, e);
  if (mantissa.front() == '-') out->push_back('-'), mantissa.remove_prefix(1);
  if (exponent < -4 || exponent >= 16) {
    out->append(mantissa).push_back('e');
    out->push_back(exponent < 0 ? '-' : '+');
    if (std::abs(exponent) < 10) out->push_back('0');
    append(*out, std::abs(exponent));
    return;
  }
  std::string digits(mantissa);
  std::erase(digits, '.');
  auto length = static_cast<int>(digits.size());
  if (exponent < 0) {
    out->append("0.").append(static_cast<size_t>(-exponent - 1), '0').append(digits);
  } else if (length <= exponent + 1) {
    out->append(digits).append(static_cast<size_t>(exponent + 1 - length), '0');
  } else {
    digits.insert(static_cast<size_t>(exponent + 1), ".");
    out->append(digits);
  }
}

// Trims; false unless all of `text` is a number.
bool parse_integer(const std::string& text, int64_t* value) {
  char* end = nullptr;
  const char* begin = text.c_str();
  if (text.empty()) return false;
  errno = 0;
  *value =
      text[0] == '-' ? std::strtoll(begin, &end, 10) : static_cast<int64_t>(std::strtoull(begin, &end, 10));
  return errno == 0 && end == begin + text.size();
}

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t' || s.front() == '\n')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t' || s.back() == '\n')) s.remove_suffix(1);
  return s;
}

}  // namespace

void cast_to_strings(DType from, const std::byte* in, std::string* out, int64_t n) {
  Compute compute = compute_of(from);
  for (int64_t i = 0; i < n; ++i) {
    std::string text;
    if (compute == Compute::kF32 || compute == Compute::kF64) {
      double value;
      load_run(from, in, i, Compute::kF64, &value, 1);
      append_float(value, from != DType::kFloat64, &text);
    } else {
      int64_t value;
      load_run(from, in, i, compute, &value, 1);
      compute == Compute::kU64 ? append(text, static_cast<uint64_t>(value)) : append(text, value);
    }
    out[i] = std::move(text);
  }
}

Status cast_from_strings(const std::string* in, DType to, std::byte* out, int64_t n, bool saturate) {
  bool whole = dtype_kind(to) != 'f';
  for (int64_t i = 0; i < n; ++i) {
    std::string text(trimmed(in[i]));
    int64_t integer;
    // Rounding to double first would round twice.
    bool narrow = compute_of(to) == Compute::kF32;
    if (whole && parse_integer(text, &integer)) {
      store_run(Compute::kI64, &integer, to, out, i, 1);
    } else if (auto value = parse_number(text, narrow)) {
      auto single = static_cast<float>(*value);
      if (narrow)
        store_run(Compute::kF32, &single, to, out, i, 1, saturate);
      else
        store_run(Compute::kF64, &*value, to, out, i, 1, saturate);
    } else {
      return fail(Code::kInvalidInput, "\"", text.substr(0, 40), "\" is not a number");
    }
  }
  return {};
}

}  // namespace kinglet
