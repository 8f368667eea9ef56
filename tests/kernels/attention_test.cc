#include "kernels/attention/attention.h"

#include <doctest/doctest.h>

#include <limits>

#include "kernels/agree.h"

namespace kinglet {
namespace {

using test::difference;
using test::PretendParallel;
using test::random_values;

constexpr float kInf = std::numeric_limits<float>::infinity();

HeadStrides heads_first(size_t rows, size_t heads, size_t size) {
  return {rows * heads * size, rows * size, size};
}
HeadStrides rows_first(size_t rows, size_t heads, size_t size) {
  return {rows * heads * size, size, heads * size};
}

struct Case {
  std::vector<float> q, k, v, y, bias, keys_bias, sink, scores;
  std::vector<int64_t> pasts, lengths;
  Attention<float> call;

  Case(size_t batch, size_t heads, size_t kv_heads, size_t queries, size_t keys, size_t size,
       size_t value_size, unsigned variant)
      : q(random_values<float>(batch * heads * queries * size, variant)),
        k(random_values<float>(batch * kv_heads * keys * size, variant + 1)),
        v(random_values<float>(batch * kv_heads * keys * value_size, variant + 2)),
        y(batch * heads * queries * value_size, 77.0f) {
    call.batch = batch, call.heads = heads, call.kv_heads = kv_heads;
    call.queries = queries, call.keys = keys, call.head_size = size, call.value_size = value_size;
    call.q = q.data(), call.k = k.data(), call.v = v.data();
    auto layout = variant & 1 ? rows_first : heads_first;
    call.q_strides = layout(queries, heads, size);
    call.k_strides = heads_first(keys, kv_heads, size);
    call.v_strides = layout(keys, kv_heads, value_size);
    call.y_strides = layout(queries, heads, value_size);
    call.scale = 0.7f;
    if (variant & 2) {
      call.causal = true;
      pasts.assign(batch, keys > queries ? static_cast<int64_t>(keys - queries) : 0);
      call.pasts = pasts.data();
      if (variant & 4) call.window = 3;
    } else if (variant & 4) {
      lengths.assign(batch, static_cast<int64_t>(keys / 2));
      call.lengths = lengths.data();
    }
    if (variant & 8) {
      // One matrix for every batch item, and a row of keys that hides the last ones.
      bias = random_values<float>(heads * queries * keys, variant + 3);
      call.bias[0] = {bias.data(), {0, queries * keys, keys}, keys};
      keys_bias.assign(keys, 0.5f);
      if (keys > 2) keys_bias[1] = -kInf;
      call.bias[1] = {keys_bias.data(), {0, 0, 0}, keys - keys / 5};
      // One number for all of a query's keys.
      if (variant & 64) call.bias[1] = {bias.data(), {0, queries * keys, keys}, kOneColumn};
    }
    if (variant & 16) call.softcap = 0.8f;
    if (variant & 32) {
      sink = random_values<float>(heads, variant + 4);
      call.sink = sink.data();
    } else {
      call.smooth = variant & 64;
    }
    if (variant & 128) {
      scores.assign(batch * heads * queries * keys, 77.0f);
      call.stage = static_cast<ScoreStage>(variant % 5);
    }
  }

