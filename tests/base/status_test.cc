#include "base/status.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "base/json.h"
#include "base/result.h"

using namespace kinglet;

TEST_CASE("a failure carries code, detail and context; the innermost layer's context wins") {
  Status s = fail(Code::kInvalidShape, "expected ", 3, ", got ", 4);
  s.with("node", "inner").with("node", "outer").with("op", "Conv");
  CHECK(s.detail() == "expected 3, got 4");
  CHECK(code_name(s.code()) == "invalid_shape");
  CHECK(s.message() == "Tensor shapes do not fit together: expected 3, got 4 (node: inner, op: Conv)");
}

TEST_CASE("numbers as text") {
  CHECK(str(0.5) == "0.5");
  CHECK(str(-1234.0) == "-1234");
  CHECK(str(1e20) == "1e20");
  CHECK(str(1.5e-7) == "1.5e-7");
  CHECK(str(std::numeric_limits<double>::infinity(), " ", std::nan("")) == "inf nan");
  CHECK(str(int64_t{-9223372036854775807 - 1}) == "-9223372036854775808");
}

TEST_CASE("JSON strings are well formed whatever the bytes") {
  std::string out;
  append_json(out, "a\"\\\n\xc3\xa9\xff\xed\xa0\x80");
  CHECK(out == "\"a\\\"\\\\\\u000a\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}
