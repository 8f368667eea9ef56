#include "kernels/cast/cast.h"
#include "ops/context.h"

namespace kinglet::ops {

namespace {

struct CastParams {
  bool saturate;
};

Status run_cast(const CastParams& p, Run& run) {
  const Tensor &in = run.in(0), &out = run.out(0);
  if (in.dtype() == DType::kString)
    return cast_from_strings(in.data<std::string>(), out.dtype(), out.data(), out.count(), p.saturate);
  if (out.dtype() == DType::kString) {
    cast_to_strings(in.dtype(), in.data(), out.data<std::string>(), out.count());
    return {};
  }
  cast_numbers(in.dtype(), in.data(), out.dtype(), out.data(), out.count(), p.saturate, run.parallel());
  return {};
}

Status infer(InferContext& c, DType to) {
  KL_REQUIRE(dtype_kind(to) != 'c', kUnsupportedType, "complex numbers cannot be cast");
  c.output(0, to, c.shape(0));
  return {};
}
Status infer_cast(InferContext& c) {
  int64_t to = c.attributes().get_int("to");
  KL_REQUIRE(is_dtype(to), kInvalidGraph, "to is ", to, ", which is no data type");
  return infer(c, static_cast<DType>(to));
}
Status infer_cast_like(InferContext& c) { return infer(c, c.dtype(1)); }

Status lower(LowerContext& c) {
  if (c.dtype(0) == c.out_dtype(0)) {
    c.alias(0, 0);
    return {};
  }
  c.step<run_cast>("cast", CastParams{c.attributes().get_int("saturate", 1) != 0});
  if (dtype_bits(c.dtype(0)) == dtype_bits(c.out_dtype(0)) && dtype_bits(c.dtype(0)) != 0) c.in_place(0, 0);
  return {};
}

#define KL_CASTABLE "numeric,narrow8,bool,string,uint4,int4,uint2,int2,float4e2m1,float8e8m0"
constexpr OpDef kCast[] = {
    {kOnnx, "Cast", "input:T1 -> output:T2 | T1=" KL_CASTABLE " T2=" KL_CASTABLE " | saturate:i=1 to:i!",
     infer_cast, lower},
    {kOnnx, "CastLike",
     "input:T1 target_type:T2 -> output:T2 | T1=" KL_CASTABLE " T2=" KL_CASTABLE " | saturate:i=1",
     infer_cast_like, lower},
};
#undef KL_CASTABLE

}  // namespace

std::span<const OpDef> cast() { return kCast; }

}  // namespace kinglet::ops
