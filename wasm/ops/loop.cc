#include "ops/sequence.h"

namespace kinglet {

Result<Tensor> stack_results(EvalContext& c, size_t output, std::span<const Value> results) {
  if (!results.empty()) return concat_tensors(c, results, 0, true);
  const Graph& body = *c.node().subgraphs[0].graph;
  KL_REQUIRE(output < body.outputs.size(), kInvalidGraph, "the body has ", body.outputs.size(), " outputs");
  const Type& type = body.edge(body.outputs[output]).type;
  KL_REQUIRE(type.dtype != DType::kNone, kInvalidGraph, "the element type of body output ", output,
             " is not declared");
  Shape shape{0};
  for (const Dim& d : type.dims) shape.push_back(std::max<int64_t>(d.value, 0));
  return Tensor::allocate(type.dtype, shape);
}

namespace ops {

namespace {

Result<bool> flag_of(const Value& v) {
  const Tensor* t = v.tensor();
  KL_REQUIRE(t != nullptr && t->dtype() == DType::kBool && t->count() == 1, kInvalidShape,
             "the condition must be one bool");
  return *t->data<bool>();
}

Status eval(EvalContext& c) {
  int64_t trips = std::numeric_limits<int64_t>::max();
  bool go_on = true;
  if (c.has_input(0) && !c.input(0).empty()) {
    KL_ASSIGN(Tensor t, c.tensor(0));
    KL_REQUIRE(t.dtype() == DType::kInt64 && t.count() == 1, kInvalidShape, "M must be one int64");
    trips = *t.data<int64_t>();
  }
  if (c.has_input(1) && !c.input(1).empty()) {
    KL_ASSIGN(go_on, flag_of(c.input(1)));
  }
  size_t carried = static_cast<size_t>(std::max(c.input_count() - 2, 0));
  auto outputs = static_cast<size_t>(c.output_count());
  const Graph& body = *c.node().subgraphs[0].graph;
  KL_REQUIRE(body.outputs.size() > carried, kInvalidGraph, "the body has ", body.outputs.size(),
             " outputs for ", carried, " carried values");
  KL_REQUIRE(outputs < body.outputs.size(), kInvalidGraph, "there are ", outputs, " outputs, the body has ",
             body.outputs.size());

  // What the body sees: iteration, condition, carried values.
  std::vector<Value> state(2 + carried), results;
  for (size_t i = 0; i < carried; ++i) state[2 + i] = c.input(static_cast<int>(i) + 2);
  std::vector<std::vector<Value>> scanned(body.outputs.size() - 1 - carried);
  for (int64_t i = 0; i < trips && go_on; ++i) {
    if (c.cancelled()) return fail(Code::kCancelled, "in iteration ", i);
    KL_ASSIGN(state[0], Tensor::scalar<int64_t>(i));
    KL_ASSIGN(state[1], Tensor::scalar<bool>(true));
    KL_TRY(c.call(0, state, &results));
    KL_REQUIRE(results.size() == body.outputs.size(), kInternal, "the body gave ", results.size(), " values");
    KL_ASSIGN(go_on, flag_of(results[0]));
    for (size_t k = 0; k < carried; ++k) state[2 + k] = std::move(results[1 + k]);
    for (size_t k = 0; k < scanned.size(); ++k) scanned[k].push_back(std::move(results[1 + carried + k]));
  }
  for (size_t i = 0; i < outputs; ++i) {
    if (i < carried) {
      c.output(static_cast<int>(i), std::move(state[2 + i]));
    } else if (c.node().output(i) != kNoValue) {
      KL_ASSIGN(Tensor t, stack_results(c, 1 + i, scanned[i - carried]));
      c.output(static_cast<int>(i), t);
    }
  }
  return {};
}

}  // namespace

extern const OpDef loop{
    .domain = kOnnx,
    .name = "Loop",
    .signature = "M:int64? cond:bool? v_initial:any# -> v_final_and_scan_outputs:any# | | body:g!",
    .eval = eval};

}  // namespace ops
}  // namespace kinglet
