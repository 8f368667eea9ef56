#pragma once
#include <string_view>

namespace kinglet {

// The domain of operators that only passes make. They are operators like others: checked, printed and parsed.
inline constexpr std::string_view kKinglet = "kinglet";

}  // namespace kinglet
