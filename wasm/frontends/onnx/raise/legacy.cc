#include <cmath>

#include "frontends/onnx/raise.h"

namespace kinglet::onnx {

// Opset 1 marked inputs that an operator could overwrite.
Status drop_consumed_inputs(Raiser& r) {
  r.attributes().erase("consumed_inputs");
  return {};
}

// `to` was the name of a TensorProto.DataType.
Status name_to_number(Raiser& r) {
  static constexpr std::string_view kNames[] = {
      "UNDEFINED", "FLOAT",   "UINT8",  "INT8",   "UINT16", "INT16",     "INT32",      "INT64",   "STRING",
      "BOOL",      "FLOAT16", "DOUBLE", "UINT32", "UINT64", "COMPLEX64", "COMPLEX128", "BFLOAT16"};
  const AttributeValue* to = r.attributes().find("to");
  if (to == nullptr || !std::holds_alternative<std::string>(*to)) return {};
  std::string name;
  for (char c : std::get<std::string>(*to)) name += static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  for (size_t i = 1; i < std::size(kNames); ++i) {
    if (kNames[i] == name) return r.attributes().set("to", static_cast<int64_t>(i)), Status();
  }
  return fail(Code::kUnsupportedType, "Cast to \"", name, "\"");
}

Status default_axis_1(Raiser& r) {
  if (!r.attributes().has("axis")) r.attributes().set("axis", int64_t{1});
  return {};
}

Status float_p_to_int(Raiser& r) {
  const AttributeValue* p = r.attributes().find("p");
  if (p == nullptr || !std::holds_alternative<float>(*p)) return {};
  float value = std::get<float>(*p);
  KL_REQUIRE(value >= 1 && value < 1e6f && std::floor(value) == value, kUnsupportedFeature, "p is ", value);
  r.attributes().set("p", static_cast<int64_t>(value));
  return {};
}

// The defaults had fewer digits.
Status selu_constants(Raiser& r) {
  if (!r.attributes().has("alpha")) r.attributes().set("alpha", 1.6732f);
  if (!r.attributes().has("gamma")) r.attributes().set("gamma", 1.0507f);
  return {};
}

// Inputs were data, tiles and axis, the last two scalars of the data's type: one axis was repeated.
Status tile_one_axis(Raiser& r) {
  KL_REQUIRE(r.has_input(1) && r.has_input(2), kInvalidGraph, "Tile needs tiles and axis");
  Attributes to_int64;
  to_int64.set("to", static_cast<int64_t>(DType::kInt64));
  KL_ASSIGN(Tensor one, Tensor::ints(std::initializer_list<int64_t>{1}));
  ValueId one_entry = r.constant(one);
  ValueId tiles = r.op("Reshape", {r.op("Cast", {r.node.input(1)}, to_int64), one_entry});
  ValueId axis = r.op("Reshape", {r.op("Cast", {r.node.input(2)}, to_int64), one_entry});
  Attributes of_one;
  of_one.set("value", one);
  ValueId ones = r.op("ConstantOfShape", {r.op("Shape", {r.op("Shape", {r.node.input(0)})})}, of_one);
  r.node.inputs = {r.node.input(0), r.op("ScatterElements", {ones, axis, tiles})};
  return {};
}

// The ratio matters for training only. Before opset 10 the mask had the data's type.
Status dropout_attributes(Raiser& r) {
  r.attributes().erase("ratio");
  r.attributes().erase("is_test");
  if (r.node.opset >= 10 || r.node.output(1) == kNoValue) return {};
  ValueId wanted, data = r.node.input(0), mask = r.redirect_output(1, &wanted);
  r.emit();
  r.op_to(wanted, "CastLike", {mask, data});
  return {};
}

Status scatter_elements(Raiser& r) {
  r.node.op = "ScatterElements";
  return {};
}

Status roi_align_output_half_pixel(Raiser& r) {
  r.attributes().set("coordinate_transformation_mode", std::string("output_half_pixel"));
  return {};
}

Status grid_sample_mode(Raiser& r) {
  std::string_view mode = r.attributes().get_string("mode", "bilinear");
  if (mode == "bilinear") r.attributes().set("mode", std::string("linear"));
  if (mode == "bicubic") r.attributes().set("mode", std::string("cubic"));
  return {};
}

}  // namespace kinglet::onnx
