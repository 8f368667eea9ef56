#include "ops/product.h"

namespace kinglet::ops {

namespace {

Status infer(InferContext& c) {
  KL_REQUIRE(c.rank(0) > 0 && c.rank(1) > 0, kInvalidShape, "A and B need at least one dimension");
  MatrixStack a = matrix_stack(c.shape(0), true), b = matrix_stack(c.shape(1), false);
  KL_ASSIGN(Shape out, product_batch(a, b));
  if (c.rank(0) > 1) out.push_back(a.rows);
  if (c.rank(1) > 1) out.push_back(b.columns);
  c.output(0, c.dtype(0), out);
  return {};
}

Status lower(LowerContext& c) {
  return lower_product(c, {.a = matrix_stack(c.shape(0), true), .b = matrix_stack(c.shape(1), false)});
}

}  // namespace

extern const OpDef matmul{.domain = kOnnx,
                          .name = "MatMul",
                          .signature = "A:T B:T -> Y:T | T=floats,int32,int64,uint32,uint64",
                          .infer = infer,
                          .lower = lower};

}  // namespace kinglet::ops
