#include "base/json.h"

#include "base/unicode.h"

namespace kinglet {

void append_json(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out.push_back('"');
  while (!text.empty()) {
    uint32_t c = take_code_point(&text);
    if (c >= kBadByte) {
      append_code_point(&out, 0xFFFD);
    } else if (c == '"' || c == '\\') {
      out += {'\\', static_cast<char>(c)};
    } else if (c < 0x20) {
      out += {'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 15]};
    } else {
      append_code_point(&out, c);
    }
  }
  out.push_back('"');
}

}  // namespace kinglet
