// Operators of ai.onnx.ml that prepare features: each is a few operators of ai.onnx, or moves elements.
#include <cmath>

#include "kernels/cast/convert.h"
#include "ops/ml.h"

namespace kinglet::ops {

namespace {

// A 1 where X is above the threshold.
Status binarizer(ExpandContext& c) {
  Expansion e(c);
  ValueId threshold = e.cast(e.scalar(c.attributes().get_float("threshold")), DType::kFloat64);
  ValueId above = e.op("Greater", {e.cast(c.input(0), DType::kFloat64), threshold});
  return e.finish(e.op("CastLike", {above, c.input(0)}));
}

// float32 keeps its arithmetic, other types use float64.
DType arithmetic(const ExpandContext& c) {
  return c.dtype(0) == DType::kFloat32 ? DType::kFloat32 : DType::kFloat64;
}

Status scaler(ExpandContext& c) {
  Expansion e(c);
  auto offset = c.attributes().get_floats("offset"), scale = c.attributes().get_floats("scale");
  DType dtype = arithmetic(c);
  ValueId x = e.cast(c.input(0), dtype);
  auto list = [&](std::span<const float> values) {
    return e.cast(e.floats(values, {static_cast<int64_t>(values.size())}), dtype);
  };
  if (!offset.empty()) x = e.op("Sub", {x, list(offset)});
  if (!scale.empty()) x = e.op("Mul", {x, list(scale)});
  return e.finish(e.cast(x, DType::kFloat32));
}

// Rows divided by their norm, where it is not zero.
Status normalizer(ExpandContext& c) {
  Expansion e(c);
  std::string_view norm = c.attributes().get_string("norm", "MAX");
  const char* op = norm == "MAX" ? "ReduceMax" : norm == "L1" ? "ReduceL1" : "ReduceL2";
  KL_REQUIRE(norm == "MAX" || norm == "L1" || norm == "L2", kInvalidGraph, "norm is ", norm);
  ValueId x = e.cast(c.input(0), arithmetic(c)), last = e.constant(Tensor::ints(std::array<int64_t, 1>{-1}));
  ValueId size = e.op(op, {x, last});
  ValueId is_zero = e.op("Not", {e.cast(size, DType::kBool)});
  ValueId divisor = e.op("Where", {is_zero, e.op("CastLike", {e.scalar(1), x}), size});
  return e.finish(e.cast(e.op("Div", {x, divisor}), DType::kFloat32));
}

Status imputer(ExpandContext& c) {
  Expansion e(c);
  const Attributes& a = c.attributes();
  auto floats = a.get_floats("imputed_value_floats");
  auto integers = a.get_ints("imputed_value_int64s");
  bool is_integer = dtype_kind(c.dtype(0)) == 'i' || (c.dtype(0) == DType::kNone && floats.empty());
  KL_REQUIRE(!(is_integer ? integers.empty() : floats.empty()), kInvalidGraph,
             "there are no imputed values for ", c.dtype(0));
  ValueId x = c.input(0);
  auto like_x = [&](ValueId value) { return e.op("CastLike", {value, x}); };
  if (is_integer) {
    ValueId replaced = like_x(e.constant(Tensor::scalar<int64_t>(a.get_int("replaced_value_int64"))));
    return e.finish(
        e.op("Where", {e.op("Equal", {x, replaced}), like_x(e.constant(Tensor::ints(integers))), x}));
  }
  float replaced = a.get_float("replaced_value_float");
  ValueId hit = std::isnan(replaced) ? e.op("IsNaN", {x}) : e.op("Equal", {x, like_x(e.scalar(replaced))});
  ValueId values = e.floats(floats, {static_cast<int64_t>(floats.size())});
  return e.finish(e.op("Where", {hit, like_x(values), x}));
}

struct VectorizerParams {
  std::vector<int64_t> widths;
};

int64_t width_of(const Shape& shape) { return shape.rank() == 1 ? shape[0] : shape.count(1); }

// Columns beyond the declared width are left out, missing ones are zero.
Status run_vectorizer(const VectorizerParams& p, Run& run) {
  const Tensor& out = run.out(0);
  int64_t rows = out.shape()[0], total = out.shape()[1], first = 0;
  std::fill_n(out.data<float>(), out.count(), 0.0f);
  for (int i = 0; i < run.in_count(); ++i) {
    const Tensor& in = run.in(i);
    int64_t declared = p.widths[static_cast<size_t>(i)], width = width_of(in.shape());
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t at = 0, n; at < std::min(declared, width); at += n) {
        n = std::min<int64_t>(kRun, std::min(declared, width) - at);
        load_run(in.dtype(), in.data(), r * width + at, Compute::kF32,
                 out.data<float>() + r * total + first + at, static_cast<size_t>(n));
      }
    }
    first += declared;
  }
  return {};
}

