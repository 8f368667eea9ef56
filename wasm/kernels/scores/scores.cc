#include "kernels/scores/scores.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kinglet {

namespace {

void softmax(float* scores, size_t n, bool keep_zeros) {
  constexpr float kZero = 1e-7f;  // scores this small are absent ones for SOFTMAX_ZERO
  float largest = *std::max_element(scores, scores + n);
  double sum = 0;
  for (size_t i = 0; i < n; ++i) {
    if (keep_zeros && std::abs(scores[i]) <= kZero) {
      scores[i] *= static_cast<float>(std::exp(-static_cast<double>(largest)));
      continue;
    }
    scores[i] = static_cast<float>(std::exp(static_cast<double>(scores[i] - largest)));
    sum += static_cast<double>(scores[i]);
  }
  for (size_t i = 0; i < n; ++i) scores[i] = static_cast<float>(static_cast<double>(scores[i]) / sum);
}

}  // namespace

float logistic(float x) { return static_cast<float>(1 / (1 + std::exp(-static_cast<double>(x)))); }

double probit(double p) {
  constexpr double kPi = 3.14159265358979323846, kRoot2 = 1.41421356237309504880;
  if (!(p > 0 && p < 1)) {
    double infinity = std::numeric_limits<double>::infinity();
    return p == 0 ? -infinity : p == 1 ? infinity : std::numeric_limits<double>::quiet_NaN();
  }
  // A closed form that is right to three digits (Winitzki), then Halley's iteration on the lower tail.
  double q = std::min(p, 1 - p), a = 0.147, log = std::log(4 * p * (1 - p));
  double v = 2 / (kPi * a) + log / 2;
  double z = -kRoot2 * std::sqrt(std::sqrt(v * v - log / a) - v);
  for (int i = 0; i < 3; ++i) {
    double u = (std::erfc(-z / kRoot2) / 2 - q) * std::sqrt(2 * kPi) * std::exp(z * z / 2);
    z -= u / (1 + z * u / 2);
  }
  return p < 0.5 ? z : -z;
}

void write_score_pair(double score, bool opposite, Transform transform, float* out) {
  auto s = static_cast<float>(score);
  if (transform == Transform::kProbit) {
    out[0] = static_cast<float>(probit(score));
    out[1] = 0;
  } else if (transform == Transform::kLogistic) {
    out[0] = logistic(-s);
    out[1] = logistic(s);
  } else {
    out[0] = opposite ? -s : 1 - s;
    out[1] = s;
  }
}

void transform_scores(Transform transform, float* scores, size_t n) {
  if (n == 0) return;
  switch (transform) {
    case Transform::kNone:
      return;
    case Transform::kSoftmax:
    case Transform::kSoftmaxZero:
      return softmax(scores, n, transform == Transform::kSoftmaxZero);
    case Transform::kLogistic:
      for (size_t i = 0; i < n; ++i) scores[i] = logistic(scores[i]);
      return;
    case Transform::kProbit:
      for (size_t i = 0; i < n; ++i) scores[i] = static_cast<float>(probit(static_cast<double>(scores[i])));
      return;
  }
}

void couple_pairs(const double* pair, size_t n, double* work, double* probabilities) {
  constexpr int kMostRounds = 100;
  double *q = work, *qp = work + n * n, *p = probabilities;
  // Minimises p' Q p over the simplex.
  for (size_t i = 0; i < n; ++i) {
    p[i] = 1.0 / static_cast<double>(n);
    double diagonal = 0;
    for (size_t j = 0; j < n; ++j) {
      if (j == i) continue;
      diagonal += pair[j * n + i] * pair[j * n + i];
      q[i * n + j] = -pair[j * n + i] * pair[i * n + j];
    }
    q[i * n + i] = diagonal;
  }
  double tolerance = 0.005 / static_cast<double>(n);
  for (int round = 0; round < kMostRounds; ++round) {
    double pqp = 0, error = 0;
    for (size_t i = 0; i < n; ++i) {
      qp[i] = 0;
      for (size_t j = 0; j < n; ++j) qp[i] += q[i * n + j] * p[j];
      pqp += p[i] * qp[i];
    }
    for (size_t i = 0; i < n; ++i) error = std::max(error, std::abs(qp[i] - pqp));
    if (error < tolerance) return;
    for (size_t i = 0; i < n; ++i) {
      double step = (pqp - qp[i]) / q[i * n + i], scale = 1 + step;
      p[i] += step;
      pqp = (pqp + step * (step * q[i * n + i] + 2 * qp[i])) / scale / scale;
      for (size_t j = 0; j < n; ++j) {
        qp[j] = (qp[j] + step * q[i * n + j]) / scale;
        p[j] /= scale;
      }
    }
  }
}

}  // namespace kinglet
