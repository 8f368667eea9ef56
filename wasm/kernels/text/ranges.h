#pragma once
// Sets of code points, for the classes of regular expressions.
#include <optional>
#include <string_view>
#include <vector>

#include "kernels/text/regex.h"

namespace kinglet::text_internal {

using Ranges = std::vector<Regex::Range>;

inline constexpr uint32_t kLastPoint = 0x10FFFF;

// Sorted, apart from each other.
void normalize(Ranges* r);
// All other code points.
void negate(Ranges* r);
// Adds the other cases of all letters.
void fold_case(Ranges* r);

// The class that POSIX calls [:name:], of ASCII as in RE2.
std::optional<Ranges> posix_class(std::string_view name);
// The class of \d, \w, \s or, in upper case, what is not in it.
std::optional<Ranges> perl_class(uint32_t letter);

}  // namespace kinglet::text_internal
