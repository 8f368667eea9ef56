#include "ops/elementwise.h"
#include "ops/expand.h"

namespace kinglet::ops {

namespace {

Status infer(InferContext& c) {
  std::string_view approximate = c.attributes().get_string("approximate", "none");
  KL_REQUIRE(approximate == "none" || approximate == "tanh", kInvalidGraph, "approximate is ", approximate,
             ", not none or tanh");
  return infer_same(c);
}

Status lower(LowerContext& c) {
  bool tanh = c.attributes().get_string("approximate", "none") == "tanh";
  return lower_unary(c, *find_unary(tanh ? "GeluTanh" : "GeluErf"));
}

// With a bias as second input, or without.
template <bool kTanh>
Status expand(ExpandContext& c) {
  ValueId x = c.has_input(1) ? c.op("Add", {c.input(0), c.input(1)}) : c.input(0);
  std::string_view approximate = kTanh ? "tanh" : "none";
  c.output(0, c.op("Gelu", {x}, {{"approximate", approximate}}));
  return {};
}

constexpr OpDef kGelu[] = {
    {kOnnx, "Gelu", "X:T -> Y:T | T=floats | approximate:s='none'", infer, lower},
    {.domain = kMicrosoft, .name = "Gelu", .signature = "X:T -> Y:T | T=floats", .expand = expand<false>},
    {.domain = kMicrosoft,
     .name = "BiasGelu",
     .signature = "A:T B:T -> C:T | T=floats",
     .expand = expand<false>},
    {.domain = kMicrosoft,
     .name = "FastGelu",
     .signature = "X:T bias:T? -> Y:T | T=floats",
     .expand = expand<true>},
};

}  // namespace

std::span<const OpDef> gelu() { return kGelu; }

}  // namespace kinglet::ops