  std::vector<float> outputs() const {
    std::vector<float> all = y;
    all.insert(all.end(), scores.begin(), scores.end());
    return all;
  }
  std::vector<float> judged() {
    start();
    PretendParallel alone(1);
    std::vector<double> row(call.keys);
    attention_reference(call, row.data(), alone);
    return outputs();
  }
  std::vector<float> computed(int threads) {
    start();
    PretendParallel pool(threads);
    // Exactly the bytes that were asked for: the sanitizer sees one more.
    std::vector<std::byte> scratch(*attention_scratch_bytes(call, threads));
    attention(call, scratch.data(), pool);
    return outputs();
  }
  void start() {
    std::fill(y.begin(), y.end(), 77.0f);
    std::fill(scores.begin(), scores.end(), 77.0f);
    call.y = y.data();
    call.scores = scores.empty() ? nullptr : scores.data();
  }
};

void check_agreement(Case& one, int threads) {
  CAPTURE(one.call.queries);
  CAPTURE(one.call.keys);
  CAPTURE(one.call.head_size);
  CHECK(difference(one.judged(), one.computed(threads), 4e-6) == "");
}

TEST_CASE("attention agrees with the judge: every option at sizes around the blocks") {
  unsigned variant = 0;
  for (size_t queries : {1, 2, 5, 7, 131})
    for (size_t keys : {1, 3, 64, 127, 128, 129, 260})
      for (size_t size : {1, 4, 7, 16, 33})
        for (unsigned i = 0; i < 4; ++i) {
          Case one(1 + variant % 2, 2 * (1 + variant % 3), 2, queries, keys, size, size + variant % 3,
                   variant);
          CAPTURE(variant);
          check_agreement(one, 1 + static_cast<int>(variant % 3));
          variant = (variant + 37) % 256;
        }
}

TEST_CASE("attention agrees with the judge: every combination of options") {
  for (unsigned variant = 0; variant < 256; ++variant) {
    Case few(2, 4, 2, 2, 140, 9, 5, variant), many(2, 4, 2, 9, 140, 9, 5, variant);
    CAPTURE(variant);
    check_agreement(few, 2);
    check_agreement(many, 2);
  }
}

TEST_CASE("attention: a query without keys gives zeros, others are not touched by hidden keys") {
  for (size_t queries : {2, 8}) {
    Case one(1, 2, 2, queries, 5, 4, 4, 0);
    one.call.causal = true;
    one.call.past = -1;  // query 0 sees nothing
    std::vector<float> y = one.computed(1);
    CHECK(difference(one.judged(), y, 4e-6) == "");
    CHECK(y[0] == 0.0f);
    CHECK(y[4] != 0.0f);
    // All keys hidden by a bias.
    Case hidden(1, 1, 1, queries, 140, 4, 4, 0);
    std::vector<float> bias(140, -kInf);
    hidden.call.bias[0] = {bias.data(), {}, 140};
    for (float value : hidden.computed(1)) CHECK(value == 0.0f);
  }
}

TEST_CASE("attention: NaN and infinite scores reach exactly their own row") {
  for (size_t queries : {3, 9}) {
    for (float special : {std::numeric_limits<float>::quiet_NaN(), kInf}) {
      Case one(1, 1, 1, queries, 140, 4, 4, 0);
      one.q[2 * 4 + 1] = special;
      one.call.q = one.q.data();
      std::vector<float> want = one.judged(), got = one.computed(1);
      for (size_t i = 0; i < want.size(); ++i) CHECK(std::isnan(got[i]) == (i / 4 == 2));
      for (size_t i = 0; i < want.size(); ++i)
        if (i / 4 != 2) CHECK(std::abs(got[i] - want[i]) < 1e-5f);
    }
  }
}

TEST_CASE("attention: the judge in double follows the definition") {
  // Two keys with scores 0 and ln 3: weights 1/4 and 3/4.
  double q[] = {1.0}, k[] = {0.0, std::log(3.0)}, v[] = {4.0, 8.0}, y[1], row[2];
  Attention<double> call;
  call.batch = call.heads = call.kv_heads = call.queries = call.head_size = call.value_size = 1;
  call.keys = 2;
  call.q = q, call.k = k, call.v = v, call.y = y;
  call.k_strides = call.v_strides = {2, 2, 1};
  Parallel alone;
  attention_reference(call, row, alone);
  CHECK(y[0] == doctest::Approx(7.0).epsilon(1e-15));
}

TEST_CASE("attention with a causal mask of low numbers, of rows that see nothing too") {
  size_t queries = 150, keys = 301;
  for (size_t padding : {0, 130, 290}) {
    Case one(2, 4, 2, queries, keys, 8, 8, 0);
    one.bias.assign(2 * queries * keys, 0);
    for (size_t b = 0; b < 2; ++b)
      for (size_t i = 0; i < queries; ++i)
        for (size_t j = 0; j < keys; ++j) {
          bool hidden = j > i + keys - queries || (b == 1 && j < padding);
          if (hidden) one.bias[(b * queries + i) * keys + j] = -3.4028235e38f;
        }
    one.call.bias[0] = {one.bias.data(), {queries * keys, 0, keys}, keys};
    check_agreement(one, 2);
  }
}

TEST_CASE("attention drops queries whose weights are NaN when told to") {
  for (size_t queries : {1, 9}) {
    Case one(2, 4, 2, queries, 70, 8, 8, 0);
    one.call.drops_nan = true;
    one.q[3] = std::numeric_limits<float>::quiet_NaN();
    check_agreement(one, 1);
    CHECK(one.y[0] == 0);
    CHECK(one.y[one.call.queries * 8] != 0);
  }
}

TEST_CASE("copies of heads turn pairs of elements") {
  for (bool interleaved : {false, true}) {
    for (size_t rotated : {2, 8, 18}) {
      size_t batch = 2, heads = 3, rows = 4, size = 19, half = rotated / 2;
      auto x = random_values<float>(batch * heads * rows * size, 1),
           bias = random_values<float>(heads * size, 2);
      auto cos = random_values<float>(9 * half, 3), sin = random_values<float>(9 * half, 4);
      std::vector<int64_t> positions = {3, 1, 0, 8, 7, 2, 2, 5};
      std::vector<float> got(x.size()), want(x.size());
      HeadCopy<float> copy{.batch = batch, .heads = heads, .rows = rows, .size = size, .from = x.data()};
      copy.to = got.data();
      copy.from_strides = rows_first(rows, heads, size);
      copy.to_strides = heads_first(rows, heads, size);
      copy.bias = bias.data();
      copy.cos = cos.data(), copy.sin = sin.data();
      copy.rotated = rotated;
      copy.table_row = half;
      copy.interleaved = interleaved;
      copy.positions = positions.data();
      PretendParallel pool(3);
      copy_heads(copy, pool);
      for (size_t b = 0; b < batch; ++b)
        for (size_t h = 0; h < heads; ++h)
          for (size_t r = 0; r < rows; ++r)
            for (size_t i = 0; i < size; ++i) {
              auto at = [&](size_t e) {
                return x[((b * rows + r) * heads + h) * size + e] + bias[h * size + e];
              };
              float value = at(i);
              if (i < rotated) {
                size_t pair = interleaved ? i / 2 : i % half;
                bool second = interleaved ? i % 2 : i >= half;
                size_t other = interleaved ? i ^ 1 : second ? i - half : i + half;
                size_t line = static_cast<size_t>(positions[b * rows + r]) * half + pair;
                value = second ? at(other) * sin[line] + value * cos[line]
                               : value * cos[line] - at(other) * sin[line];
              }
              want[((b * heads + h) * rows + r) * size + i] = value;
            }
      CHECK(difference(want, got, 1e-6) == "");
      // In place.
      copy.from = copy.to = x.data();
      copy.from_strides = copy.to_strides = rows_first(rows, heads, size);
      copy_heads(copy, pool);
      std::vector<float> back(x.size());
      HeadCopy<float> plain{.batch = batch, .heads = heads, .rows = rows, .size = size, .from = x.data()};
      plain.to = back.data();
      plain.from_strides = rows_first(rows, heads, size);
      plain.to_strides = heads_first(rows, heads, size);
      copy_heads(plain, pool);
      CHECK(difference(want, back, 1e-6) == "");
    }
  }
}

TEST_CASE("copies of heads turn pairs by angles of their own for each element") {
  for (size_t size : {2, 8, 22}) {
    size_t batch = 2, heads = 3, rows = 4, half = size / 2;
    auto x = random_values<float>(batch * heads * rows * size, 1);
    auto cos = random_values<float>(rows * size, 3), sin = random_values<float>(rows * size, 4);
    std::vector<float> got(x.size()), want(x.size());
    HeadCopy<float> copy{.batch = batch, .heads = heads, .rows = rows, .size = size, .from = x.data()};
    copy.to = got.data();
    copy.from_strides = copy.to_strides = heads_first(rows, heads, size);
    copy.cos = cos.data(), copy.sin = sin.data();
    copy.rotated = copy.table_row = size;
    copy.second = half;
    PretendParallel pool(3);
    copy_heads(copy, pool);
    for (size_t at = 0; at < x.size(); ++at) {
      size_t i = at % size, line = at / size % rows * size + i;
      float other = i < half ? -x[at + half] : x[at - half];
      want[at] = x[at] * cos[line] + other * sin[line];
    }
    CHECK(difference(want, got, 1e-6) == "");
  }
}

TEST_CASE("the comparison sees a planted wrong result") {
  Case one(1, 2, 1, 9, 70, 8, 8, 3);
  std::vector<float> want = one.judged();
  one.v[8 * 30 + 3] += 0.01f;
  CHECK(difference(want, one.computed(1), 4e-6) != "");
}

}  // namespace
}  // namespace kinglet
