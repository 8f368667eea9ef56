#include "ops/product.h"

namespace kinglet::ops {

namespace {

Result<ProductSpec> spec_of(const OpContext& c) {
  KL_REQUIRE(c.rank(0) == 2 && c.rank(1) == 2, kInvalidShape, "A and B need two dimensions, they are ",
             c.shape(0), " and ", c.shape(1));
  ProductSpec spec;
  spec.a = matrix_stack(c.shape(0), true);
  spec.b = matrix_stack(c.shape(1), true);
  if (c.attributes().get_int("transA") != 0) spec.a = transposed(spec.a);
  if (c.attributes().get_int("transB") != 0) spec.b = transposed(spec.b);
  spec.alpha = c.attributes().get_float("alpha", 1);
  spec.beta = c.attributes().get_float("beta", 1);
  KL_ASSIGN([[maybe_unused]] Shape batch, product_batch(spec.a, spec.b));
  if (!c.has_input(2) || spec.beta == 0) return spec;
  Shape out = {spec.a.rows, spec.b.columns};
  const Shape& d = c.shape(2);
  auto together = broadcast(d, out);
  KL_REQUIRE(together.ok() && *together == out, kInvalidShape, "C is ", d, ", it must broadcast to ", out);
  int64_t rows = d.rank() > 1 ? d.at(-2) : 1, columns = d.rank() > 0 ? d.at(-1) : 1;
  if (rows == out[0] && columns == out[1])
    spec.addend = rows == 1 ? Addend::kColumns : Addend::kFull;
  else if (rows == 1 && columns == 1)
    spec.addend = Addend::kScalar;
  else
    spec.addend = rows == 1 ? Addend::kColumns : Addend::kRows;
  return spec;
}

Status infer(InferContext& c) {
  KL_ASSIGN(ProductSpec spec, spec_of(c));
  c.output(0, c.dtype(0), {spec.a.rows, spec.b.columns});
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(ProductSpec spec, spec_of(c));
  KL_TRY(read_activation(c, &spec.activation));
  return lower_product(c, spec);
}

#define GEMM_ATTRIBUTES "alpha:f=1 beta:f=1 transA:i=0 transB:i=0"

constexpr OpDef kGemm[] = {
    {.domain = kOnnx,
     .name = "Gemm",
     .signature = "A:T B:T C:T? -> Y:T | T=floats,int32,int64,uint32,uint64 | " GEMM_ATTRIBUTES,
     .infer = infer,
     .lower = lower},
    {.domain = kMicrosoft,
     .name = "FusedGemm",
     .signature = "A:T B:T C:T? -> Y:T | T=float16,float32 | " GEMM_ATTRIBUTES
                  " activation:s activation_alpha:f activation_beta:f activation_gamma:f",
     .infer = infer,
     .lower = lower},
};

}  // namespace

std::span<const OpDef> gemm() { return kGemm; }

}  // namespace kinglet::ops
