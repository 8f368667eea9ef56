#include "kernels/rnn/rnn.h"

#include <algorithm>

#include "base/checked.h"
#include "base/tensor.h"
#include "kernels/matmul/matmul.h"
#include "kernels/rnn/cell.h"

namespace kinglet {

size_t rnn_gates(RnnCell cell) {
  static constexpr size_t kGates[] = {
#define RNN_CELL(name, gates, op) gates,
#include "kernels/rnn/rnn.inc"
#undef RNN_CELL
  };
  return kGates[static_cast<size_t>(cell)];
}

namespace {

// A GRU that resets before the product multiplies R in two parts: gates z and r, then gate h.
size_t first_part(const RnnShape& s) {
  return s.cell == RnnCell::kGru && !s.linear_before_reset ? 2 * s.hidden : s.gate_width();
}

template <class T>
Result<size_t> direction_r_bytes(const RnnShape& s) {
  KL_ASSIGN(size_t first, matmul_packed_b_bytes<T>(s.hidden, first_part(s)));
  if (first_part(s) == s.gate_width()) return first;
  KL_ASSIGN(size_t second, matmul_packed_b_bytes<T>(s.hidden, s.hidden));
  return checked_add(first, second);
}

template <class T>
MatMul<T> product(size_t m, size_t n, size_t k, const T* a, const T* b, T* c, size_t c_row) {
  MatMul<T> call;
  call.m = m;
  call.n = n;
  call.k = k;
  call.a = {a, k, 1, false};
  call.b = {b, 0, 1, true};
  call.c = c;
  call.c_row = c_row;
  return call;
}

// Scratch of one direction, in the order of the members.
template <class T>
struct Layout {
  size_t input, gates, candidate, reset, h, c, bias, matmul;
  size_t bytes;
};

template <class T>
Result<Layout<T>> layout_of(const RnnShape& s, int threads) {
  Layout<T> out{};
  size_t at = 0;
  auto place = [&](size_t* offset, size_t rows, size_t columns) -> Status {
    KL_ASSIGN(size_t count, checked_mul(rows, columns));
    KL_ASSIGN(size_t bytes, checked_mul(count, sizeof(T)));
    *offset = at;
    KL_ASSIGN(bytes, checked_add(bytes, 2 * kBufferAlignment));
    KL_ASSIGN(at, checked_add(at, bytes & ~(kBufferAlignment - 1)));
    return {};
  };
  KL_ASSIGN(size_t rows, checked_mul(s.steps, s.batch));
  KL_TRY(place(&out.input, rows, s.gate_width()));
  KL_TRY(place(&out.gates, s.batch, s.gate_width()));
  KL_TRY(place(&out.candidate, s.batch, s.hidden));
  KL_TRY(place(&out.reset, s.batch, s.hidden));
  KL_TRY(place(&out.h, s.batch, s.hidden));
  KL_TRY(place(&out.c, s.batch, s.hidden));
  KL_TRY(place(&out.bias, 1, s.gate_width()));
  out.matmul = at;
  size_t most = 0;
  auto need = [&](const MatMul<T>& call) -> Status {
    KL_ASSIGN(size_t bytes, matmul_scratch_bytes(call, select_matmul(call), threads));
    most = std::max(most, bytes);
    return {};
  };
  KL_TRY(need(product<T>(rows, s.gate_width(), s.input, nullptr, nullptr, nullptr, s.gate_width())));
  KL_TRY(need(product<T>(s.batch, first_part(s), s.hidden, nullptr, nullptr, nullptr, s.gate_width())));
  KL_TRY(need(product<T>(s.batch, s.hidden, s.hidden, nullptr, nullptr, nullptr, s.hidden)));
  KL_ASSIGN(out.bytes, checked_add(at, most));
  return out;
}

// Two directions at the same time need not wait for other threads at every step; large batches of many
// threads are better shared step by step.
bool has_a_thread_each(const RnnShape& s, int threads) {
  return s.directions == 2 && (threads == 2 || (threads > 2 && s.batch == 1));
}
// Room for a direction that has one thread; layout_of has not failed for more of them.
template <class T>
size_t direction_bytes(const RnnShape& s) {
  return align_up(layout_of<T>(s, 1)->bytes, kBufferAlignment);
}

template <class T>
class Direction {
 public:
  Direction(const RnnCall<T>& call, size_t index, std::byte* scratch, Parallel& pool)
      : call_(call),
        s_(call.shape),
        index_(index),
        pool_(pool),
        layout_(*layout_of<T>(call.shape, pool.threads())),
        scratch_(scratch) {}

