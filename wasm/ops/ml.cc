#include "ops/ml.h"

namespace kinglet {

ValueId cast_to(ExpandContext& c, ValueId value, DType dtype) {
  Attributes attributes;
  attributes.set("to", static_cast<int64_t>(dtype));
  return c.op("Cast", {value}, std::move(attributes));
}

ValueId matrix_of(ExpandContext& c, DType dtype) {
  Attributes attributes;
  attributes.set("axis", int64_t{-1});
  return c.op("Flatten", {cast_to(c, c.input(0), dtype)}, std::move(attributes));
}

Result<ValueId> float_constant(ExpandContext& c, std::span<const float> values, const Shape& shape) {
  KL_ASSIGN(int64_t count, checked_count(shape));
  KL_REQUIRE(static_cast<size_t>(count) == values.size(), kInvalidGraph, values.size(), " numbers where ",
             shape, " are needed");
  KL_ASSIGN(Tensor t, Tensor::of<float>(shape, values));
  return c.constant(std::move(t));
}

Result<std::vector<double>> doubles_of(const Attributes& attributes, const std::string& name) {
  std::vector<double> out;
  const Tensor* tensor = attributes.get_tensor(name + "_as_tensor");
  if (tensor == nullptr) {
    for (float f : attributes.get_floats(name)) out.push_back(static_cast<double>(f));
    return out;
  }
  KL_REQUIRE(dtype_kind(tensor->dtype()) == 'f', kInvalidGraph, name, "_as_tensor is ", tensor->dtype());
  for (int64_t i = 0; i < tensor->count(); ++i) out.push_back(tensor->number(i));
  return out;
}

Result<Tensor> list_of(const Attributes& attributes, const char* int64s, const char* strings,
                       const char* floats, const char* tensor) {
  Tensor out;
  std::string_view given;
  auto take = [&](const char* name, auto list) -> Status {
    if (name == nullptr || list.empty()) return {};
    KL_REQUIRE(out.empty(), kInvalidGraph, "both ", given, " and ", name, " are given");
    given = name;
    using T = std::remove_const_t<typename decltype(list)::element_type>;
    KL_ASSIGN(out, Tensor::of<T>({static_cast<int64_t>(list.size())}, list));
    return {};
  };
  if (const Tensor* t = tensor ? attributes.get_tensor(tensor) : nullptr) {
    KL_REQUIRE(t->rank() <= 1, kInvalidGraph, tensor, " has shape ", t->shape());
    out = t->reshaped({t->count()});
    given = tensor;
  }
  KL_TRY(take(int64s, attributes.get_ints(int64s)));
  KL_TRY(take(strings, attributes.get_strings(strings)));
  if (floats != nullptr) KL_TRY(take(floats, attributes.get_floats(floats)));
  return out;
}

Result<Transform> transform_of(const Attributes& attributes) {
  static constexpr std::string_view kNames[] = {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"};
  const AttributeValue* value = attributes.find("post_transform");
  int64_t number = value == nullptr ? 0 : attributes.get_int("post_transform", -1);
  std::string_view name = attributes.get_string("post_transform");
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (number == static_cast<int64_t>(i) || name == kNames[i]) return static_cast<Transform>(i);
  }
  return fail(Code::kInvalidGraph, "post_transform is ", name);
}

Result<ValueId> transformed(ExpandContext& c, ValueId scores, int64_t targets) {
  KL_ASSIGN(Transform transform, transform_of(c.attributes()));
  bool changes = transform == Transform::kProbit || (transform != Transform::kNone && targets > 1);
  ValueId narrow = cast_to(c, scores, DType::kFloat32);
  if (!changes) return narrow;
  Attributes attributes;
  attributes.set("post_transform", static_cast<int64_t>(transform));
  return c.op("Transform", {narrow}, std::move(attributes), kInternal);
}

Status add_classes(ExpandContext& c, ValueId scores, Tensor labels, ClassRule rule, bool all_positive,
                   std::span<const double> base) {
  KL_ASSIGN(Transform transform, transform_of(c.attributes()));
  Attributes attributes;
  attributes.set("post_transform", static_cast<int64_t>(transform));
  attributes.set("rule", static_cast<int64_t>(rule));
  attributes.set("all_positive", int64_t{all_positive});
  std::vector<ValueId> inputs{scores, c.constant(std::move(labels))};
  if (!base.empty()) {
    KL_ASSIGN(Tensor t, Tensor::of<double>({static_cast<int64_t>(base.size())}, base));
    inputs.push_back(c.constant(std::move(t)));
  }
  std::vector<ValueId> out = c.ops("Classes", std::move(inputs), 2, std::move(attributes), kInternal);
  c.output(0, out[0]);
  c.output(1, out[1]);
  return {};
}

void copy_label(const Tensor& labels, size_t index, const Tensor& out, size_t i) {
  if (labels.dtype() == DType::kString)
    out.data<std::string>()[i] = labels.data<std::string>()[index];
  else
    out.data<int64_t>()[i] = labels.data<int64_t>()[index];
}

}  // namespace kinglet
