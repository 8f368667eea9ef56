#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/rnn/cell.h"

namespace kinglet {

namespace {

double formula(const Activation& activation, double x) {
  double a = activation.alpha, b = activation.beta;
  auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };
  switch (activation.kind) {
    case Activation::kNone:
      return x;
    case Activation::kRelu:
      return std::max(x, 0.0);
    case Activation::kClip:
      return std::min(std::max(x, a), b);
    case Activation::kLeakyRelu:
      return x < 0 ? a * x : x;
    case Activation::kSigmoid:
      return sigmoid(x);
    case Activation::kTanh:
      return std::tanh(x);
    case Activation::kHardSigmoid:
      return std::min(std::max(a * x + b, 0.0), 1.0);
    case Activation::kHardSwish:
      return x * std::min(std::max(x / 6 + 0.5, 0.0), 1.0);
    case Activation::kSilu:
      return x * sigmoid(x);
    case Activation::kElu:
      return x < 0 ? a * std::expm1(x) : x;
    case Activation::kGelu:
      return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case Activation::kGeluTanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::kAffine:
      return a * x + b;
    case Activation::kThresholdedRelu:
      return x > a ? x : 0;
    case Activation::kScaledTanh:
      return a * std::tanh(b * x);
    case Activation::kSoftsign:
      return x / (1 + std::fabs(x));
    case Activation::kSoftplus:
      return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
  }
  return x;
}

using Vector = std::vector<double>;

// One direction of one batch entry, straight from the definition.
template <class T>
struct Judge {
  const RnnCall<T>& call;
  size_t d, b;
  const RnnShape& s = call.shape;

  double act(int which, double x) const {
    if (call.clip > 0) x = std::clamp(x, -static_cast<double>(call.clip), static_cast<double>(call.clip));
    return formula(call.activations[d][which], x);
  }
  double peephole(size_t gate, size_t j, double c) const {
    return call.peephole ? call.peephole[(d * 3 + gate) * s.hidden + j] * c : 0;
  }
  // Row `gate * hidden + j` of W x + Wb, and of R h + Rb.
  double from_x(size_t time, size_t gate, size_t j) const {
    size_t row = gate * s.hidden + j, x_row = s.batch_first ? b * s.steps + time : time * s.batch + b;
    double sum = call.bias ? call.bias[d * 2 * s.gate_width() + row] : 0;
    for (size_t k = 0; k < s.input; ++k)
      sum += double(call.w[(d * s.gate_width() + row) * s.input + k]) * call.x[x_row * s.input + k];
    return sum;
  }
  double from_h(const Vector& h, size_t gate, size_t j) const {
    size_t row = gate * s.hidden + j;
    double sum = call.bias ? call.bias[d * 2 * s.gate_width() + s.gate_width() + row] : 0;
    for (size_t k = 0; k < s.hidden; ++k)
      sum += double(call.r[(d * s.gate_width() + row) * s.hidden + k]) * h[k];
    return sum;
  }

  void step(size_t time, Vector* h, Vector* c) const {
    Vector next_h(s.hidden), next_c = *c;
    for (size_t j = 0; j < s.hidden; ++j) {
      auto sum = [&](size_t gate) { return from_x(time, gate, j) + from_h(*h, gate, j); };
      if (s.cell == RnnCell::kRnn) {
        next_h[j] = act(0, sum(0));
      } else if (s.cell == RnnCell::kLstm) {
        double i = act(0, sum(0) + peephole(0, j, (*c)[j]));
        double f = s.input_forget ? 1 - i : act(0, sum(2) + peephole(2, j, (*c)[j]));
        next_c[j] = f * (*c)[j] + i * act(1, sum(3));
        next_h[j] = act(0, sum(1) + peephole(1, j, next_c[j])) * act(2, next_c[j]);
      } else {
        double z = act(0, sum(0)), candidate;
        if (s.linear_before_reset) {
          candidate = act(1, from_x(time, 2, j) + act(0, sum(1)) * from_h(*h, 2, j));
        } else {
          Vector reset = *h;
          for (size_t k = 0; k < s.hidden; ++k) reset[k] *= act(0, from_x(time, 1, k) + from_h(*h, 1, k));
          candidate = act(1, from_x(time, 2, j) + from_h(reset, 2, j));
        }
        next_h[j] = (1 - z) * candidate + z * (*h)[j];
      }
    }
    *h = next_h;
    *c = next_c;
  }

  void run() const {
    size_t state = (s.batch_first ? b * s.directions + d : d * s.batch + b) * s.hidden;
    auto y_at = [&](size_t time) {
      return (s.batch_first ? (b * s.steps + time) * s.directions + d
                            : (time * s.directions + d) * s.batch + b) *
             s.hidden;
    };
    size_t length = call.lengths ? static_cast<size_t>(call.lengths[b]) : s.steps;
    Vector h(s.hidden), c(s.hidden);
    if (call.initial_h) h.assign(call.initial_h + state, call.initial_h + state + s.hidden);
    if (call.initial_c) c.assign(call.initial_c + state, call.initial_c + state + s.hidden);
    if (call.y) {
      for (size_t time = length; time < s.steps; ++time) std::fill_n(call.y + y_at(time), s.hidden, T(0));
    }
    for (size_t i = 0; i < length; ++i) {
      size_t time = call.reverse[d] ? length - 1 - i : i;
      step(time, &h, &c);
      if (call.y) std::copy(h.begin(), h.end(), call.y + y_at(time));
    }
    if (call.y_h) std::copy(h.begin(), h.end(), call.y_h + state);
    if (call.y_c) std::copy(c.begin(), c.end(), call.y_c + state);
  }
};

}  // namespace

void rnn_cells::apply(const Activation& activation, double* x, size_t n) {
  for (size_t i = 0; i < n; ++i) x[i] = formula(activation, x[i]);
}

template <class T>
void rnn_reference(const RnnCall<T>& call) {
  for (size_t d = 0; d < call.shape.directions; ++d) {
    for (size_t b = 0; b < call.shape.batch; ++b) Judge<T>{call, d, b}.run();
  }
}
template void rnn_reference<float>(const RnnCall<float>&);
template void rnn_reference<double>(const RnnCall<double>&);

}  // namespace kinglet
