#pragma once
// Numbers as decimal text, by the host's conversions (JavaScript's) or, outside of wasm, the C library's.
#include <optional>
#include <string>
#include <string_view>

namespace kinglet {

// The nearest double to a decimal ("-12", ".5", "1e-3"), or inf, infinity and nan in any case, all with an
// optional sign; nothing for other text. `single`: the nearest float32, rounded once.
std::optional<double> parse_number(std::string_view text, bool single = false);

// The fewest digits that are read back as `value`, as "-d.ddde+dd" (the exponent may be one digit). `value`
// is finite; `single`: it is a float32 and is to be read back as one.
std::string shortest_number(double value, bool single);

}  // namespace kinglet
