#include "frontends/onnx/raise.h"

namespace kinglet::onnx {

// The input was seen as a matrix, its columns being everything from `axis` (default 1) on.
Status flatten_at_axis(Raiser& r) {
  int64_t axis = r.attributes().get_int("axis", 1);
  ValueId x = r.node.input(0);
  int rank = r.rank(x);
  r.attributes().set("axis", int64_t{-1});
  if (axis == -1 || (rank > 0 && axis == rank - 1)) return {};
  KL_REQUIRE(r.node.outputs.size() == 1 && x != kNoValue, kInvalidGraph,
             "one input and one output are needed");
  Attributes at;
  at.set("axis", axis);
  ValueId wanted, shape = r.op("Shape", {x});
  r.node.inputs[0] = r.op("Flatten", {x}, at);
  ValueId flat = r.redirect_output(0, &wanted);
  r.emit();
  r.op_to(wanted, "Reshape", {flat, shape});
  return {};
}

}  // namespace kinglet::onnx