  void run() {
    project_inputs();
    load_states();
    clear_padding();
    for (size_t step = 0; step < s_.steps && !cancelled(pool_); ++step) {
      multiply(at(layout_.h), r_, first_part(s_), at(layout_.gates), s_.gate_width());
      if (s_.cell == RnnCell::kGru)
        gru_step(step);
      else
        each_active(step, [&](size_t b, size_t time) { simple_row(b, time); });
    }
    store_states();
  }

 private:
  T* at(size_t offset) const { return reinterpret_cast<T*>(scratch_ + offset); }

  void multiply(const T* a, const T* b, size_t n, T* c, size_t c_row) {
    MatMul<T> call = product<T>(s_.batch, n, s_.hidden, a, b, c, c_row);
    matmul(call, select_matmul(call), scratch_ + layout_.matmul, pool_);
  }

  // W x + biases for all steps at once.
  void project_inputs() {
    size_t width = s_.gate_width();
    const T* w = call_.w + index_ * (*matmul_packed_b_bytes<T>(s_.input, width) / sizeof(T));
    r_ = call_.r + index_ * (*direction_r_bytes<T>(s_) / sizeof(T));
    MatMul<T> call = product<T>(s_.steps * s_.batch, width, s_.input, call_.x, w, at(layout_.input), width);
    if (call_.bias != nullptr) {
      const T* bias = call_.bias + index_ * 2 * width;
      T* sum = at(layout_.bias);
      bool apart = s_.cell == RnnCell::kGru && s_.linear_before_reset;
      for (size_t i = 0; i < width; ++i)
        sum[i] = bias[i] + (apart && i >= 2 * s_.hidden ? 0 : bias[width + i]);
      if (apart) hidden_bias_ = bias + width + 2 * s_.hidden;
      call.column_bias = sum;
    }
    matmul(call, select_matmul(call), scratch_ + layout_.matmul, pool_);
  }

  // Where a state of row b lies in initial_h, y_h and the like.
  size_t state_offset(size_t b) const {
    return (s_.batch_first ? b * s_.directions + index_ : index_ * s_.batch + b) * s_.hidden;
  }
  size_t y_offset(size_t time, size_t b) const {
    size_t row = s_.batch_first ? (b * s_.steps + time) * s_.directions + index_
                                : (time * s_.directions + index_) * s_.batch + b;
    return row * s_.hidden;
  }
  size_t length(size_t b) const { return call_.lengths ? static_cast<size_t>(call_.lengths[b]) : s_.steps; }

  void load_states() {
    for (size_t b = 0; b < s_.batch; ++b) {
      auto load = [&](const T* initial, size_t offset) {
        T* state = at(offset) + b * s_.hidden;
        if (initial != nullptr)
          std::copy_n(initial + state_offset(b), s_.hidden, state);
        else
          std::fill_n(state, s_.hidden, T(0));
      };
      load(call_.initial_h, layout_.h);
      load(call_.initial_c, layout_.c);
    }
  }

  void store_states() {
    for (size_t b = 0; b < s_.batch; ++b) {
      if (call_.y_h != nullptr)
        std::copy_n(at(layout_.h) + b * s_.hidden, s_.hidden, call_.y_h + state_offset(b));
      if (call_.y_c != nullptr)
        std::copy_n(at(layout_.c) + b * s_.hidden, s_.hidden, call_.y_c + state_offset(b));
    }
  }

  void clear_padding() {
    if (call_.y == nullptr) return;
    for (size_t b = 0; b < s_.batch; ++b) {
      for (size_t time = length(b); time < s_.steps; ++time)
        std::fill_n(call_.y + y_offset(time, b), s_.hidden, T(0));
    }
  }

  // body(b, time) for the rows whose sequence has not ended, then their new state goes to y.
  template <class Body>
  void each_active(size_t step, Body&& body) {
    for (size_t b = 0; b < s_.batch; ++b) {
      if (step >= length(b)) continue;
      size_t time = call_.reverse[index_] ? length(b) - 1 - step : step;
      body(b, time);
      if (call_.y != nullptr)
        std::copy_n(at(layout_.h) + b * s_.hidden, s_.hidden, call_.y + y_offset(time, b));
    }
  }

  rnn_cells::Row<T> row(size_t b, size_t time) const {
    size_t input_row = s_.batch_first ? b * s_.steps + time : time * s_.batch + b;
    return {s_.hidden,
            at(layout_.input) + input_row * s_.gate_width(),
            at(layout_.gates) + b * s_.gate_width(),
            at(layout_.h) + b * s_.hidden,
            at(layout_.c) + b * s_.hidden,
            call_.activations[index_],
            static_cast<T>(call_.clip),
            call_.peephole ? call_.peephole + index_ * 3 * s_.hidden : nullptr,
            hidden_bias_};
  }

  void simple_row(size_t b, size_t time) {
    if (s_.cell == RnnCell::kLstm)
      rnn_cells::lstm(row(b, time), s_.input_forget);
    else
      rnn_cells::rnn(row(b, time));
  }

