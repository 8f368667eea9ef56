#include <cmath>
#include <vector>

#include "support/evaluate_op.h"

using namespace kinglet;
using namespace kinglet::testing;

namespace {

Tensor wave(const Shape& shape, int seed) {
  std::vector<float> values;
  for (int64_t i = 0; i < shape.count(); ++i)
    values.push_back(static_cast<float>((i * 37 + seed * 11) % 101 - 50) * 0.03f);
  return floats(shape, values);
}

Tensor transpose(const Tensor& x, std::vector<int64_t> perm) {
  return run_op("Transpose", {x}, attributes({{"perm", perm}}))[0];
}

// The definition, from operators that do not know attention.
Tensor spelled_out(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask, float scale) {
  std::vector<int64_t> last =
      q.rank() == 3 ? std::vector<int64_t>{0, 2, 1} : std::vector<int64_t>{0, 1, 3, 2};
  Tensor scores = run_op("Mul", {run_op("MatMul", {q, transpose(k, last)})[0], floats({}, {scale})})[0];
  if (!mask.empty()) scores = run_op("Add", {scores, mask})[0];
  return run_op("MatMul", {run_op("Softmax", {scores})[0], v})[0];
}

void near(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  auto x = numbers(a), y = numbers(b);
  for (size_t i = 0; i < x.size(); ++i) CHECK(std::abs(x[i] - y[i]) <= 2e-6);
}

}  // namespace

TEST_CASE("kinglet.Attention is two products and a Softmax, its operands in either order") {
  Tensor q = wave({2, 3, 5, 8}, 1), k = wave({2, 3, 70, 8}, 2), v = wave({2, 3, 70, 6}, 3);
  std::vector<int64_t> swap = {0, 2, 1, 3};
  for (const Tensor& mask : {Tensor(), wave({5, 70}, 4), wave({2, 1, 1, 70}, 5), wave({2, 3, 5, 70}, 6)}) {
    Tensor expected = spelled_out(q, k, v, mask, 0.25f);
    near(run_op("Attention", {q, k, v, mask}, attributes({{"scale", 0.25f}}), "kinglet")[0], expected);
    Attributes turned = attributes({{"scale", 0.25f},
                                    {"q_rows_first", int64_t{1}},
                                    {"k_rows_first", int64_t{1}},
                                    {"v_rows_first", int64_t{1}},
                                    {"y_rows_first", int64_t{1}}});
    near(run_op("Attention", {transpose(q, swap), transpose(k, swap), transpose(v, swap), mask}, turned,
                "kinglet")[0],
         transpose(expected, swap));
  }
  // One head of keys and values for all queries.
  Tensor k1 = wave({2, 1, 70, 8}, 7), v1 = wave({2, 1, 70, 6}, 8);
  near(run_op("Attention", {q, k1, v1}, {}, "kinglet")[0], spelled_out(q, k1, v1, {}, 1));
}

// As the operators that it stands for: what a mask or keys have more of, the result has.
TEST_CASE("kinglet.Attention broadcasts all but the heads of keys and values") {
  Tensor q = wave({2, 3, 5, 8}, 1), k = wave({2, 3, 70, 8}, 2), v = wave({2, 3, 70, 6}, 3);
  for (const Tensor& mask : {wave({5, 1}, 4), wave({2, 3, 5, 1}, 5), wave({1, 1, 1, 1}, 6)})
    near(run_op("Attention", {q, k, v, mask}, {}, "kinglet")[0], spelled_out(q, k, v, mask, 1));
  Tensor few = wave({1, 3, 1, 8}, 7), k1 = wave({1, 3, 70, 8}, 8), v1 = wave({1, 3, 70, 6}, 9);
  for (const Tensor& mask : {wave({2, 1, 1, 70}, 4), wave({2, 3, 5, 70}, 5), wave({5, 70}, 6)})
    near(run_op("Attention", {few, k1, v1, mask}, {}, "kinglet")[0], spelled_out(few, k1, v1, mask, 1));
  near(run_op("Attention", {few, k, v}, {}, "kinglet")[0], spelled_out(few, k, v, {}, 1));
  near(run_op("Attention", {q, k1, v}, {}, "kinglet")[0], spelled_out(q, k1, v, {}, 1));
  near(run_op("Attention", {q, k, v1}, {}, "kinglet")[0], spelled_out(q, k, v1, {}, 1));
  Tensor one = wave({2, 1, 5, 8}, 4), one_k = wave({2, 1, 70, 8}, 5), one_v = wave({2, 1, 70, 6}, 6);
  Tensor mask = wave({3, 5, 70}, 7);
  near(run_op("Attention", {one, one_k, one_v, mask}, {}, "kinglet")[0],
       spelled_out(one, one_k, one_v, mask, 1));
}

TEST_CASE("kinglet.Attention of queries, keys and values side by side") {
  Tensor x = wave({2, 5, 3, 4, 8}, 1), parts[3];
  for (int i = 0; i < 3; ++i) {
    Tensor part = run_op("Gather", {x, ints({i})}, attributes({{"axis", int64_t{2}}}))[0];
    Tensor flat = run_op("Reshape", {part, ints({2, 5, 4, 8})})[0];
    parts[i] = transpose(flat, {0, 2, 1, 3});
  }
  near(run_op("Attention", {x, x, x}, attributes({{"scale", 0.5f}}), "kinglet")[0],
       spelled_out(parts[0], parts[1], parts[2], {}, 0.5f));
}

TEST_CASE("kinglet.Attention with heads in the batch") {
  Tensor q = wave({6, 5, 8}, 1), k = wave({6, 7, 8}, 2), v = wave({6, 7, 8}, 3), mask = wave({5, 7}, 4);
  Tensor expected = spelled_out(q, k, v, mask, 0.5f);
  near(run_op("Attention", {q, k, v, mask}, attributes({{"scale", 0.5f}}), "kinglet")[0], expected);
  Attributes turned = attributes({{"scale", 0.5f}, {"q_rows_first", int64_t{1}}});
  near(run_op("Attention", {transpose(q, {1, 0, 2}), k, v, mask}, turned, "kinglet")[0], expected);
}

TEST_CASE("kinglet.Attention refuses what does not fit") {
  auto refused = [](const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask = {}) {
    std::vector<Tensor> outputs;
    CHECK(try_op("Attention", {q, k, v, mask}, &outputs, {}, "kinglet").code() == Code::kInvalidShape);
  };
  Tensor q = wave({2, 4, 5, 8}, 1), k = wave({2, 4, 7, 8}, 2);
  refused(q, wave({2, 4, 7, 6}, 2), k);
  refused(q, k, wave({2, 4, 6, 8}, 2));
  refused(q, wave({2, 3, 7, 8}, 2), wave({2, 3, 7, 8}, 2));
  refused(q, wave({3, 4, 7, 8}, 2), wave({3, 4, 7, 8}, 2));
  refused(q, k, k, wave({5, 8}, 3));
  refused(q, wave({4, 7, 8}, 2), wave({4, 7, 8}, 2));
  refused(wave({2, 5, 2, 4, 8}, 1), k, k);
  refused(wave({5, 8}, 1), wave({7, 8}, 1), wave({7, 8}, 1));
  refused(q, k, k, wave({5, 6}, 3));
  refused(q, k, k, wave({3, 1, 5, 7}, 3));
  refused(wave({4, 5, 8}, 1), wave({4, 7, 8}, 1), wave({4, 7, 8}, 1), wave({1, 5, 7}, 1));
}
