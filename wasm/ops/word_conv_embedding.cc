#include <algorithm>
#include <cmath>

#include "ops/context.h"

namespace kinglet::ops {

namespace {

enum Input { kSequence, kWeights, kBias, kChars };

struct Params {
  int64_t words, letters, filters, window, size;
};

// For each word and filter the largest tanh(conv) over the windows of the word's letters; letters are numbers
// above 0, and a word without any at its start gives zeros.
Status run(const Params& p, Run& run) {
  const Tensor& chars = run.in(kChars);
  const float *weights = run.in(kWeights).data<float>(), *bias = run.in(kBias).data<float>();
  for (int64_t w = 0; w < p.words; ++w) {
    if (run.cancelled()) return fail(Code::kCancelled, "in word ", w);
    const int32_t* word = run.in(kSequence).data<int32_t>() + w * p.letters;
    float* y = run.out(0).data<float>() + w * p.filters;
    for (int64_t i = 0; i < p.letters; ++i)
      KL_REQUIRE(word[i] >= 0 && word[i] < chars.shape()[0], kIndexOutOfRange, "a letter is ", word[i],
                 " of ", chars.shape()[0]);
    int64_t length =
        word[0] > 0 ? std::count_if(word, word + p.letters, [](int32_t letter) { return letter > 0; }) : 0;
    int64_t windows = std::max(length, p.window) - p.window + 1;
    for (int64_t f = 0; f < p.filters; ++f) {
      float largest = 0;
      for (int64_t i = 0; length > 0 && i < windows; ++i) {
        float sum = bias[f];
        for (int64_t k = 0; k < p.window; ++k) {
          const float* letter = chars.data<float>() + word[i + k] * p.size;
          const float* weight = weights + (f * p.window + k) * p.size;
          for (int64_t e = 0; e < p.size; ++e) sum += letter[e] * weight[e];
        }
        largest = i == 0 ? sum : std::max(largest, sum);
      }
      y[f] = std::tanh(largest);
    }
  }
  return {};
}

Result<Params> params_of(const OpContext& c) {
  const Shape &x = c.shape(kSequence), &w = c.shape(kWeights), &chars = c.shape(kChars);
  KL_REQUIRE(x.rank() == 2 && w.rank() == 4 && chars.rank() == 2, kInvalidShape, "Sequence is ", x, ", W is ",
             w, ", C is ", chars);
  Params p{x[0], x[1], w[0], w[2], w[3]};
  KL_REQUIRE(w[1] == 1 && p.size == chars[1] && c.shape(kBias) == (Shape{p.filters}), kInvalidShape, "W is ",
             w, ", B is ", c.shape(kBias), ", C is ", chars);
  KL_REQUIRE(p.window > 0 && p.window <= p.letters, kInvalidShape, "words of ", p.letters,
             " letters are shorter than the window of ", p.window);
  auto agrees = [&](const char* name, int64_t value) -> Status {
    int64_t given = c.attributes().get_int(name, value);
    KL_REQUIRE(given == value || given == -1, kInvalidShape, name, " is ", given, ", the weights have ",
               value);
    return {};
  };
  KL_TRY(agrees("embedding_size", p.filters));
  KL_TRY(agrees("conv_window_size", p.window));
  KL_TRY(agrees("char_embedding_size", p.size));
  return p;
}

Status infer(InferContext& c) {
  KL_ASSIGN(Params p, params_of(c));
  c.output(0, DType::kFloat32, {p.words, p.filters});
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(Params p, params_of(c));
  c.step<run>("word_conv_embedding", p);
  return {};
}

}  // namespace

extern const OpDef word_conv_embedding{
    .domain = kMicrosoft,
    .name = "WordConvEmbedding",
    .signature =
        "Sequence:int32 W:float32 B:float32 C:float32 -> Y:float32 | | char_embedding_size:i "
        "conv_window_size:i embedding_size:i",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
