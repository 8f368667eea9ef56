#include "ops/context.h"

namespace kinglet::ops {

namespace {

Status infer(InferContext& c) {
  KL_REQUIRE(c.attributes().all().size() == 1, kInvalidGraph,
             "exactly one attribute must give the value, there are ", c.attributes().all().size());
  const Attribute& a = c.attributes().all().front();
  auto list = [&]<class T>(std::span<const T> values) -> Status {
    KL_ASSIGN(Tensor t, Tensor::of<T>({static_cast<int64_t>(values.size())}, values));
    c.output_value(0, std::move(t));
    return {};
  };
  auto scalar = [&]<class T>(const T& value) -> Status {
    KL_ASSIGN(Tensor t, Tensor::scalar<T>(value));
    c.output_value(0, std::move(t));
    return {};
  };
  if (const Tensor* t = c.attributes().get_tensor("value")) {
    c.output_value(0, *t);
    return {};
  }
  if (a.name == "value_int") return scalar(c.attributes().get_int(a.name));
  if (a.name == "value_float") return scalar(c.attributes().get_float(a.name));
  if (a.name == "value_string") return scalar(std::string(c.attributes().get_string(a.name)));
  if (a.name == "value_ints") return list(c.attributes().get_ints(a.name));
  if (a.name == "value_floats") return list(c.attributes().get_floats(a.name));
  if (a.name == "value_strings") return list(c.attributes().get_strings(a.name));
  return fail(Code::kInvalidGraph, "attribute ", a.name, " gives no value");
}

}  // namespace

// A front end gives sparse_value as a dense `value`.
extern const OpDef constant{
    .domain = kOnnx,
    .name = "Constant",
    .signature =
        "-> output:T | T=all | value:t value_float:f value_floats:fs value_int:i value_ints:is "
        "value_string:s value_strings:ss",
    .infer = infer};

}  // namespace kinglet::ops
