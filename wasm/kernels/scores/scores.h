#pragma once
// From scores of classical models to probabilities.
#include <cstddef>
#include <cstdint>

namespace kinglet {

enum class Transform : uint8_t { kNone, kSoftmax, kLogistic, kSoftmaxZero, kProbit };

// One row of scores in place.
void transform_scores(Transform transform, float* scores, size_t n);

// One score that speaks for the second of two classes as two, as ONNX Runtime has it: before it the opposite
// number or what is missing to one, logistic(-s) and logistic(s), or probit(s) and 0.
void write_score_pair(double score, bool opposite, Transform transform, float* out);

float logistic(float x);
// The inverse of the normal distribution function; NaN outside [0, 1].
double probit(double p);

// Class probabilities from those of pairs: pair[i * n + j] is the probability of class i against class j. As
// libsvm does it (Wu, Lin and Weng 2004, second method), so that a stop at the same place gives the same
// numbers. `work` has room for n * n + n numbers.
void couple_pairs(const double* pair, size_t n, double* work, double* probabilities);

}  // namespace kinglet
