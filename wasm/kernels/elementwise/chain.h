#pragma once
// Several elementwise functions of float32 as one row kernel: their intermediate values stay in the cache.
#include "kernels/elementwise/elementwise.h"

namespace kinglet {

inline constexpr int kMaxChain = 8;

struct ChainStep {
  // In place of an operand: numbers[0].
  static constexpr int kNumber = -1;
  RowFn fn = nullptr;  // of float32, of one or two operands
  int operands = 1;
  // An input of the chain, kMaxOperands + an earlier step, or kNumber.
  int operand[2] = {};
  // The function's parameters, or the operand that is a number.
  float numbers[2] = {};
};

struct Chain {
  int count = 0;
  ChainStep steps[kMaxChain];
};

// A RowFn whose parameters are a Chain; the last step's value is the output.
void run_chain(const Row& row);

}  // namespace kinglet
