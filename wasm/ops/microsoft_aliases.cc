// Operators of com.microsoft that ai.onnx has too, with the inputs and attributes a little different.
#include "ops/scalar_like.h"

namespace kinglet::ops {

namespace {

Attributes cast_to_int64() {
  Attributes to;
  to.set("to", static_cast<int64_t>(DType::kInt64));
  return to;
}

Status expand_dims(ExpandContext& c) {
  KL_ASSIGN(ValueId one, int_list(c, {1}));
  ValueId axes = c.op("Reshape", {c.op("Cast", {c.input(1)}, cast_to_int64()), one});
  c.output(0, c.op("Unsqueeze", {c.input(0), axes}));
  return {};
}

Status gather_nd(ExpandContext& c) {
  c.output(0, c.op("GatherND", {c.input(0), c.op("Cast", {c.input(1)}, cast_to_int64())}));
  return {};
}

Status grid_sample(ExpandContext& c) {
  Attributes attributes = c.attributes();
  std::string_view mode = attributes.get_string("mode", "bilinear");
  if (mode == "bilinear" || mode == "bicubic") mode.remove_prefix(2);
  attributes.set("mode", std::string(mode));
  c.output(0, c.op("GridSample", {c.input(0), c.input(1)}, std::move(attributes)));
  return {};
}

// pads may have a leading dimension of one.
Status pad(ExpandContext& c) {
  KL_ASSIGN(ValueId flat, int_list(c, {-1}));
  std::vector<ValueId> inputs = {c.input(0), c.op("Reshape", {c.input(1), flat})};
  if (c.has_input(2)) inputs.push_back(c.input(2));
  c.output(0, c.op("Pad", std::move(inputs), c.attributes()));
  return {};
}

Status range(ExpandContext& c) {
  ValueId delta = c.node().input(2);
  if (delta == kNoValue) {
    KL_ASSIGN(delta, scalar_like(c, 0, 1));
  }
  c.output(0, c.op("Range", {c.input(0), c.input(1), delta}));
  return {};
}

Status torch_embedding(ExpandContext& c) {
  c.output(0, c.op("Gather", {c.input(0), c.input(1)}));
  return {};
}

Status trilu(ExpandContext& c) {
  c.output(0, c.op("Trilu", {c.input(0), c.node().input(1)}, c.attributes()));
  return {};
}

// In the order in which values appear.
Status unique(ExpandContext& c) {
  Attributes attributes;
  attributes.set("sorted", int64_t{0});
  auto outputs = c.ops("Unique", {c.input(0)}, 4, std::move(attributes));
  c.output(0, outputs[0]);
  c.output(1, outputs[2]);
  c.output(2, outputs[3]);
  return {};
}

constexpr OpDef kAliases[] = {
    {.domain = kMicrosoft,
     .name = "ExpandDims",
     .signature = "X:T axis:int32 -> Y:T | T=all",
     .expand = expand_dims},
    {.domain = kMicrosoft,
     .name = "GatherND",
     .signature = "data:T indices:int32,int64 -> output:T | T=all",
     .expand = gather_nd},
    {.domain = kMicrosoft,
     .name = "GridSample",
     .signature = "X:T1 grid:T2 -> Y:T1 | T1=numeric,bool T2=floats | align_corners:i=0 mode:s='bilinear' "
                  "padding_mode:s='zeros'",
     .expand = grid_sample},
    {.domain = kMicrosoft,
     .name = "Pad",
     .signature = "data:T pads:int64 value:T? -> output:T | T=all | mode:s='constant'",
     .expand = pad},
    {.domain = kMicrosoft,
     .name = "Range",
     .signature = "start:T limit:T delta:T? -> Y:T | T=floats,int16,int32,int64",
     .expand = range},
    {.domain = kMicrosoft,
     .name = "TorchEmbedding",
     .signature = "weight:T indices:int64 padding_idx:int64? scale_grad_by_freq:bool? -> Y:T | T=numeric",
     .expand = torch_embedding},
    {.domain = kMicrosoft,
     .name = "Trilu",
     .signature = "X:T k:int64? -> Y:T | T=all | upper:i=1",
     .expand = trilu},
    {.domain = kMicrosoft,
     .name = "Unique",
     .signature = "x:T -> y:T idx:int64 counts:int64 | T=all",
     .expand = unique},
};

}  // namespace

std::span<const OpDef> microsoft_aliases() { return kAliases; }

}  // namespace kinglet::ops
