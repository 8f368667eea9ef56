#pragma once
// str(a, b, ...) joins its arguments to a std::string: integers, floats, text, anything with
// `append(std::string&, T)`.
#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

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

// How a part travels to the one function per combination of kinds: numbers by value and widened, literals as
// pointers, so that texts of different lengths share it.
template <class T>
decltype(auto) part(const T& value) {
  if constexpr (std::is_array_v<T>)
    return static_cast<const char*>(value);
  else if constexpr (std::is_same_v<T, bool>)
    return bool{value};
  else if constexpr (std::signed_integral<T>)
    return static_cast<int64_t>(value);
  else if constexpr (std::unsigned_integral<T>)
    return static_cast<uint64_t>(value);
  else if constexpr (std::floating_point<T>)
    return static_cast<double>(value);
  else if constexpr (std::is_pointer_v<T>)
    return T{value};
  else
    return (value);
}

template <class... Parts>
__attribute__((noinline)) std::string joined(Parts... parts) {
  std::string out;
  (append(out, parts), ...);
  return out;
}

template <class... Parts>
std::string str(const Parts&... parts) {
  return joined<decltype(part(parts))...>(part(parts)...);
}

}  // namespace kinglet
