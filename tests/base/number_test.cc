#include "base/number.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace kinglet;

TEST_CASE("decimals, infinities and NaN are numbers, other text is none") {
  for (const char* text : {"1", "-1.5", "+.5", "2.", "1e5", "1E-5", "inf", "-Infinity", "NaN", "+nan"})
    CHECK_MESSAGE(parse_number(text).has_value(), text);
  for (const char* text :
       {"", "+", ".", "1e", "1e+", "e1", "0x10", "1 ", " 1", "1_0", "infinit", "infinityy", "nans"})
    CHECK_MESSAGE(!parse_number(text).has_value(), text);
  CHECK(*parse_number("-inf") == -INFINITY);
  CHECK(std::signbit(*parse_number("-0")));
  CHECK(*parse_number("1.0000000596046447753906250000000001", true) == 1.00000011920928955078125);
  CHECK(*parse_number("0.1") == 0.1);
}

TEST_CASE("the fewest digits that are read back") {
  CHECK(shortest_number(0.5, false).starts_with("5e-"));
  CHECK(shortest_number(-1.25, false).starts_with("-1.25e+"));
  CHECK(*parse_number(shortest_number(1.0 / 3, false)) == 1.0 / 3);
  CHECK(shortest_number(static_cast<double>(0.1f), true).starts_with("1e-"));
}
