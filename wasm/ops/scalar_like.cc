#include "ops/scalar_like.h"

#include "kernels/cast/convert.h"

namespace kinglet::ops {

Result<ValueId> scalar_like(ExpandContext& c, size_t like, double value) {
  DType dtype = c.dtype(like);
  bool known = dtype != DType::kNone;
  KL_ASSIGN(Tensor t, Tensor::allocate(known ? dtype : DType::kFloat64, {}));
  store_run(Compute::kF64, &value, t.dtype(), t.data(), 0, 1);
  ValueId id = c.constant(std::move(t));
  return known ? id : c.op("CastLike", {id, c.input(like)});
}

Result<ValueId> int_list(ExpandContext& c, std::initializer_list<int64_t> values) {
  KL_ASSIGN(Tensor t, Tensor::ints({values.begin(), values.size()}));
  return c.constant(std::move(t));
}

}  // namespace kinglet::ops
