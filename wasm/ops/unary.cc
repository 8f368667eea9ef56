#include "ops/elementwise.h"

namespace kinglet::ops {

namespace {

Status lower(LowerContext& c) {
  double values[2] = {};
  float_attributes(c, values);
  return lower_unary(c, *find_unary(c.node().def->name), values);
}

constexpr OpDef kUnary[] = {
#define UNARY(op, domain, types, attributes, error, vector, exact) \
  UNARY_EXACT(op, domain, types, attributes, exact)
#define UNARY_EXACT(op, domain, types, attributes, exact) \
  {domain, #op, "X:T -> Y:T | T=" types " | " attributes, infer_same, lower},
#define UNARY_WHOLE(op, domain, types, integer) {domain, #op, "X:T -> Y:T | T=" types, infer_same, lower},
#include "kernels/elementwise/unary.inc"
};

}  // namespace

// The rows of unary.inc.
std::span<const OpDef> unary() { return kUnary; }

}  // namespace kinglet::ops
