#include "ops/expand.h"

namespace kinglet::ops {

namespace {
Status expand(ExpandContext& c) {
  c.output(0, c.op("ScatterElements", {c.input(0), c.input(1), c.input(2)}, c.attributes()));
  return {};
}
}  // namespace

extern const OpDef scatter{
    .domain = kOnnx,
    .name = "Scatter",
    .signature = "data:T indices:I updates:T -> output:T | T=all I=int32,int64 | axis:i=0",
    .expand = expand};

}  // namespace kinglet::ops
