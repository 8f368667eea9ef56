#include "ops/sequence.h"

#include "ops/element.h"

namespace kinglet {

Result<const Sequence*> sequence_of(const EvalContext& c, int i) {
  const Sequence* s = i < c.input_count() ? c.input(i).sequence() : nullptr;
  KL_REQUIRE(s != nullptr, kInvalidGraph, "input ", i, " is not a sequence");
  return s;
}

Result<int64_t> position_of(const EvalContext& c, int i, int64_t count, int64_t limit) {
  KL_ASSIGN(Tensor t, c.tensor(i));
  KL_REQUIRE(t.count() == 1 && (t.dtype() == DType::kInt32 || t.dtype() == DType::kInt64), kInvalidShape,
             "the position must be one int32 or int64");
  KL_ASSIGN(Shape value, t.to_ints());
  int64_t position = value[0] < 0 ? value[0] + count : value[0];
  KL_REQUIRE(position >= 0 && position < limit, kIndexOutOfRange, "position ", value[0],
             " is outside a sequence of ", count);
  return position;
}

Result<Tensor> concat_tensors(EvalContext& c, std::span<const Value> tensors, int64_t axis, bool new_axis) {
  KL_REQUIRE(!tensors.empty(), kInvalidArgument, "there is nothing to concatenate");
  std::vector<Value> parts;
  for (const Value& v : tensors) {
    const Tensor* t = v.tensor();
    KL_REQUIRE(t != nullptr, kInvalidGraph, "an element is not a tensor");
    if (new_axis) {
      KL_REQUIRE(t->rank() < kMaxRank, kLimitExceeded, "rank ", t->rank() + 1, " is above ", kMaxRank);
      KL_ASSIGN(int at, normalize_axis(axis, t->rank() + 1));
      Shape shape = t->shape();
      shape.insert(at, 1);
      parts.emplace_back(t->reshaped(shape));
      KL_REQUIRE(t->shape() == tensors[0].tensor()->shape(), kInvalidShape, "elements have shapes ",
                 tensors[0].tensor()->shape(), " and ", t->shape());
    } else {
      parts.push_back(v);
    }
  }
  Attributes attributes;
  attributes.set("axis", axis);
  KL_ASSIGN(std::vector<Value> out, c.apply("Concat", parts, std::move(attributes)));
  return *out[0].tensor();
}

Result<Tensor> entry_of(EvalContext& c, const Tensor& tensor, int64_t i) {
  Shape shape = tensor.shape();
  shape.erase(0);
  if (is_sub_byte(tensor.dtype())) {
    KL_ASSIGN(Tensor index, Tensor::scalar<int64_t>(i));
    const Value inputs[] = {tensor, index};
    KL_ASSIGN(std::vector<Value> out, c.apply("Gather", inputs));
    return *out[0].tensor();
  }
  int64_t step = shape.count() * kernels::element_step(element_bytes(tensor.dtype()));
  auto offset = static_cast<size_t>(tensor.data() - tensor.buffer()->data() + i * step);
  return Tensor(tensor.dtype(), shape, tensor.buffer(), offset);
}

}  // namespace kinglet
