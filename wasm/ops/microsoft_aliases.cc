// Operators of com.microsoft that ai.onnx has too, with the inputs and attributes a little different.
#include "ops/expand.h"

namespace kinglet::ops {

namespace {

ValueId to_int64(ExpandContext& c, size_t i) {
  return c.op("Cast", {c.input(i)}, {{"to", static_cast<int64_t>(DType::kInt64)}});
}

Status expand_dims(ExpandContext& c) {
  ValueId axes = c.op("Reshape", {to_int64(c, 1), c.ints({1})});
  c.output(0, c.op("Unsqueeze", {c.input(0), axes}));
  return {};
}

Status gather_nd(ExpandContext& c) {
  c.output(0, c.op("GatherND", {c.input(0), to_int64(c, 1)}));
  return {};
}

Status grid_sample(ExpandContext& c) {
  const Attributes& a = c.attributes();
  std::string_view mode = a.get_string("mode", "bilinear");
  if (mode == "bilinear" || mode == "bicubic") mode.remove_prefix(2);
  c.output(0, c.op("GridSample", {c.input(0), c.input(1)},
                   {{"align_corners", a.get_int("align_corners")},
                    {"mode", mode},
                    {"padding_mode", a.get_string("padding_mode", "zeros")}}));
  return {};
}

// pads may have a leading dimension of one.
Status pad(ExpandContext& c) {
  ValueId pads = c.op("Reshape", {c.input(1), c.ints({-1})});
  std::string_view mode = c.attributes().get_string("mode", "constant");
  c.output(0, c.op("Pad", {c.input(0), pads, c.input(2)}, {{"mode", mode}}));
  return {};
}

Status range(ExpandContext& c) {
  ValueId delta = c.has_input(2) ? c.input(2) : c.scalar(0, 1);
  c.output(0, c.op("Range", {c.input(0), c.input(1), delta}));
  return {};
}

Status torch_embedding(ExpandContext& c) {
  c.output(0, c.op("Gather", {c.input(0), c.input(1)}));
  return {};
}

Status trilu(ExpandContext& c) {
  c.output(0, c.op("Trilu", {c.input(0), c.input(1)}, {{"upper", c.attributes().get_int("upper", 1)}}));
  return {};
}

// In the order in which values appear.
Status unique(ExpandContext& c) {
  auto outputs = c.ops("Unique", {c.input(0)}, 4, {{"sorted", 0}});
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
