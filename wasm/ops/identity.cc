#include "ops/context.h"

namespace kinglet::ops {

namespace {
Status eval(EvalContext& c) {
  c.output(0, c.input(0));
  return {};
}
}  // namespace

// Sequences, maps and optionals pass too; the pass eliminate_identity removes all others.

extern const OpDef identity{
    .domain = kOnnx, .name = "Identity", .signature = "input:any -> output:any", .eval = eval};

}  // namespace kinglet::ops
