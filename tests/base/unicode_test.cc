#include "base/unicode.h"

#include <doctest/doctest.h>

#include <vector>

using namespace kinglet;

namespace {

std::vector<uint32_t> code_points(std::string_view text) {
  std::vector<uint32_t> out;
  while (!text.empty()) out.push_back(take_code_point(&text));
  return out;
}

using Points = std::vector<uint32_t>;

}  // namespace

TEST_CASE("UTF-8: every length, and bytes that are none") {
  CHECK(code_points("a\u00e9\u20ac\U0001f600") == Points{'a', 0xe9, 0x20ac, 0x1f600});
  CHECK(code_points("\x80") == Points{kBadByte + 0x80});
  // Cut off, overlong, surrogates, too large.
  CHECK(code_points("\xe2\x82") == Points{kBadByte + 0xe2, kBadByte + 0x82});
  CHECK(code_points("\xc0\xafz") == Points{kBadByte + 0xc0, kBadByte + 0xaf, 'z'});
  CHECK(code_points("\xe0\x80\xaf").size() == 3);
  CHECK(code_points("\xed\xa0\x80").size() == 3);
  CHECK(code_points("\xf4\x90\x80\x80").size() == 4);
  CHECK(code_points("\xf4\x8f\xbf\xbf") == Points{0x10ffff});
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  all += "\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80";
  std::string back;
  for (uint32_t c : code_points(all)) append_code_point(&back, c);
  CHECK(back == all);
}

TEST_CASE("case: one letter for one, also where upper and lower case are no pair") {
  const std::vector<std::pair<uint32_t, uint32_t>> pairs = {
      {'A', 'a'},     {'Z', 'z'},     {0xc4, 0xe4},       {0x100, 0x101},
      {0x416, 0x436}, {0x3a3, 0x3c3}, {0x10400, 0x10428}, {0x1e900, 0x1e922}};
  for (auto [upper, lower] : pairs) {
    CHECK(lower_case(upper) == lower);
    CHECK(upper_case(lower) == upper);
    CHECK(lower_case(lower) == lower);
    CHECK(upper_case(upper) == upper);
  }
  CHECK(upper_case(0x3c2) == 0x3a3);  // final sigma
  CHECK(upper_case(0xdf) == 0xdf);    // sharp s, whose capital form is lowered all the same
  CHECK(lower_case(0x1e9e) == 0xdf);
  CHECK(lower_case(0x212a) == 'k');  // Kelvin
  CHECK(lower_case(kBadByte + 0xff) == kBadByte + 0xff);
  CHECK(upper_case('1') == '1');
}
