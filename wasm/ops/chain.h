#pragma once
// Operators that a chain (ops/chain.cc) can hold.
#include <optional>

#include "kernels/elementwise/function.h"
#include "ops/context.h"

namespace kinglet {

// The function of a chain by its name: of unary.inc or binary.inc, "Clip" or "Pow". `operands`: how many it
// takes. Null when there is none of float32.
const Function* chain_function(std::string_view name, int* operands);

// A node as one step of a chain; nothing when it is not elementwise or takes other operands than its inputs
// in order.
struct ChainNode {
  std::string_view function;
  int operands = 1;
  float numbers[2] = {};  // parameters
};
std::optional<ChainNode> chain_node(const Node& node);

}  // namespace kinglet
