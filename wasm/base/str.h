#pragma once
// str(a, b, ...) joins its arguments to a std::string: integers, floats, text, anything with
// `append(std::string&, T)`.
#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace kinglet {

void append(std::string& out, int64_t value);
void append(std::string& out, uint64_t value);
// Up to nine digits after the point, then an exponent; "nan", "inf", "-inf". For people to read, not to read
// back.
void append(std::string& out, double value);
inline void append(std::string& out, std::string_view text) { out.append(text); }
inline void append(std::string& out, const char* text) { out.append(text); }
inline void append(std::string& out, const std::string& text) { out.append(text); }
inline void append(std::string& out, bool value) { out.append(value ? "true" : "false"); }
template <std::signed_integral T>
void append(std::string& out, T value) {
  append(out, static_cast<int64_t>(value));
}
template <std::unsigned_integral T>
void append(std::string& out, T value) {
  append(out, static_cast<uint64_t>(value));
}
// "[2,3,4]"
void append(std::string& out, std::span<const int64_t> values);

template <class... Parts>
std::string str(const Parts&... parts) {
  std::string out;
  (append(out, parts), ...);
  return out;
}

}  // namespace kinglet