  void gru_step(size_t step) {
    size_t n = s_.hidden;
    T* candidate = at(layout_.candidate);
    T* reset = at(layout_.reset);
    for (size_t b = 0; b < s_.batch; ++b) {
      if (step >= length(b)) continue;
      size_t time = call_.reverse[index_] ? length(b) - 1 - step : step;
      auto r = row(b, time);
      rnn_cells::gru_gates(r);
      for (size_t i = 0; i < n; ++i) reset[b * n + i] = r.gates[n + i] * r.h[i];
    }
    if (!s_.linear_before_reset) {
      const T* second = r_ + *matmul_packed_b_bytes<T>(n, 2 * n) / sizeof(T);
      multiply(reset, second, n, candidate, n);
    }
    each_active(step, [&](size_t b, size_t time) {
      auto r = row(b, time);
      T* product = s_.linear_before_reset ? r.gates + 2 * n : candidate + b * n;
      rnn_cells::gru_state(r, product, s_.linear_before_reset);
    });
  }

  const RnnCall<T>& call_;
  const RnnShape& s_;
  size_t index_;
  Parallel& pool_;
  Layout<T> layout_;
  std::byte* scratch_;
  const T* r_ = nullptr;
  const T* hidden_bias_ = nullptr;
};

}  // namespace

template <class T>
Result<size_t> rnn_packed_w_bytes(const RnnShape& s) {
  KL_ASSIGN(size_t one, matmul_packed_b_bytes<T>(s.input, s.gate_width()));
  return checked_mul(one, s.directions);
}

template <class T>
Result<size_t> rnn_packed_r_bytes(const RnnShape& s) {
  KL_ASSIGN(size_t one, direction_r_bytes<T>(s));
  return checked_mul(one, s.directions);
}

template <class T>
void rnn_pack_w(const RnnShape& s, const T* w, T* packed) {
  size_t one = *matmul_packed_b_bytes<T>(s.input, s.gate_width()) / sizeof(T);
  for (size_t d = 0; d < s.directions; ++d) {
    MatrixView<T> view{w + d * s.gate_width() * s.input, 1, s.input, false};
    matmul_pack_b(view, s.input, s.gate_width(), T(1), packed + d * one);
  }
}

template <class T>
void rnn_pack_r(const RnnShape& s, const T* r, T* packed) {
  for (size_t d = 0; d < s.directions; ++d) {
    const T* from = r + d * s.gate_width() * s.hidden;
    size_t first = first_part(s);
    matmul_pack_b(MatrixView<T>{from, 1, s.hidden, false}, s.hidden, first, T(1), packed);
    packed += *matmul_packed_b_bytes<T>(s.hidden, first) / sizeof(T);
    if (first == s.gate_width()) continue;
    matmul_pack_b(MatrixView<T>{from + first * s.hidden, 1, s.hidden, false}, s.hidden, s.hidden, T(1),
                  packed);
    packed += *matmul_packed_b_bytes<T>(s.hidden, s.hidden) / sizeof(T);
  }
}

template <class T>
Result<size_t> rnn_scratch_bytes(const RnnShape& shape, int threads) {
  KL_ASSIGN(auto layout, layout_of<T>(shape, threads));
  // The run may get fewer threads.
  if (shape.directions != 2 || threads == 1) return layout.bytes;
  KL_ASSIGN(size_t both, checked_mul(direction_bytes<T>(shape), size_t{2}));
  return std::max(both, layout.bytes);
}

template <class T>
void rnn(const RnnCall<T>& call, std::byte* scratch, Parallel& pool) {
  if (has_a_thread_each(call.shape, pool.threads())) {
    size_t bytes = direction_bytes<T>(call.shape);
    parallel_slots(pool, 2, [&](size_t, size_t d) {
      Parallel alone;
      alone.cancel = pool.cancel;
      Direction<T>(call, d, scratch + d * bytes, alone).run();
    });
    return;
  }
  for (size_t d = 0; d < call.shape.directions; ++d) Direction<T>(call, d, scratch, pool).run();
}

#define KL_RNN(T)                                                     \
  template Result<size_t> rnn_packed_w_bytes<T>(const RnnShape&);     \
  template Result<size_t> rnn_packed_r_bytes<T>(const RnnShape&);     \
  template void rnn_pack_w<T>(const RnnShape&, const T*, T*);         \
  template void rnn_pack_r<T>(const RnnShape&, const T*, T*);         \
  template Result<size_t> rnn_scratch_bytes<T>(const RnnShape&, int); \
  template void rnn<T>(const RnnCall<T>&, std::byte*, Parallel&);
KL_RNN(float)
KL_RNN(double)
#undef KL_RNN

}  // namespace kinglet
