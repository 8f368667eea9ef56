#include "frontends/onnx/raise.h"

namespace kinglet::onnx {

Status shape_to_input(Raiser& r) { return r.ints_to_input("shape", 1); }

Status axes_to_input(Raiser& r) { return r.ints_to_input("axes", 1); }

Status k_to_input(Raiser& r) {
  KL_REQUIRE(r.attributes().has("k"), kInvalidGraph, "attribute k is required");
  int64_t k = r.attributes().get_int("k");
  r.attributes().erase("k");
  KL_ASSIGN(ValueId id, r.ints(std::span(&k, 1)));
  r.set_input(1, id);
  return {};
}

Status slice_to_inputs(Raiser& r) {
  KL_TRY(r.ints_to_input("starts", 1));
  KL_TRY(r.ints_to_input("ends", 2));
  return r.ints_to_input("axes", 3);
}

Status bounds_to_inputs(Raiser& r) {
  size_t input = 1;
  for (const char* name : {"min", "max"}) {
    if (r.attributes().has(name)) {
      KL_ASSIGN(ValueId id, r.scalar_like(r.attributes().get_float(name), 0));
      r.attributes().erase(name);
      r.set_input(input, id);
    }
    ++input;
  }
  return {};
}

Status pads_name(Raiser& r) {
  const AttributeValue* pads = r.attributes().find("paddings");
  if (pads == nullptr) return {};
  AttributeValue value = *pads;
  r.attributes().set("pads", std::move(value));
  r.attributes().erase("paddings");
  return {};
}

Status pads_to_inputs(Raiser& r) {
  KL_TRY(r.ints_to_input("pads", 1));
  if (!r.attributes().has("value")) return {};
  KL_ASSIGN(ValueId id, r.scalar_like(r.attributes().get_float("value"), 0));
  r.attributes().erase("value");
  r.set_input(2, id);
  return {};
}

// Opset 1 could give the lengths as an input of the data's type.
Status split_input_to_ints(Raiser& r) {
  if (!r.has_input(1)) return {};
  r.attributes().erase("split");
  Attributes to_int64;
  to_int64.set("to", static_cast<int64_t>(DType::kInt64));
  r.node.inputs[1] = r.op("Cast", {r.node.input(1)}, to_int64);
  return {};
}

Status split_to_input(Raiser& r) { return r.ints_to_input("split", 1); }

// Without lengths the parts were equal, one for each output.
Status split_num_outputs(Raiser& r) {
  if (!r.has_input(1)) r.attributes().set("num_outputs", static_cast<int64_t>(r.node.outputs.size()));
  return {};
}

Status dft_axis_to_input(Raiser& r) {
  int64_t axis = r.attributes().get_int("axis", 1);
  r.attributes().erase("axis");
  KL_ASSIGN(ValueId id, r.scalar(axis));
  r.set_input(2, id);
  return {};
}

}  // namespace kinglet::onnx
