#include "kernels/text/regex.h"
#include "ops/context.h"

namespace kinglet::ops {

namespace {

struct Params {
  Regex regex;
};

Status run(const Params& p, Run& run) {
  const Tensor& in = run.in(0);
  RegexThreads threads;
  for (int64_t i = 0; i < in.count() && !run.cancelled(); ++i)
    run.out(0).data<bool>()[i] = regex_matches(p.regex, in.data<std::string>()[i], &threads, run.parallel());
  return {};
}

Status infer(InferContext& c) {
  c.output(0, DType::kBool, c.shape(0));
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(Regex regex, parse_regex(c.attributes().get_string("pattern")));
  c.step<run>("string/regex", Params{std::move(regex)});
  return {};
}

}  // namespace

extern const OpDef regex_full_match{.domain = kOnnx,
                                    .name = "RegexFullMatch",
                                    .signature = "X:string -> Y:bool | | pattern:s",
                                    .infer = infer,
                                    .lower = lower};

}  // namespace kinglet::ops
