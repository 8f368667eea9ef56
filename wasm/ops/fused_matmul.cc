#include "ops/expand.h"
#include "ops/product.h"

namespace kinglet::ops {

namespace {

enum Input { kA, kB, kBias, kResidual };

// Of https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#commicrosoftfusedmatmul
Result<ProductSpec> spec_of(const OpContext& c) {
  auto operand = [&](int i, const char* trans, const char* trans_batch) -> Result<MatrixStack> {
    KL_REQUIRE(c.rank(i) > 0, kInvalidShape, "operands need at least one dimension");
    MatrixStack m = matrix_stack(c.shape(i), i == 0);
    if (c.attributes().get_int(trans_batch) != 0) {
      KL_ASSIGN(m, batch_transposed(c.shape(i)));
    }
    // A vector has nothing to transpose.
    return c.attributes().get_int(trans) != 0 && c.rank(i) > 1 ? transposed(m) : m;
  };
  ProductSpec spec;
  KL_ASSIGN(spec.a, operand(0, "transA", "transBatchA"));
  KL_ASSIGN(spec.b, operand(1, "transB", "transBatchB"));
  spec.alpha = c.attributes().get_float("alpha", 1);
  return spec;
}

Status infer(InferContext& c) {
  KL_ASSIGN(ProductSpec spec, spec_of(c));
  KL_ASSIGN(Shape out, product_batch(spec.a, spec.b));
  if (c.rank(0) > 1) out.push_back(spec.a.rows);
  if (c.rank(1) > 1) out.push_back(spec.b.columns);
  KL_REQUIRE(!c.has_input(kBias) || c.shape(kBias) == (Shape{spec.b.columns}), kInvalidShape, "bias is ",
             c.shape(kBias), ", expected ", spec.b.columns, " columns");
  KL_REQUIRE(!c.has_input(kResidual) || c.shape(kResidual) == out || is_column_of(c.shape(kResidual), out),
             kInvalidShape, "residual is ", c.shape(kResidual), ", expected ", out);
  c.output(0, c.dtype(0), out);
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(ProductSpec spec, spec_of(c));
  KL_TRY(read_activation(c, &spec.activation));
  if (c.has_input(kBias)) spec.addend = Addend::kColumns;
  if (c.has_input(kResidual))
    (c.shape(kResidual) == c.out_shape(0) ? spec.residual : spec.of_rows) = kResidual;
  return lower_product(c, spec);
}

Status expand_transposed(ExpandContext& c) {
  c.output(0, c.op("FusedMatMul", std::vector<ValueId>{c.input(0), c.input(1)}, c.attributes(), kMicrosoft));
  return {};
}

Status expand_gelu(ExpandContext& c) {
  ValueId product = c.op("MatMul", {c.input(0), c.input(1)});
  c.output(0, c.op("FastGelu", {product, c.input(2)}, {}, kMicrosoft));
  return {};
}

#define PRODUCT "alpha:f=1 transA:i=0 transB:i=0"
#define PRODUCT_BATCHES " transBatchA:i=0 transBatchB:i=0"

constexpr OpDef kFusedMatMul[] = {
    // activation(alpha A B + bias + residual): what comes behind B, and the activation, are made by passes.
    // The residual is a matrix or a column of it.
    {.domain = kMicrosoft,
     .name = "FusedMatMul",
     .signature = "A:T B:T bias:T? residual:T? -> Y:T | T=floats | activation:s activation_alpha:f "
                  "activation_beta:f " PRODUCT PRODUCT_BATCHES,
     .infer = infer,
     .lower = lower},
    {.domain = kMicrosoft,
     .name = "FusedMatMulActivation",
     .signature =
         "A:T B:T -> Y:T | T=floats | activation:s! activation_alpha:f activation_axis:i activation_beta:f "
         "activation_gamma:f " PRODUCT PRODUCT_BATCHES,
     .infer = infer,
     .lower = lower},
    {.domain = kMicrosoft,
     .name = "TransposeMatMul",
     .signature = "A:T B:T -> Y:T | T=floats | " PRODUCT,
     .expand = expand_transposed},
    {.domain = kMicrosoft,
     .name = "GemmFastGelu",
     .signature = "X:T W:T bias:T? -> Y:T | T=floats",
     .expand = expand_gelu},
};

}  // namespace

std::span<const OpDef> fused_matmul() { return kFusedMatMul; }

}  // namespace kinglet::ops
