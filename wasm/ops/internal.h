#pragma once
#include <string_view>

namespace kinglet {

// The domain of operators that only passes and expansions make. They are operators like others: checked,
// printed and parsed, and a model may name them too.
inline constexpr std::string_view kKinglet = "kinglet";

}  // namespace kinglet
