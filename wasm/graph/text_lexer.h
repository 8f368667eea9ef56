#pragma once
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/number.h"

namespace kinglet {

// A word, a quoted string (without its quotes), a number, or one character.
struct Token {
  enum Kind : uint8_t { kEnd, kName, kString, kNumber, kSign };
  Kind kind = kEnd;
  std::string text;
  bool is(char c) const { return kind == kSign && text[0] == c; }
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : rest_(text) {}
  int line() const { return line_; }

  Token next() {
    while (!rest_.empty() && std::string_view(" \t\r\n").find(rest_.front()) != std::string_view::npos)
      drop();
    if (rest_.empty()) return {};
    char c = rest_.front();
    if (c == '"') return string();
    if (is_name(c) || c == '+') return word();
    drop();
    return {Token::kSign, std::string(1, c)};
  }

 private:
  static bool is_name(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && std::string_view("_./-~").find(c) != std::string_view::npos);
  }
  void drop() {
    if (rest_.front() == '\n') ++line_;
    rest_.remove_prefix(1);
  }
  Token word() {
    std::string out;
    // A colon is part of a name unless it ends it: "a: float32".
    while (!rest_.empty() && (is_name(rest_.front()) || rest_.front() == '+' ||
                              (rest_.front() == ':' && rest_.size() > 1 && is_name(rest_[1])))) {
      out += rest_.front();
      drop();
    }
    bool digits =
        out.find_first_of("0123456789") != std::string::npos || out == "inf" || out == "-inf" || out == "nan";
    return {digits && parse_number(out) ? Token::kNumber : Token::kName, out};
  }
  Token string() {
    std::string out;
    drop();
    while (!rest_.empty() && rest_.front() != '"') {
      if (rest_.front() == '\\' && rest_.size() > 1) {
        drop();
        if (rest_.front() == 'x' && rest_.size() > 2) {
          char hex[] = {rest_[1], rest_[2], 0};
          out += static_cast<char>(std::strtol(hex, nullptr, 16));
          drop(), drop(), drop();
          continue;
        }
      }
      out += rest_.front();
      drop();
    }
    if (!rest_.empty()) drop();
    return {Token::kString, out};
  }

  std::string_view rest_;
  int line_ = 1;
};

}  // namespace kinglet
