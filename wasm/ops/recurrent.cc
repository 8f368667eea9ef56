#include <array>

#include "kernels/rnn/rnn.h"
#include "ops/context.h"
#include "ops/converted.h"

namespace kinglet::ops {

namespace {

// Inputs in ONNX's order; those from initial_c on are the LSTM's.
enum Input { kX, kW, kR, kB, kLengths, kInitialH, kInitialC, kPeephole };

struct RecurrentParams {
  RnnShape shape;
  bool reverse[2] = {};
  Activation activations[2][3];
  float clip = 0;
  std::shared_ptr<Buffer> packed_w, packed_r;  // null: packed in the run
  size_t w_bytes = 0, r_bytes = 0;             // room for them in the scratch then
};

RnnCell cell_of(std::string_view op) {
  return op == "LSTM" ? RnnCell::kLstm : op == "GRU" ? RnnCell::kGru : RnnCell::kRnn;
}

Result<RnnShape> shape_of(const OpContext& c) {
  KL_REQUIRE(c.rank(kX) == 3 && c.rank(kW) == 3 && c.rank(kR) == 3, kInvalidShape,
             "X, W and R need three dimensions");
  const Shape &x = c.shape(kX), &w = c.shape(kW), &r = c.shape(kR);
  RnnShape s;
  s.cell = cell_of(c.node().op);
  s.batch_first = c.attributes().get_int("layout") != 0;
  s.linear_before_reset = c.attributes().get_int("linear_before_reset") != 0;
  s.input_forget = c.attributes().get_int("input_forget") != 0;
  s.steps = static_cast<size_t>(x[s.batch_first ? 1 : 0]);
  s.batch = static_cast<size_t>(x[s.batch_first ? 0 : 1]);
  s.input = static_cast<size_t>(x[2]);
  s.hidden = static_cast<size_t>(r[2]);
  s.directions = c.attributes().get_string("direction", "forward") == "bidirectional" ? 2 : 1;
  auto d = static_cast<int64_t>(s.directions), n = static_cast<int64_t>(s.hidden),
       g = static_cast<int64_t>(rnn_gates(s.cell));
  auto b = static_cast<int64_t>(s.batch);
  KL_REQUIRE(n > 0 && w == (Shape{d, g * n, x[2]}), kInvalidShape, "W is ", w, ", expected ",
             Shape{d, g * n, x[2]});
  KL_REQUIRE(r == (Shape{d, g * n, n}), kInvalidShape, "R is ", r, ", expected ", Shape{d, g * n, n});
  int64_t declared = c.attributes().get_int("hidden_size", n);
  KL_REQUIRE(declared == n, kInvalidShape, "hidden_size is ", declared, ", R has ", n);
  auto expect = [&](int input, const char* name, const Shape& wanted) -> Status {
    if (!c.has_input(input)) return {};
    KL_REQUIRE(c.shape(input) == wanted, kInvalidShape, name, " is ", c.shape(input), ", expected ", wanted);
    return {};
  };
  Shape state = s.batch_first ? Shape{b, d, n} : Shape{d, b, n};
  KL_TRY(expect(kB, "B", {d, 2 * g * n}));
  KL_TRY(expect(kLengths, "sequence_lens", {b}));
  KL_TRY(expect(kInitialH, "initial_h", state));
  KL_TRY(expect(kInitialC, "initial_c", state));
  KL_TRY(expect(kPeephole, "P", {d, 3 * n}));
  return s;
}

Status infer(InferContext& c) {
  KL_ASSIGN(RnnShape s, shape_of(c));
  auto steps = static_cast<int64_t>(s.steps), b = static_cast<int64_t>(s.batch),
       d = static_cast<int64_t>(s.directions), n = static_cast<int64_t>(s.hidden);
  Shape state = s.batch_first ? Shape{b, d, n} : Shape{d, b, n};
  c.output(0, c.dtype(kX), s.batch_first ? Shape{b, steps, d, n} : Shape{steps, d, b, n});
  c.output(1, c.dtype(kX), state);
  c.output(2, c.dtype(kX), state);
  return {};
}

// The functions f, g and h of each direction: names with their alphas and betas, which are given in order to
// those that take any.
Status read_activations(const OpContext& c, RecurrentParams* p) {
  static constexpr std::string_view kDefaults[][3] = {
      {"Tanh"}, {"Sigmoid", "Tanh"}, {"Sigmoid", "Tanh", "Tanh"}};
  size_t count = p->shape.cell == RnnCell::kLstm ? 3 : p->shape.cell == RnnCell::kGru ? 2 : 1;
  auto names = c.attributes().get_strings("activations");
  auto alphas = c.attributes().get_floats("activation_alpha"),
       betas = c.attributes().get_floats("activation_beta");
  KL_REQUIRE(names.empty() || names.size() == count * p->shape.directions, kInvalidGraph, names.size(),
             " activations, expected ", count * p->shape.directions);
  size_t alpha = 0, beta = 0;
  for (size_t i = 0; i < count * p->shape.directions; ++i) {
    std::string_view name =
        names.empty() ? kDefaults[static_cast<size_t>(p->shape.cell)][i % count] : std::string_view(names[i]);
    Activation::Kind kind;
    KL_REQUIRE(activation_from_name(name, true, &kind), kUnsupportedFeature, "activation ", name);
    Activation a = default_activation(kind);
    bool takes_beta =
        kind == Activation::kHardSigmoid || kind == Activation::kAffine || kind == Activation::kScaledTanh;
    bool takes_alpha = takes_beta || kind == Activation::kLeakyRelu || kind == Activation::kElu ||
                       kind == Activation::kThresholdedRelu;
    if (takes_alpha && alpha < alphas.size()) a.alpha = alphas[alpha++];
    if (takes_beta && beta < betas.size()) a.beta = betas[beta++];
    p->activations[i / count][i % count] = a;
  }
  return {};
}

template <class T>
Status run_as(const RecurrentParams& p, Run& run) {
  const RnnShape& s = p.shape;
  RnnCall<T> call;
  call.shape = s;
  auto data = [&](int i) { return run.has_in(i) ? run.in(i).data<T>() : nullptr; };
  auto out = [&](int i) { return run.has_out(i) ? run.out(i).data<T>() : nullptr; };
  call.x = data(kX);
  call.bias = data(kB);
  call.initial_h = data(kInitialH);
  call.initial_c = data(kInitialC);
  call.peephole = data(kPeephole);
  call.y = out(0);
  call.y_h = out(1);
  call.y_c = out(2);
  if (run.has_in(kLengths)) {
    call.lengths = run.in(kLengths).data<int32_t>();
    for (size_t b = 0; b < s.batch; ++b) {
      KL_REQUIRE(call.lengths[b] >= 0 && static_cast<size_t>(call.lengths[b]) <= s.steps, kIndexOutOfRange,
                 "sequence_lens[", b, "] is ", call.lengths[b], ", X has ", s.steps, " steps");
    }
  }
  std::copy_n(p.reverse, 2, call.reverse);
  std::copy_n(&p.activations[0][0], 6, &call.activations[0][0]);
  call.clip = p.clip;
  std::byte* scratch = run.scratch();
  auto packed = [&](const std::shared_ptr<Buffer>& constant, int input, size_t bytes,
                    void (*pack)(const RnnShape&, const T*, T*)) {
    if (constant) return reinterpret_cast<const T*>(constant->data());
    auto* room = reinterpret_cast<T*>(scratch);
    pack(s, run.in(input).data<T>(), room);
    scratch += bytes;
    return const_cast<const T*>(room);
  };
  call.w = packed(p.packed_w, kW, p.w_bytes, rnn_pack_w<T>);
  call.r = packed(p.packed_r, kR, p.r_bytes, rnn_pack_r<T>);
  rnn(call, scratch, run.parallel());
  return {};
}

Status run(const RecurrentParams& p, Run& r) {
  return r.in(kX).dtype() == DType::kFloat64 ? run_as<double>(p, r) : run_as<float>(p, r);
}

template <class T>
Status prepare(LowerContext& c, RecurrentParams* p) {
  const RnnShape& s = p->shape;
  KL_ASSIGN(size_t scratch, rnn_scratch_bytes<T>(s, c.threads()));
  KL_ASSIGN(p->w_bytes, rnn_packed_w_bytes<T>(s));
  KL_ASSIGN(p->r_bytes, rnn_packed_r_bytes<T>(s));
  if (c.dtype(kX) == kDTypeOf<T>) {
    std::string format = str("rnn ", static_cast<int>(s.cell), s.linear_before_reset);
    c.spent(kW);
    c.spent(kR);
    KL_ASSIGN(p->packed_w, c.packed(kW, format + "w", p->w_bytes, [&](std::byte* to) {
      rnn_pack_w(s, c.constant(kW)->data<T>(), reinterpret_cast<T*>(to));
    }));
    KL_ASSIGN(p->packed_r, c.packed(kR, format + "r", p->r_bytes, [&](std::byte* to) {
      rnn_pack_r(s, c.constant(kR)->data<T>(), reinterpret_cast<T*>(to));
    }));
  }
  for (size_t* bytes : {&p->w_bytes, &p->r_bytes}) {
    KL_ASSIGN(*bytes, checked_add(*bytes, kBufferAlignment - 1));
    *bytes &= ~(kBufferAlignment - 1);
  }
  if (!p->packed_w) {
    KL_ASSIGN(scratch, checked_add(scratch, p->w_bytes));
  }
  if (!p->packed_r) {
    KL_ASSIGN(scratch, checked_add(scratch, p->r_bytes));
  }
  c.scratch(scratch);
  return {};
}

Status lower(LowerContext& c) {
  RecurrentParams p;
  KL_ASSIGN(p.shape, shape_of(c));
  std::string_view direction = c.attributes().get_string("direction", "forward");
  KL_REQUIRE(direction == "forward" || direction == "reverse" || direction == "bidirectional", kInvalidGraph,
             "direction ", direction);
  p.reverse[0] = direction == "reverse";
  p.reverse[1] = true;
  p.clip = c.attributes().get_float("clip");
  KL_TRY(read_activations(c, &p));
  if (c.dtype(kX) == DType::kFloat64)
    KL_TRY(prepare<double>(c, &p));
  else
    KL_TRY(prepare<float>(c, &p));
  static constexpr const char* kNames[] = {
#define RNN_CELL(name, gates, op) "rnn/" op,
#include "kernels/rnn/rnn.inc"
#undef RNN_CELL
  };
  const char* kernel = kNames[static_cast<size_t>(p.shape.cell)];
  add_float_step<run>(c, kernel, c.dtype(kX), std::move(p));
  return {};
}

#define RECURRENT_INPUTS "X:T W:T R:T B:T? sequence_lens:int32? initial_h:T?"
#define RECURRENT_ATTRIBUTES                                                                         \
  "| T=floats | activation_alpha:fs activation_beta:fs activations:ss clip:f direction:s='forward' " \
  "hidden_size:i layout:i=0"

constexpr OpDef kRecurrent[] = {
    {.domain = kOnnx,
     .name = "LSTM",
     .signature =
         RECURRENT_INPUTS " initial_c:T? P:T? -> Y:T Y_h:T Y_c:T " RECURRENT_ATTRIBUTES " input_forget:i=0",
     .infer = infer,
     .lower = lower},
    {.domain = kOnnx,
     .name = "GRU",
     .signature = RECURRENT_INPUTS " -> Y:T Y_h:T " RECURRENT_ATTRIBUTES " linear_before_reset:i=0",
     .infer = infer,
     .lower = lower},
    {.domain = kOnnx,
     .name = "RNN",
     .signature = RECURRENT_INPUTS " -> Y:T Y_h:T " RECURRENT_ATTRIBUTES,
     .infer = infer,
     .lower = lower},
};

}  // namespace

std::span<const OpDef> recurrent() { return kRecurrent; }

}  // namespace kinglet::ops
