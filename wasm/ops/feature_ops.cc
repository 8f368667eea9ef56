// Operators of ai.onnx.ml that prepare features: each is a few operators of ai.onnx, or moves elements.
#include <cmath>

#include "kernels/cast/convert.h"
#include "ops/ml.h"

namespace kinglet::ops {

namespace {

// A 1 where X is above the threshold.
Status binarizer(ExpandContext& c) {
  KL_ASSIGN(Tensor threshold,
            Tensor::scalar<double>(static_cast<double>(c.attributes().get_float("threshold"))));
  ValueId above =
      c.op("Greater", {cast_to(c, c.input(0), DType::kFloat64), c.constant(std::move(threshold))});
  c.output(0, c.op("CastLike", {above, c.input(0)}));
  return {};
}

// Floats keep float32 arithmetic, other types use float64.
DType arithmetic(const ExpandContext& c) {
  return c.dtype(0) == DType::kFloat32 ? DType::kFloat32 : DType::kFloat64;
}

Status scaler(ExpandContext& c) {
  auto offset = c.attributes().get_floats("offset"), scale = c.attributes().get_floats("scale");
  KL_REQUIRE(offset.empty() || scale.empty() || offset.size() == scale.size(), kInvalidGraph, offset.size(),
             " offsets but ", scale.size(), " scales");
  ValueId x = cast_to(c, c.input(0), arithmetic(c));
  auto apply = [&](const char* op, std::span<const float> values) -> Status {
    if (values.empty()) return {};
    KL_ASSIGN(ValueId list, float_constant(c, values, {static_cast<int64_t>(values.size())}));
    x = c.op(op, {x, cast_to(c, list, arithmetic(c))});
    return {};
  };
  KL_TRY(apply("Sub", offset));
  KL_TRY(apply("Mul", scale));
  c.output(0, cast_to(c, x, DType::kFloat32));
  return {};
}

// Rows divided by their norm, where it is not zero.
Status normalizer(ExpandContext& c) {
  std::string_view norm = c.attributes().get_string("norm", "MAX");
  std::string_view op = norm == "MAX" ? "ReduceMax" : norm == "L1" ? "ReduceL1" : "ReduceL2";
  KL_REQUIRE(op != "ReduceL2" || norm == "L2", kInvalidGraph, "norm is ", norm);
  DType dtype = arithmetic(c);
  ValueId x = cast_to(c, c.input(0), dtype);
  KL_ASSIGN(Tensor axes, Tensor::ints(std::array<int64_t, 1>{-1}));
  KL_ASSIGN(ValueId one, float_constant(c, std::array{1.0f}, {}));
  KL_ASSIGN(ValueId zero, float_constant(c, std::array{0.0f}, {}));
  ValueId size = c.op(op, {x, c.constant(std::move(axes))});
  ValueId is_zero = c.op("Equal", {size, cast_to(c, zero, dtype)});
  ValueId divisor = c.op("Where", {is_zero, cast_to(c, one, dtype), size});
  c.output(0, cast_to(c, c.op("Div", {x, divisor}), DType::kFloat32));
  return {};
}

Status imputer(ExpandContext& c) {
  const Attributes& a = c.attributes();
  auto floats = a.get_floats("imputed_value_floats");
  auto integers = a.get_ints("imputed_value_int64s");
  bool is_integer = dtype_kind(c.dtype(0)) == 'i' || (c.dtype(0) == DType::kNone && floats.empty());
  KL_REQUIRE(!(is_integer ? integers.empty() : floats.empty()), kInvalidGraph,
             "there are no imputed values for ", c.dtype(0));
  Tensor values, replaced;
  if (is_integer) {
    KL_ASSIGN(values, Tensor::ints(integers));
    KL_ASSIGN(replaced, Tensor::scalar<int64_t>(a.get_int("replaced_value_int64")));
  } else {
    KL_ASSIGN(values, Tensor::of<float>({static_cast<int64_t>(floats.size())}, floats));
    KL_ASSIGN(replaced, Tensor::scalar<float>(a.get_float("replaced_value_float")));
  }
  auto like_x = [&](Tensor t) { return c.op("CastLike", {c.constant(std::move(t)), c.input(0)}); };
  bool nan = !is_integer && std::isnan(*replaced.data<float>());
  ValueId hit = nan ? c.op("IsNaN", {c.input(0)}) : c.op("Equal", {c.input(0), like_x(std::move(replaced))});
  c.output(0, c.op("Where", {hit, like_x(std::move(values)), c.input(0)}));
  return {};
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

// Columns of X, chosen by number.
Status array_feature_extractor(ExpandContext& c) {
  KL_ASSIGN(Tensor all, Tensor::ints(std::array<int64_t, 1>{-1}));
  ValueId chosen = c.op("Reshape", {c.input(1), c.constant(std::move(all))});
  Attributes last;
  last.set("axis", int64_t{-1});
  ValueId columns = c.op("Gather", {c.input(0), chosen}, std::move(last));
  // Of one dimension becomes one row.
  c.output(0, c.op("Rows", {columns}, {}, kInternal));
  return {};
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
    {.domain = kInternal,
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
