#include "kernels/rnn/rnn.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "kernels/agree.h"

using namespace kinglet;

namespace {

template <class T>
struct Case {
  RnnCall<T> call;
  std::vector<T> x, w, r, bias, h, c, peephole, y, y_h, y_c;
  std::vector<int32_t> lengths;

  Case(RnnShape s, bool with_bias, bool with_states, bool with_peephole, bool with_lengths, uint32_t seed) {
    std::mt19937 random(seed);
    auto fill = [&](std::vector<T>* v, size_t n) {
      v->resize(n + 4);  // kernels may read a vector behind the end
      for (T& e : *v) e = static_cast<T>(static_cast<double>(random()) / 4294967296.0 - 0.5);
      return v->data();
    };
    size_t g = s.gate_width(), states = s.directions * s.batch * s.hidden;
    call.shape = s;
    call.x = fill(&x, s.steps * s.batch * s.input);
    call.w = fill(&w, s.directions * g * s.input);
    call.r = fill(&r, s.directions * g * s.hidden);
    if (with_bias) call.bias = fill(&bias, s.directions * 2 * g);
    if (with_states) call.initial_h = fill(&h, states), call.initial_c = fill(&c, states);
    if (with_peephole) call.peephole = fill(&peephole, s.directions * 3 * s.hidden);
    if (with_lengths) {
      for (size_t b = 0; b < s.batch; ++b) lengths.push_back(static_cast<int32_t>(random() % (s.steps + 1)));
      call.lengths = lengths.data();
    }
    for (auto& of_direction : call.activations) {
      of_direction[0] =
          default_activation(s.cell == RnnCell::kRnn ? Activation::kTanh : Activation::kSigmoid);
      of_direction[1] = of_direction[2] = default_activation(Activation::kTanh);
    }
    call.reverse[1] = true;
    for (auto* out : {&y, &y_h, &y_c}) out->assign((out == &y ? s.steps : 1) * states, T(-99));
    call.y = y.data();
    call.y_h = y_h.data();
    call.y_c = s.cell == RnnCell::kLstm ? y_c.data() : nullptr;
  }

  std::vector<T> outputs() const {
    std::vector<T> all = y;
    all.insert(all.end(), y_h.begin(), y_h.end());
    all.insert(all.end(), y_c.begin(), y_c.end());
    return all;
  }
};

template <class T>
std::shared_ptr<Buffer> room(Result<size_t> bytes) {
  REQUIRE(bytes.ok());
  auto buffer = Buffer::allocate(*bytes);
  REQUIRE(buffer.ok());
  return *buffer;
}

template <class T>
double largest_difference(Case<T>& c, int threads = 1) {
  rnn_reference(c.call);
  std::vector<T> expected = c.outputs();
  const RnnShape& s = c.call.shape;
  auto w = room<T>(rnn_packed_w_bytes<T>(s)), r = room<T>(rnn_packed_r_bytes<T>(s)),
       scratch = room<T>(rnn_scratch_bytes<T>(s, threads));
  rnn_pack_w(s, c.call.w, reinterpret_cast<T*>(w->data()));
  rnn_pack_r(s, c.call.r, reinterpret_cast<T*>(r->data()));
  RnnCall<T> call = c.call;
  call.w = reinterpret_cast<const T*>(w->data());
  call.r = reinterpret_cast<const T*>(r->data());
  for (auto* out : {&c.y, &c.y_h, &c.y_c}) std::fill(out->begin(), out->end(), T(-99));
  test::PretendParallel pool(threads);
  rnn(call, scratch->data(), pool);
  std::vector<T> got = c.outputs();
  double largest = 0;
  for (size_t i = 0; i < got.size(); ++i)
    largest = std::max(largest, std::fabs(static_cast<double>(got[i]) - static_cast<double>(expected[i])));
  return largest;
}

template <class T>
void check_all(double tolerance) {
  uint32_t seed = 1;
  for (RnnCell cell : {
#define RNN_CELL(name, gates, op) RnnCell::k##name,
#include "kernels/rnn/rnn.inc"
#undef RNN_CELL
       }) {
    for (size_t hidden : {1, 3, 4, 5, 16, 19}) {
      for (int variant = 0; variant < 32; ++variant) {
        RnnShape s;
        s.cell = cell;
        s.steps = 1 + static_cast<size_t>(variant) % 5;
        s.batch = 1 + static_cast<size_t>(variant) % 3;
        s.input = 2 + hidden % 7;
        s.hidden = hidden;
        s.directions = variant & 1 ? 2 : 1;
        s.batch_first = variant & 2;
        s.linear_before_reset = s.input_forget = variant & 4;
        bool lstm = cell == RnnCell::kLstm;
        Case<T> c(s, variant & 8, variant & 16, lstm && (variant & 8), variant % 3 == 0, seed++);
        if (variant % 7 == 3) c.call.clip = 0.2f;
        CAPTURE(static_cast<int>(cell));
        CAPTURE(hidden);
        CAPTURE(variant);
        CHECK(largest_difference(c, 1 + variant / 2 % 3) <= tolerance);
      }
    }
  }
}

}  // namespace

TEST_CASE("recurrent cells agree with the judge: float") { check_all<float>(3e-6); }
TEST_CASE("recurrent cells agree with the judge: double") { check_all<double>(1e-12); }

TEST_CASE("a planted wrong weight is seen") {
  RnnShape s;
  s.cell = RnnCell::kLstm;
  s.steps = s.batch = 2;
  s.input = s.hidden = 5;
  Case<float> c(s, true, true, false, false, 3);
  rnn_reference(c.call);
  std::vector<float> expected = c.outputs();
  c.w[7] += 0.01f;
  rnn_reference(c.call);
  std::vector<float> got = c.outputs();
  double largest = 0;
  for (size_t i = 0; i < got.size(); ++i)
    largest = std::max(largest, std::fabs(static_cast<double>(got[i]) - expected[i]));
  CHECK(largest > 3e-6);
}
