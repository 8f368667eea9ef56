#include <algorithm>
#include <limits>

#include "ops/context.h"

namespace kinglet::ops {

namespace {

struct Params {
  int64_t size;
};

// Every token that followed the last size - 1 tokens before gets the score -infinity.
Status run(const Params& p, Run& run) {
  const Tensor &ids = run.in(0), &scores = run.in(1), &out = run.out(0);
  int64_t length = ids.shape()[1], tokens = scores.shape()[1], tail = p.size - 1;
  if (out.data() != scores.data()) std::copy_n(scores.data<float>(), scores.count(), out.data<float>());
  for (int64_t b = 0; b < ids.shape()[0]; ++b) {
    const int64_t* row = ids.data<int64_t>() + b * length;
    const int64_t* last = row + length - tail;
    for (int64_t i = 0; i + tail < length; ++i) {
      if (!std::equal(last, row + length, row + i)) continue;
      int64_t token = row[i + tail];
      KL_REQUIRE(token >= 0 && token < tokens, kIndexOutOfRange, "input_ids has ", token, " of ", tokens,
                 " tokens");
      out.data<float>()[b * tokens + token] = -std::numeric_limits<float>::infinity();
    }
  }
  return {};
}

Status infer(InferContext& c) {
  int64_t size = c.attributes().get_int("ngram_size");
  KL_REQUIRE(size > 0, kInvalidGraph, "ngram_size is ", size);
  KL_REQUIRE(c.rank(0) == 2 && c.rank(1) == 2 && c.shape(0)[0] == c.shape(1)[0], kInvalidShape,
             "input_ids is ", c.shape(0), ", scores is ", c.shape(1));
  c.output(0, DType::kFloat32, c.shape(1));
  return {};
}

Status lower(LowerContext& c) {
  c.step<run>("ngram_repeat_block", Params{c.attributes().get_int("ngram_size")});
  c.in_place(0, 1);
  return {};
}

}  // namespace

extern const OpDef ngram_repeat_block{
    .domain = kMicrosoft,
    .name = "NGramRepeatBlock",
    .signature = "input_ids:int64 scores:float32 -> scores_out:float32 | | ngram_size:i!",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
