#include <algorithm>
#include <cmath>

#include "kernels/distance/distance.h"
#include "ops/ml.h"

namespace kinglet::ops {

namespace {

// X against each support vector: [N, vectors].
Result<ValueId> kernel_values(ExpandContext& c, std::span<const float> vectors, int64_t count) {
  const Attributes& a = c.attributes();
  std::string_view kind = count == 0 ? "LINEAR" : a.get_string("kernel_type", "LINEAR");
  auto given = a.get_floats("kernel_params");
  KL_REQUIRE(given.empty() || given.size() == 3, kInvalidGraph, given.size(), " kernel_params, not 3");
  float gamma = given.empty() ? 0 : given[0], offset = given.empty() ? 0 : given[1];
  int64_t rows = std::max<int64_t>(count, 1), size = static_cast<int64_t>(vectors.size());
  KL_REQUIRE(size > 0 && size % rows == 0, kInvalidGraph, size, " numbers in ", rows, " support vectors");
  ValueId x = matrix_of(c, DType::kFloat32);
  KL_ASSIGN(ValueId support, float_constant(c, vectors, {rows, size / rows}));
  auto scalar = [&](float value) { return float_constant(c, std::array{value}, {}); };
  if (kind == "RBF") {
    KL_ASSIGN(ValueId factor, scalar(-gamma));
    ValueId square = c.op("CDist", {x, support}, {}, kMicrosoft);
    return c.op("Exp", {c.op("Mul", {square, factor})});
  }
  bool linear = kind == "LINEAR";
  KL_REQUIRE(linear || kind == "POLY" || kind == "SIGMOID", kInvalidGraph, "kernel_type is ", kind);
  Attributes product;
  product.set("transB", int64_t{1});
  if (!linear) product.set("alpha", gamma);
  std::vector<ValueId> inputs{x, support};
  if (!linear) {
    KL_ASSIGN(ValueId addend, scalar(offset));
    inputs.push_back(addend);
  }
  ValueId values = c.op("Gemm", std::move(inputs), std::move(product));
  if (linear) return values;
  if (kind == "SIGMOID") return c.op("Tanh", {values});
  KL_ASSIGN(ValueId degree, scalar(given.empty() ? 0 : given[2]));
  return c.op("Pow", {values, degree});
}

Status expand_regressor(ExpandContext& c) {
  const Attributes& a = c.attributes();
  auto coefficients = a.get_floats("coefficients"), rho = a.get_floats("rho");
  int64_t count = a.get_int("n_supports");
  KL_REQUIRE(count >= 0 && rho.size() == 1, kInvalidGraph, count, " supports and ", rho.size(), " rho");
  KL_ASSIGN(ValueId bias, float_constant(c, rho, {1}));
  ValueId y;
  if (count == 0) {
    KL_ASSIGN(ValueId product, kernel_values(c, coefficients, 0));
    y = c.op("Add", {product, bias});
  } else {
    KL_ASSIGN(ValueId values, kernel_values(c, a.get_floats("support_vectors"), count));
    KL_ASSIGN(ValueId weights, float_constant(c, coefficients, {1, count}));
    Attributes transposed;
    transposed.set("transB", int64_t{1});
    y = c.op("Gemm", {values, weights, bias}, std::move(transposed));
  }
  KL_ASSIGN(y, transformed(c, y, 1));
  if (a.get_int("one_class") != 0) {
    KL_ASSIGN(ValueId zero, float_constant(c, std::array{0.0f}, {}));
    KL_ASSIGN(ValueId inside, float_constant(c, std::array{1.0f}, {}));
    KL_ASSIGN(ValueId outside, float_constant(c, std::array{-1.0f}, {}));
    y = c.op("Where", {c.op("Greater", {y, zero}), inside, outside});
  }
  c.output(0, y);
  return {};
}

// With support vectors: votes between pairs of classes. Without: one score for each class.
Status expand_classifier(ExpandContext& c) {
  const Attributes& a = c.attributes();
  KL_ASSIGN(Tensor labels, list_of(a, "classlabels_ints", "classlabels_strings"));
  KL_REQUIRE(!labels.empty(), kInvalidGraph, "there are no class labels");
  auto coefficients = a.get_floats("coefficients"), rho = a.get_floats("rho");
  auto counts = a.get_ints("vectors_per_class");
  int64_t classes = labels.count(), vectors = 0;
  for (int64_t n : counts) {
    KL_REQUIRE(n >= 0, kInvalidGraph, "vectors_per_class has ", n);
    KL_ASSIGN(vectors, checked_add(vectors, n));
  }
  if (vectors == 0) {
    KL_REQUIRE(!rho.empty() && static_cast<int64_t>(coefficients.size()) % classes == 0, kInvalidGraph,
               coefficients.size(), " coefficients and ", rho.size(), " rho for ", classes, " classes");
    auto features = static_cast<int64_t>(coefficients.size()) / classes;
    KL_ASSIGN(ValueId weights, float_constant(c, coefficients, {classes, features}));
    KL_ASSIGN(ValueId bias, float_constant(c, rho.first(1), {1}));
    Attributes transposed;
    transposed.set("transB", int64_t{1});
    ValueId scores = c.op("Gemm", {matrix_of(c, DType::kFloat32), weights, bias}, std::move(transposed));
    return add_classes(c, scores, std::move(labels), ClassRule::kLargest, false, {});
  }
  KL_REQUIRE(classes > 1 && std::ssize(counts) == classes, kInvalidGraph, counts.size(),
             " vectors_per_class for ", classes, " classes");
  KL_ASSIGN(int64_t pairs, checked_mul(classes, classes - 1));
  pairs /= 2;
  auto prob_a = a.get_floats("prob_a"), prob_b = a.get_floats("prob_b");
  KL_REQUIRE(prob_a.size() == prob_b.size() && (prob_a.empty() || std::ssize(prob_a) == pairs), kInvalidGraph,
             prob_a.size(), " prob_a and ", prob_b.size(), " prob_b for ", pairs, " pairs");
  KL_ASSIGN(ValueId values, kernel_values(c, a.get_floats("support_vectors"), vectors));
  KL_ASSIGN(ValueId weights, float_constant(c, coefficients, {classes - 1, vectors}));
  KL_ASSIGN(ValueId offsets, float_constant(c, rho, {pairs}));
  KL_ASSIGN(Transform transform, transform_of(a));
  Attributes votes;
  votes.set("post_transform", static_cast<int64_t>(transform));
  votes.set("vectors_per_class", std::vector<int64_t>(counts.begin(), counts.end()));
  std::vector<ValueId> inputs{values, weights, offsets, c.constant(std::move(labels))};
  if (!prob_a.empty()) {
    KL_ASSIGN(ValueId slopes, float_constant(c, prob_a, {pairs}));
    KL_ASSIGN(ValueId shifts, float_constant(c, prob_b, {pairs}));
    inputs.insert(inputs.end(), {slopes, shifts});
  }
  std::vector<ValueId> out = c.ops("SvmVotes", std::move(inputs), 2, std::move(votes), kInternal);
  c.output(0, out[0]);
  c.output(1, out[1]);
  return {};
}

struct Params {
  Transform transform;
  std::vector<size_t> first;  // support vectors [first[i], first[i + 1]) belong to class i
  bool probabilities;
};

// Scores of pairs (0,1), (0,2), ... (1,2), ... of one row: positive for the former.
void score_pairs(const Params& p, const float* values, const float* weights, const float* rho, size_t classes,
                 double* scores) {
  size_t vectors = p.first.back(), pair = 0;
  auto part = [&](size_t row, size_t of) {
    size_t first = p.first[of];
    return static_cast<double>(
        kernels::dot(weights + row * vectors + first, values + first, p.first[of + 1] - first));
  };
  for (size_t i = 0; i + 1 < classes; ++i) {
    for (size_t j = i + 1; j < classes; ++j, ++pair)
      scores[pair] = part(j - 1, i) + part(i, j) + static_cast<double>(rho[pair]);
  }
}

Status run(const Params& p, Run& run) {
  const Tensor &values = run.in(0), &y = run.out(0), &z = run.out(1), &labels = run.in(3);
  auto rows = static_cast<size_t>(values.shape()[0]), classes = p.first.size() - 1;
  size_t pairs = classes * (classes - 1) / 2, wide = static_cast<size_t>(z.shape()[1]);
  auto* scores = reinterpret_cast<double*>(run.scratch());
  double *votes = scores + pairs, *between = votes + classes, *work = between + classes * classes;
  for (size_t r = 0; r < rows; ++r) {
    if (run.cancelled()) return fail(Code::kCancelled, "in row ", r);
    score_pairs(p, values.data<float>() + r * p.first.back(), run.in(1).data<float>(),
                run.in(2).data<float>(), classes, scores);
    std::fill_n(votes, classes, 0.0);
    float* out = z.data<float>() + r * wide;
    for (size_t i = 0, pair = 0; i < classes; ++i) {
      for (size_t j = i + 1; j < classes; ++j, ++pair) {
        ++votes[scores[pair] > 0 ? i : j];
        if (!p.probabilities) continue;
        constexpr double kLeast = 1e-7;
        double x = scores[pair] * run.in(4).number(static_cast<int64_t>(pair)) +
                   run.in(5).number(static_cast<int64_t>(pair));
        double q = std::clamp(1 / (1 + std::exp(x)), kLeast, 1 - kLeast);
        between[i * classes + j] = q;
        between[j * classes + i] = 1 - q;
      }
    }
    copy_label(labels, static_cast<size_t>(std::max_element(votes, votes + classes) - votes), y, r);
    if (p.probabilities) {
      couple_pairs(between, classes, work, votes);
      std::transform(votes, votes + classes, out, [](double v) { return static_cast<float>(v); });
      transform_scores(p.transform, out, classes);
    } else if (classes == 2) {
      write_score_pair(scores[0], p.transform == Transform::kNone, p.transform, out);
    } else {
      std::transform(scores, scores + pairs, out, [](double v) { return static_cast<float>(v); });
      transform_scores(p.transform, out, pairs);
    }
  }
  return {};
}

Status infer(InferContext& c) {
  auto counts = c.attributes().get_ints("vectors_per_class");
  auto classes = static_cast<int64_t>(counts.size());
  KL_REQUIRE(classes > 1 && classes < 65536 && c.rank(0) == 2, kInvalidShape, classes, " classes, values ",
             c.shape(0));
  int64_t pairs = classes * (classes - 1) / 2, vectors = 0;
  for (int64_t n : counts) {
    KL_REQUIRE(n >= 0, kInvalidGraph, "vectors_per_class has ", n);
    KL_ASSIGN(vectors, checked_add(vectors, n));
  }
  bool fits = c.shape(0)[1] == vectors && c.shape(1) == Shape{classes - 1, vectors} &&
              c.shape(2) == Shape{pairs} && c.shape(3) == Shape{classes};
  for (int i = 4; i < 6; ++i)
    fits &= c.has_input(4) == c.has_input(i) && (!c.has_input(i) || c.shape(i) == Shape{pairs});
  KL_REQUIRE(fits, kInvalidShape, "the lists do not fit ", classes, " classes and ", vectors,
             " support vectors");
  c.output(0, c.dtype(3), {c.shape(0)[0]});
  c.output(1, DType::kFloat32, {c.shape(0)[0], c.has_input(4) || classes == 2 ? classes : pairs});
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(Transform transform, transform_of(c.attributes()));
  Params p{transform, {0}, c.has_input(4)};
  for (int64_t n : c.attributes().get_ints("vectors_per_class"))
    p.first.push_back(p.first.back() + static_cast<size_t>(n));
  size_t classes = p.first.size() - 1;
  // Pair scores, votes, probabilities between classes, and room to couple them.
  size_t numbers = classes * (classes - 1) / 2 + classes;
  if (p.probabilities) numbers += 2 * classes * classes + classes;
  KL_ASSIGN(size_t bytes, checked_mul(numbers, sizeof(double)));
  c.scratch(bytes);
  c.step<run>("svm_votes", std::move(p));
  return {};
}

#define KL_SVM                                                                              \
  "coefficients:fs kernel_params:fs kernel_type:s='LINEAR' post_transform:s='NONE' rho:fs " \
  "support_vectors:fs "

constexpr OpDef kSvm[] = {
    {.domain = kOnnxMl,
     .name = "SVMClassifier",
     .signature = "X:float32,float64,int64,int32 -> Y:string,int64 Z:float32 | | " KL_SVM
                  "classlabels_ints:is classlabels_strings:ss prob_a:fs prob_b:fs vectors_per_class:is",
     .expand = expand_classifier},
    {.domain = kOnnxMl,
     .name = "SVMRegressor",
     .signature = "X:float32,float64,int64,int32 -> Y:float32 | | " KL_SVM "n_supports:i=0 one_class:i=0",
     .expand = expand_regressor},
    {.domain = kInternal,
     .name = "SvmVotes",
     .signature =
         "values:float32 weights:float32 rho:float32 labels:L prob_a:float32? prob_b:float32? -> Y:L "
         "Z:float32 | L=string,int64 | vectors_per_class:is! post_transform:i=0",
     .infer = infer,
     .lower = lower},
};
#undef KL_SVM

}  // namespace

std::span<const OpDef> svm() { return kSvm; }

}  // namespace kinglet::ops
