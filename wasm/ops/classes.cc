#include <cmath>

#include "ops/ml.h"

namespace kinglet::ops {

namespace {

struct Params {
  ClassRule rule;
  Transform transform;
  bool all_positive;
  Tensor labels;
  std::vector<double> base;
  size_t scores;
};

bool is_voted(double score) { return score != 0 || !std::signbit(score); }

// The place of the largest score; with `votes` only among those that have one.
size_t largest(const double* s, size_t n, bool votes) {
  size_t best = 0;
  bool found = false;
  for (size_t i = 0; i < n; ++i) {
    if (votes && !is_voted(s[i])) continue;
    if (!found || s[i] > s[best]) best = i;
    found = true;
  }
  return best;
}

// The scores of one row in `s`, which may change; returns the place of the label.
size_t classify(const Params& p, double* s, float* z) {
  size_t n = p.scores;
  if (p.rule == ClassRule::kSign) {
    write_score_pair(s[0], false, p.transform, z);
    return s[0] > 0;
  }
  if (p.rule == ClassRule::kOneTreeClass) {
    bool second = is_voted(s[1]);
    double score = (second ? s[1] : s[0]) + (p.base.empty() ? 0.0 : p.base.back());
    write_score_pair(score, !p.all_positive, p.transform, z);
    return score > (p.all_positive ? 0.5 : 0.0);
  }
  bool votes = p.rule == ClassRule::kLargestTrees && p.base.empty();
  for (size_t i = 0; i < p.base.size(); ++i) s[i] += p.base[i];
  size_t best = largest(s, n, votes);
  for (size_t i = 0; i < n; ++i) z[i] = static_cast<float>(s[i] + 0.0);
  transform_scores(p.transform, z, n);
  return best;
}

Status run(const Params& p, Run& run) {
  const Tensor &in = run.in(0), &y = run.out(0), &z = run.out(1);
  auto rows = static_cast<size_t>(in.shape()[0]);
  auto wide = static_cast<size_t>(z.shape()[1]);
  auto* s = reinterpret_cast<double*>(run.scratch());
  for (size_t r = 0; r < rows; ++r) {
    for (size_t i = 0; i < p.scores; ++i) s[i] = in.number(static_cast<int64_t>(r * p.scores + i));
    copy_label(p.labels, classify(p, s, z.data<float>() + r * wide), y, r);
  }
  return {};
}

Status infer(InferContext& c) {
  KL_REQUIRE(c.rank(0) == 2 && c.rank(1) == 1, kInvalidShape, "scores are ", c.shape(0), ", labels ",
             c.shape(1));
  int64_t rule = c.attributes().get_int("rule"), scores = c.shape(0)[1], labels = c.shape(1)[0];
  KL_REQUIRE(rule >= 0 && rule <= static_cast<int64_t>(ClassRule::kOneTreeClass), kInvalidGraph, "rule ",
             rule);
  // Rules about two classes take one score, or two.
  bool sign = rule == static_cast<int64_t>(ClassRule::kSign);
  bool two = sign || rule == static_cast<int64_t>(ClassRule::kOneTreeClass);
  KL_REQUIRE(labels > 0 && (!two || labels == 2) && scores == (sign ? 1 : labels), kInvalidShape, scores,
             " scores for ", labels, " classes");
  c.output(0, c.dtype(1), {c.shape(0)[0]});
  c.output(1, DType::kFloat32, {c.shape(0)[0], labels});
  return {};
}

Status lower(LowerContext& c) {
  KL_REQUIRE(c.constant(1) != nullptr && (!c.has_input(2) || c.constant(2) != nullptr), kUnsupportedFeature,
             "labels and base values must be constant");
  KL_ASSIGN(Transform transform, transform_of(c.attributes()));
  Params p{static_cast<ClassRule>(c.attributes().get_int("rule")),
           transform,
           c.attributes().get_int("all_positive") != 0,
           *c.constant(1),
           {},
           static_cast<size_t>(c.shape(0)[1])};
  if (c.has_input(2)) {
    auto base = c.constant(2)->values<double>();
    bool fits = base.size() == p.scores || (p.scores == 2 && base.size() == 1);
    KL_REQUIRE(fits && p.rule != ClassRule::kSign, kInvalidGraph, base.size(), " base values for ", p.scores,
               " classes");
    p.base.assign(base.begin(), base.end());
  }
  c.scratch(p.scores * sizeof(double));
  c.step<run>("classes", std::move(p));
  return {};
}

struct TransformParams {
  Transform transform;
};

Status run_transform(const TransformParams& p, Run& run) {
  const Tensor &in = run.in(0), &out = run.out(0);
  std::copy_n(in.data<float>(), in.count(), out.data<float>());
  auto n = static_cast<size_t>(in.shape()[1]);
  for (size_t r = 0; r < static_cast<size_t>(in.shape()[0]); ++r)
    transform_scores(p.transform, out.data<float>() + r * n, n);
  return {};
}

Status infer_transform(InferContext& c) {
  KL_REQUIRE(c.rank(0) == 2, kInvalidShape, "scores have shape ", c.shape(0));
  c.output(0, DType::kFloat32, c.shape(0));
  return {};
}

Status lower_transform(LowerContext& c) {
  KL_ASSIGN(Transform transform, transform_of(c.attributes()));
  c.step<run_transform>("transform", TransformParams{transform});
  return {};
}

constexpr OpDef kClasses[] = {
    {kKinglet, "Classes",
     "scores:float32,float64 labels:L base:float64? -> Y:L Z:float32 | L=string,int64 | post_transform:i=0 "
     "rule:i! all_positive:i=0",
     infer, lower},
    {kKinglet, "Transform", "scores:float32 -> Z:float32 | | post_transform:i!", infer_transform,
     lower_transform},
};

}  // namespace

std::span<const OpDef> classes() { return kClasses; }

}  // namespace kinglet::ops
