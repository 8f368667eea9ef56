#pragma once
#include <string_view>

namespace kinglet::testing {

// Runs one pass over the text of a graph, checks the graph and compares its text. Both are written without
// the lines around them: indentation is taken off, and put on, by the reader and the printer.
void expect_pass(std::string_view pass, std::string_view before, std::string_view after);
// The pass finds nothing to do.
void expect_unchanged(std::string_view pass, std::string_view text);
// All passes until nothing changes.
void expect_passes(std::string_view before, std::string_view after);

}  // namespace kinglet::testing
