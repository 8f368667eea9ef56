#include "ops/context.h"

namespace kinglet::ops {

namespace {

// An optional that holds something is that value; an empty one is the empty value.
Status make(EvalContext& c) {
  c.output(0, c.has_input(0) ? c.input(0) : Value());
  return {};
}

Status has_element(EvalContext& c) {
  KL_ASSIGN(Tensor answer, Tensor::scalar<bool>(c.has_input(0) && !c.input(0).empty()));
  c.output(0, answer);
  return {};
}

Status get_element(EvalContext& c) {
  KL_REQUIRE(!c.input(0).empty(), kInvalidInput, "the optional is empty");
  c.output(0, c.input(0));
  return {};
}

}  // namespace

std::span<const OpDef> optional_ops() {
  static constexpr OpDef kDefs[] = {
      {.domain = kOnnx,
       .name = "Optional",
       .signature = "input:any? -> output:any | | type:tp",
       .eval = make},
      {.domain = kOnnx,
       .name = "OptionalHasElement",
       .signature = "input:any? -> output:bool",
       .eval = has_element},
      {.domain = kOnnx,
       .name = "OptionalGetElement",
       .signature = "input:any -> output:any",
       .eval = get_element},
  };
  return kDefs;
}

}  // namespace kinglet::ops
