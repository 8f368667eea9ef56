#include "kernels/cast/convert.h"
#include "ops/expand.h"

namespace kinglet {

namespace {

Attributes attributes_of(std::initializer_list<ExpandContext::Given> list) {
  Attributes out;
  for (const ExpandContext::Given& a : list) {
    if (a.kind == 'i')
      out.set(a.name, a.i);
    else if (a.kind == 'f')
      out.set(a.name, a.f);
    else if (a.kind == 's')
      out.set(a.name, std::string(a.s));
    else
      out.set(a.name, std::vector<int64_t>(a.ints.begin(), a.ints.end()));
  }
  return out;
}

}  // namespace

std::vector<ValueId> ExpandContext::ops(std::string_view name, std::vector<ValueId> inputs, int outputs,
                                        Attributes attributes, std::string_view domain) {
  while (!inputs.empty() && inputs.back() == kNoValue) inputs.pop_back();
  Node n;
  n.domain = domain;
  n.op = name;
  n.inputs = std::move(inputs);
  n.attributes = std::move(attributes);
  return patch_.add_node(std::move(n), outputs);
}

std::vector<ValueId> ExpandContext::ops(std::string_view name, Inputs inputs, int outputs,
                                        std::initializer_list<Given> attributes, std::string_view domain) {
  return ops(name, std::vector<ValueId>(inputs), outputs, attributes_of(attributes), domain);
}

ValueId ExpandContext::op(std::string_view name, Inputs inputs, std::initializer_list<Given> attributes,
                          std::string_view domain) {
  return ops(name, inputs, 1, attributes, domain)[0];
}

ValueId ExpandContext::made(Result<Tensor> value) {
  if (value.ok()) return constant(std::move(*value));
  status_ = std::move(value.status());
  return kNoValue;
}

ValueId ExpandContext::ints(std::initializer_list<int64_t> values) {
  return made(Tensor::ints({values.begin(), values.size()}));
}

ValueId ExpandContext::scalar(size_t like, double value) {
  DType type = dtype(like);
  bool known = type != DType::kNone;
  Result<Tensor> t = Tensor::allocate(known ? type : DType::kFloat64, {});
  if (t.ok()) store_run(Compute::kF64, &value, t->dtype(), t->data(), 0, 1);
  ValueId id = made(std::move(t));
  return known || id == kNoValue ? id : op("CastLike", {id, input(like)});
}

}  // namespace kinglet
