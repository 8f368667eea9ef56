#include "frontends/onnx/raise.h"

namespace kinglet::onnx {

namespace {
Status scales(Raiser& r, std::span<const float> values, size_t input) {
  KL_ASSIGN(Tensor tensor, Tensor::of<float>({static_cast<int64_t>(values.size())}, values));
  r.set_input(input, r.constant(std::move(tensor)));
  return {};
}
}  // namespace

Status upsample_scales(Raiser& r) {
  float list[] = {1, 1, r.attributes().get_float("height_scale"), r.attributes().get_float("width_scale")};
  r.attributes().erase("height_scale");
  r.attributes().erase("width_scale");
  r.attributes().set("scales", std::vector<float>(std::begin(list), std::end(list)));
  if (r.attributes().get_string("mode") == "bilinear") r.attributes().set("mode", std::string("linear"));
  return {};
}

Status scales_to_input(Raiser& r) {
  KL_REQUIRE(r.attributes().has("scales"), kInvalidGraph, "attribute scales is required");
  KL_TRY(scales(r, r.attributes().get_floats("scales"), 1));
  r.attributes().erase("scales");
  return {};
}

Status upsample_to_resize(Raiser& r) {
  r.node.op = "Resize";
  return resize_asymmetric(r);
}

// Inputs were X and scales; positions scaled from the corner, nearest rounded down.
Status resize_asymmetric(Raiser& r) {
  // Upsample came through here already.
  if (r.attributes().has("coordinate_transformation_mode")) return {};
  r.attributes().set("coordinate_transformation_mode", std::string("asymmetric"));
  r.attributes().set("nearest_mode", std::string("floor"));
  ValueId scales = r.node.input(1);
  r.node.inputs = {r.node.input(0), kNoValue, scales};
  return {};
}

// Roi and scales that were not wanted were empty tensors.
Status resize_absent_inputs(Raiser& r) {
  for (size_t i : {size_t{1}, size_t{2}}) {
    const Tensor* value = r.graph().constant(r.node.input(i));
    if (value != nullptr && value->count() == 0) r.node.inputs[i] = kNoValue;
  }
  return {};
}

}  // namespace kinglet::onnx
