#include "ops/context.h"

namespace kinglet::ops {

namespace {
Status eval(EvalContext& c) {
  KL_ASSIGN(Tensor condition, c.tensor(0));
  KL_REQUIRE(condition.dtype() == DType::kBool && condition.count() == 1, kInvalidShape,
             "the condition must be one bool");
  const char* branch = *condition.data<bool>() ? "then_branch" : "else_branch";
  size_t index = static_cast<size_t>(c.node().subgraph(branch) - c.node().subgraphs.data());
  std::vector<Value> results;
  KL_TRY(c.call(index, {}, &results));
  KL_REQUIRE(results.size() >= static_cast<size_t>(c.output_count()), kInvalidGraph, branch, " has ",
             results.size(), " outputs");
  for (int i = 0; i < c.output_count(); ++i) c.output(i, std::move(results[static_cast<size_t>(i)]));
  return {};
}
}  // namespace

extern const OpDef if_{.domain = kOnnx,
                       .name = "If",
                       .signature = "cond:bool -> outputs:any# | | then_branch:g! else_branch:g!",
                       .eval = eval};

}  // namespace kinglet::ops
