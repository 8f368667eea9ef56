#pragma once
// Regular expressions in RE2's syntax, for full matches. No backtracking: time is text times program.
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/parallel.h"
#include "base/result.h"

namespace kinglet {

struct Regex {
  enum class Op : uint8_t {
    kRanges,  // one code point within ranges[x, y)
    kSplit,   // goes on at x and y
    kJump,    // goes on at x
    // Conditions on the place.
    kTextBegin,
    kTextEnd,
    kLineBegin,
    kLineEnd,
    kWordEdge,
    kNoWordEdge,
    kMatch,
  };
  struct Step {
    Op op;
    uint32_t x = 0, y = 0;
  };
  struct Range {
    uint32_t first, last;
  };
  std::vector<Step> program;  // begins at 0
  std::vector<Range> ranges;
};

// Fails with kInvalidArgument for a malformed pattern, kUnsupportedFeature for Unicode classes (\p) and what
// RE2 lacks too (back-references, look-around), kLimitExceeded for repetitions that make a huge program.
Result<Regex> parse_regex(std::string_view pattern);

// Whether all of `text` matches; false too once `pool` is cancelled. `threads` is working memory, kept from
// call to call.
struct RegexThreads {
  std::vector<uint32_t> now, next, stack;
  std::vector<uint32_t> seen;
};
bool regex_matches(const Regex& regex, std::string_view text, RegexThreads* threads, const Parallel& pool);

}  // namespace kinglet