std::vector<int64_t> widths_of(const OpContext& c) {
  auto declared = c.attributes().get_ints("inputdimensions");
  std::vector<int64_t> widths(declared.begin(), declared.end());
  for (int i = 0; declared.empty() && i < c.input_count(); ++i) widths.push_back(width_of(c.shape(i)));
  return widths;
}

Status infer_vectorizer(InferContext& c) {
  std::vector<int64_t> widths = widths_of(c);
  KL_REQUIRE(std::ssize(widths) == c.input_count(), kInvalidGraph, widths.size(), " inputdimensions for ",
             c.input_count(), " inputs");
  int64_t rows = -1, total = 0;
  for (int i = 0; i < c.input_count(); ++i) {
    KL_REQUIRE(c.has_input(i) && c.rank(i) > 0, kInvalidShape, "input ", i, " needs at least one dimension");
    int64_t mine = c.rank(i) == 1 ? 1 : c.shape(i)[0], width = widths[static_cast<size_t>(i)];
    KL_REQUIRE(rows < 0 || rows == mine, kInvalidShape, "input ", i, " has ", mine, " rows, the first ",
               rows);
    KL_REQUIRE(width >= 0, kInvalidGraph, "inputdimensions has ", width);
    rows = mine;
    KL_ASSIGN(total, checked_add(total, width));
  }
  c.output(0, DType::kFloat32, {rows, total});
  return {};
}

Status lower_vectorizer(LowerContext& c) {
  c.step<run_vectorizer>("join_features", VectorizerParams{widths_of(c)});
  return {};
}

// Columns of X, chosen by number; of one dimension they become one row.
Status array_feature_extractor(ExpandContext& c) {
  Expansion e(c);
  ValueId chosen = e.op("Reshape", {c.input(1), e.constant(Tensor::ints(std::array<int64_t, 1>{-1}))});
  ValueId columns = e.op("Gather", {c.input(0), chosen}, {"axis", -1});
  return e.finish(c.op("Rows", {columns}, {}, kKinglet));
}

Status infer_rows(InferContext& c) {
  Shape out = c.shape(0);
  while (out.rank() < 2) out.insert(0, 1);
  c.output(0, c.dtype(0), out);
  return {};
}

Status lower_rows(LowerContext& c) {
  c.alias(0, 0);
  return {};
}

#define KL_FEATURES "float32,float64,int64,int32"

constexpr OpDef kFeatureOps[] = {
    {.domain = kKinglet,
     .name = "Rows",
     .signature = "X:T -> Y:T | T=all",
     .infer = infer_rows,
     .lower = lower_rows},
    {.domain = kOnnxMl,
     .name = "ArrayFeatureExtractor",
     .signature = "X:T Y:int64 -> Z:T | T=" KL_FEATURES ",string",
     .expand = array_feature_extractor},
    {.domain = kOnnxMl,
     .name = "Binarizer",
     .signature = "X:T -> Y:T | T=" KL_FEATURES " | threshold:f=0",
     .expand = binarizer},
    {.domain = kOnnxMl,
     .name = "FeatureVectorizer",
     .signature = "X:T# -> Y:float32 | T=" KL_FEATURES " | inputdimensions:is",
     .infer = infer_vectorizer,
     .lower = lower_vectorizer},
    {.domain = kOnnxMl,
     .name = "Imputer",
     .signature = "X:T -> Y:T | T=" KL_FEATURES " | imputed_value_floats:fs imputed_value_int64s:is "
                  "replaced_value_float:f=0 replaced_value_int64:i=0",
     .expand = imputer},
    {.domain = kOnnxMl,
     .name = "Normalizer",
     .signature = "X:T -> Y:float32 | T=" KL_FEATURES " | norm:s='MAX'",
     .expand = normalizer},
    {.domain = kOnnxMl,
     .name = "Scaler",
     .signature = "X:T -> Y:float32 | T=" KL_FEATURES " | offset:fs scale:fs",
     .expand = scaler},
};

}  // namespace

std::span<const OpDef> feature_ops() { return kFeatureOps; }

}  // namespace kinglet::ops
