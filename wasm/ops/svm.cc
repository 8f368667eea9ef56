#include <algorithm>
#include <cmath>

#include "kernels/distance/distance.h"
#include "ops/ml.h"

namespace kinglet::ops {

namespace {

// X against each of `count` support vectors; without any, against one row of coefficients.
ValueId kernel_values(Expansion& e, std::span<const float> vectors, int64_t count) {
  const Attributes& a = e.attributes();
  std::string_view kind = count == 0 ? "LINEAR" : a.get_string("kernel_type", "LINEAR");
  float params[3] = {};  // gamma, offset, degree
  auto given = a.get_floats("kernel_params");
  if (!given.empty()) e.expect("kernel_params", static_cast<int64_t>(given.size()), 3);
  int64_t rows = std::max<int64_t>(count, 1), width = static_cast<int64_t>(vectors.size()) / rows;
  bool linear = kind == "LINEAR", product = linear || kind == "POLY" || kind == "SIGMOID";
  if (width == 0 || (!product && kind != "RBF"))
    e.keep(fail(Code::kInvalidGraph, "kernel_type is ", kind, ", support vectors have ", width, " numbers"));
  if (!e.ok()) return kNoValue;
  std::copy(given.begin(), given.end(), params);
  ValueId x = e.matrix(DType::kFloat32), support = e.floats(vectors, {rows, width});
  if (!product) {
    ValueId square = e.c.op("CDist", {x, support}, {}, kMicrosoft);
    return e.op("Exp", {e.op("Mul", {square, e.scalar(-params[0])})});
  }
  if (linear) return e.op("Gemm", {x, support}, {"transB", 1});
  ValueId scaled = e.op("Mul", {support, e.scalar(params[0])});
  ValueId values = e.op("Gemm", {x, scaled, e.scalar(params[1])}, {"transB", 1});
  return kind == "POLY" ? e.op("Pow", {values, e.scalar(params[2])}) : e.op("Tanh", {values});
}

Status expand_regressor(ExpandContext& c) {
  Expansion e(c);
  const Attributes& a = c.attributes();
  auto coefficients = a.get_floats("coefficients");
  int64_t count = std::max<int64_t>(a.get_int("n_supports"), 0);
  ValueId bias = e.floats(a.get_floats("rho"), {1}), y;
  if (count == 0) {
    y = e.op("Add", {kernel_values(e, coefficients, 0), bias});
  } else {
    ValueId values = kernel_values(e, a.get_floats("support_vectors"), count);
    y = e.op("Gemm", {values, e.floats(coefficients, {1, count}), bias}, {"transB", 1});
  }
  y = transformed(e, y, 1);
  if (a.get_int("one_class") != 0)
    y = e.op("Where", {e.op("Greater", {y, e.scalar(0)}), e.scalar(1), e.scalar(-1)});
  return e.finish(y);
}

// With support vectors: votes between pairs of classes. Without: one score for each class.
Status expand_classifier(ExpandContext& c) {
  Expansion e(c);
  const Attributes& a = c.attributes();
  KL_ASSIGN(Tensor labels, labels_of(a, "classlabels_ints"));
  auto coefficients = a.get_floats("coefficients"), rho = a.get_floats("rho");
  auto counts = a.get_ints("vectors_per_class");
  int64_t classes = labels.count(), vectors = 0;
  KL_REQUIRE(classes < 65536, kLimitExceeded, classes, " classes");
  for (int64_t n : counts) {
    KL_REQUIRE(n >= 0 && n < int64_t{1} << 40, kInvalidGraph, "vectors_per_class has ", n);
    KL_ASSIGN(vectors, checked_add(vectors, n));
  }
  if (vectors == 0) {
    ValueId weights = e.floats(coefficients, {classes, static_cast<int64_t>(coefficients.size()) / classes});
    ValueId bias = e.floats(rho.first(std::min<size_t>(rho.size(), 1)), {1});
    ValueId scores = e.op("Gemm", {e.matrix(DType::kFloat32), weights, bias}, {"transB", 1});
    add_classes(e, scores, labels, ClassRule::kLargest, false, {});
    return e.finish();
  }
  e.expect("vectors_per_class", static_cast<int64_t>(counts.size()), classes);
  int64_t pairs = classes * (classes - 1) / 2;
  ValueId values = kernel_values(e, a.get_floats("support_vectors"), vectors);
  std::vector<ValueId> inputs{values, e.floats(coefficients, {classes - 1, vectors}), e.floats(rho, {pairs}),
                              e.constant(labels)};
  if (a.has("prob_a") || a.has("prob_b")) {
    inputs.push_back(e.floats(a.get_floats("prob_a"), {pairs}));
    inputs.push_back(e.floats(a.get_floats("prob_b"), {pairs}));
  }
  KL_ASSIGN(Transform transform, transform_of(a));
  Attributes votes;
  votes.set("post_transform", static_cast<int64_t>(transform));
  votes.set("vectors_per_class", std::vector<int64_t>(counts.begin(), counts.end()));
  std::vector<ValueId> out = c.ops("SvmVotes", std::move(inputs), 2, std::move(votes), kKinglet);
  c.output(1, out[1]);
  return e.finish(out[0]);
}

struct Params {
  Transform transform;
  std::vector<size_t> first;  // support vectors [first[i], first[i + 1]) belong to class i
  bool probabilities;
};

// Rows that a thread takes at a time.
constexpr size_t kRows = 32;

// Scratch of a thread: pair scores, votes, probabilities between classes, and room to couple them.
size_t slot_numbers(const Params& p) {
  size_t classes = p.first.size() - 1, numbers = classes * (classes - 1) / 2 + classes;
  return p.probabilities ? numbers + 2 * classes * classes + classes : numbers;
}

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
  auto vote = [&](size_t slot, size_t r) {
    auto* scores = reinterpret_cast<double*>(run.scratch()) + slot * slot_numbers(p);
    double *votes = scores + pairs, *between = votes + classes, *work = between + classes * classes;
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
  };
  // Helpers must not allocate, as copies of strings do.
  Parallel alone;
  alone.cancel = run.parallel().cancel;
  parallel_slots(labels.dtype() == DType::kString ? alone : run.parallel(), ceil_div(rows, kRows),
                 [&](size_t slot, size_t block) {
                   for (size_t r = block * kRows; r < std::min(rows, (block + 1) * kRows); ++r) vote(slot, r);
                 });
  if (run.cancelled()) return fail(Code::kCancelled, "among ", rows, " rows");
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
  KL_ASSIGN(size_t bytes, checked_mul(slot_numbers(p), sizeof(double)));
  KL_ASSIGN(bytes, checked_mul(bytes, static_cast<size_t>(c.threads())));
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
    {.domain = kKinglet,
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
