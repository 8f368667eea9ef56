#pragma once
// One step of a cell for one row of the batch.
#include <algorithm>
#include <cmath>

#include "kernels/rnn/rnn.h"

namespace kinglet::rnn_cells {

// What a cell works with; gate blocks are `hidden` wide.
template <class T>
struct Row {
  size_t hidden;
  const T* input;  // W x + biases, all gates
  T* gates;        // R h on entry; used as scratch
  T* h;            // previous state on entry, new one on return
  T* c;            // LSTM
  const Activation* activations;
  T clip;                          // 0: none
  const T* peephole = nullptr;     // LSTM: i o f
  const T* hidden_bias = nullptr;  // GRU with linear_before_reset: R's bias of gate h
};

inline void apply(const Activation& activation, float* x, size_t n) { activate(activation, x, n); }
void apply(const Activation& activation, double* x, size_t n);

template <class T>
void clip_and_apply(const Activation& activation, T clip, T* x, size_t n) {
  if (clip > 0) {
    for (size_t i = 0; i < n; ++i) x[i] = std::clamp(x[i], -clip, clip);
  }
  apply(activation, x, n);
}

template <class T>
void rnn(const Row<T>& row) {
  for (size_t i = 0; i < row.hidden; ++i) row.h[i] = row.gates[i] + row.input[i];
  clip_and_apply(row.activations[0], row.clip, row.h, row.hidden);
}

// Gates z and r of a GRU, left in row.gates.
template <class T>
void gru_gates(const Row<T>& row) {
  for (size_t i = 0; i < 2 * row.hidden; ++i) row.gates[i] += row.input[i];
  clip_and_apply(row.activations[0], row.clip, row.gates, 2 * row.hidden);
}

// `candidate`: R h of gate h (with linear_before_reset), or R (r h); used as scratch.
template <class T>
void gru_state(const Row<T>& row, T* candidate, bool linear_before_reset) {
  size_t n = row.hidden;
  const T* z = row.gates;
  const T* r = row.gates + n;
  const T* input = row.input + 2 * n;
  if (linear_before_reset) {
    for (size_t i = 0; i < n; ++i) {
      T linear = row.hidden_bias ? candidate[i] + row.hidden_bias[i] : candidate[i];
      candidate[i] = input[i] + r[i] * linear;
    }
  } else {
    for (size_t i = 0; i < n; ++i) candidate[i] += input[i];
  }
  clip_and_apply(row.activations[1], row.clip, candidate, n);
  for (size_t i = 0; i < n; ++i) row.h[i] = (1 - z[i]) * candidate[i] + z[i] * row.h[i];
}

template <class T>
void lstm(const Row<T>& row, bool input_forget) {
  size_t n = row.hidden;
  T* i_gate = row.gates;
  T* o_gate = i_gate + n;
  T* f_gate = o_gate + n;
  T* c_gate = f_gate + n;
  for (size_t i = 0; i < 4 * n; ++i) row.gates[i] += row.input[i];
  if (row.peephole != nullptr) {
    for (size_t i = 0; i < n; ++i) {
      i_gate[i] += row.peephole[i] * row.c[i];
      f_gate[i] += row.peephole[2 * n + i] * row.c[i];
    }
    clip_and_apply(row.activations[0], row.clip, i_gate, n);
    clip_and_apply(row.activations[0], row.clip, f_gate, n);
  } else {
    clip_and_apply(row.activations[0], row.clip, row.gates, 3 * n);
  }
  clip_and_apply(row.activations[1], row.clip, c_gate, n);
  if (input_forget) {
    for (size_t i = 0; i < n; ++i) f_gate[i] = 1 - i_gate[i];
  }
  for (size_t i = 0; i < n; ++i) row.c[i] = f_gate[i] * row.c[i] + i_gate[i] * c_gate[i];
  if (row.peephole != nullptr) {
    for (size_t i = 0; i < n; ++i) o_gate[i] += row.peephole[n + i] * row.c[i];
    clip_and_apply(row.activations[0], row.clip, o_gate, n);
  }
  std::copy_n(row.c, n, row.h);
  clip_and_apply(row.activations[2], row.clip, row.h, n);
  for (size_t i = 0; i < n; ++i) row.h[i] *= o_gate[i];
}

}  // namespace kinglet::rnn_cells
