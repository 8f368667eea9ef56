#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/attention/attention.h"
#include "kernels/attention/visible.h"

namespace kinglet {

template <class T>
void attention_reference(const Attention<T>& a, double* rows, Parallel& pool) {
  constexpr double kNone = -std::numeric_limits<double>::infinity();
  parallel_slots(pool, a.batch * a.heads * a.queries, [&](size_t thread, size_t index) {
    size_t i = index % a.queries, h = index / a.queries % a.heads, b = index / a.queries / a.heads;
    auto at = [&](const HeadStrides& s, size_t head, size_t row) {
      return b * s.batch + head * s.head + row * s.row;
    };
    size_t kv = h / (a.heads / a.kv_heads);
    const T* q = a.q + at(a.q_strides, h, i);
    T* scores = a.scores ? a.scores + index * a.keys : nullptr;
    double* row = rows + thread * a.keys;
    Visible visible = visible_keys(a, b, i);
    double sink = a.sink ? static_cast<double>(a.sink[h]) : a.smooth ? 0 : kNone, largest = sink;
    for (size_t j = 0; j < a.keys; ++j) {
      const T* k = a.k + at(a.k_strides, kv, j);
      double s = 0;
      for (size_t c = 0; c < a.head_size; ++c) s += static_cast<double>(q[c]) * static_cast<double>(k[c]);
      s *= static_cast<double>(a.scale);
      auto tell = [&](ScoreStage stage) {
        if (scores && a.stage == stage) scores[j] = static_cast<T>(s);
      };
      tell(ScoreStage::kScaled);
      double cap = static_cast<double>(a.softcap);
      if (cap != 0) s = cap * std::tanh(s / cap);
      tell(ScoreStage::kCapped);
      for (const ScoreBias<T>& bias : a.bias) {
        if (bias.data == nullptr) continue;
        size_t column = bias.columns == kOneColumn ? 0 : j;
        s += j < bias.columns ? static_cast<double>(bias.data[at(bias.strides, h, i) + column]) : kNone;
      }
      bool hidden = j < visible.begin || j >= visible.end;
      if (hidden && a.stage == ScoreStage::kBiased) s = 0;
      tell(ScoreStage::kBiased);
      if (hidden) s = kNone;
      tell(ScoreStage::kHidden);
      row[j] = s;
      if (!(s <= largest)) largest = s;
    }
    double sum = sink == kNone ? 0 : std::exp(sink - largest);
    for (size_t j = 0; j < a.keys; ++j) sum += row[j] = row[j] == kNone ? 0 : std::exp(row[j] - largest);
    for (size_t j = 0; j < a.keys; ++j) {
      row[j] = sum == 0 || (a.drops_nan && std::isnan(sum)) ? 0 : row[j] / sum;
      if (scores && a.stage == ScoreStage::kSoftmax) scores[j] = static_cast<T>(row[j]);
    }
    T* y = a.y + at(a.y_strides, h, i);
    for (size_t c = 0; c < a.value_size; ++c) {
      double total = 0;
      for (size_t j = 0; j < a.keys; ++j) {
        if (row[j] != 0) total += row[j] * static_cast<double>(a.v[at(a.v_strides, kv, j) + c]);
      }
      y[c] = static_cast<T>(total);
    }
  });
}

template void attention_reference(const Attention<float>&, double*, Parallel&);
template void attention_reference(const Attention<double>&, double*, Parallel&);

}  // namespace kinglet
