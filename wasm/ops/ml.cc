#include "ops/ml.h"

namespace kinglet {

void Expansion::keep(Status status) {
  if (status_.ok()) status_ = std::move(status);
}

void Expansion::expect(const char* what, int64_t is, int64_t expected) {
  if (is != expected) keep(fail(Code::kInvalidGraph, what, ": ", is, ", expected ", expected));
}

ValueId Expansion::op(const char* name, std::initializer_list<ValueId> inputs, IntAttribute attribute) {
  Attributes attributes;
  if (attribute.name != nullptr) attributes.set(attribute.name, attribute.value);
  return c.op(name, inputs, std::move(attributes));
}

ValueId Expansion::cast(ValueId value, DType dtype) {
  return op("Cast", {value}, {"to", static_cast<int64_t>(dtype)});
}

ValueId Expansion::matrix(DType dtype) { return op("Flatten", {cast(c.input(0), dtype)}, {"axis", -1}); }

ValueId Expansion::constant(Result<Tensor> tensor) {
  if (tensor.ok()) return c.constant(std::move(*tensor));
  keep(std::move(tensor.status()));
  return kNoValue;
}

ValueId Expansion::floats(std::span<const float> values, const Shape& shape) {
  auto count = checked_count(shape);
  expect("numbers in a list", static_cast<int64_t>(values.size()), count.ok() ? *count : -1);
  return ok() ? constant(Tensor::of<float>(shape, values)) : kNoValue;
}

ValueId Expansion::doubles(std::span<const double> values) {
  return constant(Tensor::of<double>({static_cast<int64_t>(values.size())}, values));
}

Status Expansion::finish(ValueId value) {
  c.output(0, value);
  return std::move(status_);
}

Result<std::vector<double>> doubles_of(const Attributes& attributes, const char* name,
                                       const char* as_tensor) {
  std::vector<double> out;
  const Tensor* tensor = attributes.get_tensor(as_tensor);
  if (tensor == nullptr) {
    for (float f : attributes.get_floats(name)) out.push_back(static_cast<double>(f));
    return out;
  }
  KL_REQUIRE(dtype_kind(tensor->dtype()) == 'f', kInvalidGraph, as_tensor, " is ", tensor->dtype());
  for (int64_t i = 0; i < tensor->count(); ++i) out.push_back(tensor->number(i));
  return out;
}

Result<Tensor> list_of(const Attributes& attributes, const char* int64s, const char* strings,
                       const char* floats, const char* tensor) {
  const Tensor* given = tensor ? attributes.get_tensor(tensor) : nullptr;
  auto integers = attributes.get_ints(int64s);
  auto texts = attributes.get_strings(strings);
  auto numbers = floats ? attributes.get_floats(floats) : std::span<const float>();
  int lists = (given != nullptr) + !integers.empty() + !texts.empty() + !numbers.empty();
  KL_REQUIRE(lists <= 1, kInvalidGraph, int64s, " is not the only list of its kind");
  auto count = [](auto list) { return Shape{static_cast<int64_t>(list.size())}; };
  if (given != nullptr) return given->reshaped({given->count()});
  if (!integers.empty()) return Tensor::ints(integers);
  if (!texts.empty()) return Tensor::of<std::string>(count(texts), texts);
  if (!numbers.empty()) return Tensor::of<float>(count(numbers), numbers);
  return Tensor();
}

Result<Tensor> labels_of(const Attributes& attributes, const char* int64s) {
  KL_ASSIGN(Tensor labels, list_of(attributes, int64s, "classlabels_strings"));
  KL_REQUIRE(!labels.empty(), kInvalidGraph, "there are no class labels");
  return labels;
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

ValueId transformed(Expansion& e, ValueId scores, int64_t targets) {
  ValueId narrow = e.cast(scores, DType::kFloat32);
  auto transform = transform_of(e.attributes());
  if (!transform.ok()) {
    e.keep(std::move(transform.status()));
    return narrow;
  }
  bool changes = *transform == Transform::kProbit || (*transform != Transform::kNone && targets > 1);
  if (!changes) return narrow;
  Attributes attributes;
  attributes.set("post_transform", static_cast<int64_t>(*transform));
  return e.c.op("Transform", {narrow}, std::move(attributes), kKinglet);
}

void add_classes(Expansion& e, ValueId scores, const Tensor& labels, ClassRule rule, bool all_positive,
                 std::span<const double> base) {
  auto transform = transform_of(e.attributes());
  if (!transform.ok()) return e.keep(std::move(transform.status()));
  Attributes attributes;
  attributes.set("post_transform", static_cast<int64_t>(*transform));
  attributes.set("rule", static_cast<int64_t>(rule));
  attributes.set("all_positive", int64_t{all_positive});
  std::vector<ValueId> inputs{scores, e.constant(labels)};
  if (!base.empty()) inputs.push_back(e.doubles(base));
  std::vector<ValueId> out = e.c.ops("Classes", std::move(inputs), 2, std::move(attributes), kKinglet);
  e.c.output(0, out[0]);
  e.c.output(1, out[1]);
}

void copy_label(const Tensor& labels, size_t index, const Tensor& out, size_t i) {
  if (labels.dtype() == DType::kString)
    out.data<std::string>()[i] = labels.data<std::string>()[index];
  else
    out.data<int64_t>()[i] = labels.data<int64_t>()[index];
}

}  // namespace kinglet
