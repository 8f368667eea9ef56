#pragma once
// ONNX's RNN, GRU and LSTM over a whole sequence, one or two directions. Elements: float, double.
// Formulas: https://onnx.ai/onnx/operators (RNN, GRU, LSTM); gate order z r h (GRU), i o f c (LSTM).
#include <cstddef>
#include <cstdint>

#include "base/parallel.h"
#include "base/result.h"
#include "kernels/matmul/activation.h"

namespace kinglet {

enum class RnnCell : uint8_t {
#define RNN_CELL(name, gates, op) k##name,
#include "kernels/rnn/rnn.inc"
#undef RNN_CELL
};
size_t rnn_gates(RnnCell cell);

struct RnnShape {
  RnnCell cell = RnnCell::kRnn;
  size_t steps = 0, batch = 0, input = 0, hidden = 0, directions = 1;
  // X, Y and the states have the batch first (layout = 1).
  bool batch_first = false;
  bool linear_before_reset = false;  // GRU
  bool input_forget = false;         // LSTM: f = 1 - i
  size_t gate_width() const { return rnn_gates(cell) * hidden; }
};

template <class T>
struct RnnCall {
  RnnShape shape;
  const T* x = nullptr;  // [steps, batch, input] or [batch, steps, input]
  const T* w = nullptr;  // from rnn_pack, all directions
  const T* r = nullptr;
  // Null, or as in ONNX: [directions, 2 * gate_width], [batch], [directions, batch, hidden] (or batch first),
  // [directions, 3 * hidden].
  const T* bias = nullptr;
  const int32_t* lengths = nullptr;  // in [0, steps]
  const T* initial_h = nullptr;
  const T* initial_c = nullptr;
  const T* peephole = nullptr;
  // Null when not wanted. y: [steps, directions, batch, hidden] or [batch, steps, directions, hidden].
  T* y = nullptr;
  T* y_h = nullptr;
  T* y_c = nullptr;
  bool reverse[2] = {};
  Activation activations[2][3];  // f, g, h of each direction
  float clip = 0;                // 0: none
};

// Packed W ([directions, gate_width, input]) and R ([directions, gate_width, hidden]), in bytes.
template <class T>
Result<size_t> rnn_packed_w_bytes(const RnnShape& shape);
template <class T>
Result<size_t> rnn_packed_r_bytes(const RnnShape& shape);
template <class T>
void rnn_pack_w(const RnnShape& shape, const T* w, T* packed);
template <class T>
void rnn_pack_r(const RnnShape& shape, const T* r, T* packed);

template <class T>
Result<size_t> rnn_scratch_bytes(const RnnShape& shape, int threads);
// Leaves the outputs unfinished when `pool` is cancelled.
template <class T>
void rnn(const RnnCall<T>& call, std::byte* scratch, Parallel& pool);

// The judge: the formulas one element after the other in double; w and r are as in ONNX, not packed.
template <class T>
void rnn_reference(const RnnCall<T>& call);

}  // namespace kinglet
