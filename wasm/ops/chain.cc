#include "ops/chain.h"

#include "kernels/elementwise/chain.h"
#include "ops/elementwise.h"
#include "ops/internal.h"

namespace kinglet {

const Function* chain_function(std::string_view name, int* operands) {
  *operands = 1;
  if (name == "Clip") return &kClip;
  const Function* f = find_unary(name);
  if (f == nullptr) {
    *operands = 2;
    f = name == "Pow" ? &kPow : find_binary(name);
  }
  return f != nullptr && f->f32 != nullptr ? f : nullptr;
}

std::optional<ChainNode> chain_node(const Node& node) {
  ChainNode out{node.op, 1, {}};
  if (node.op == "Gelu")
    out.function = node.attributes.get_string("approximate") == "tanh" ? "GeluTanh" : "GeluErf";
  // Bounds are inputs of Clip, not operands.
  if (node.op == "Clip" || node.def == nullptr || (node.domain != kOnnx && node.domain != kMicrosoft))
    return std::nullopt;
  if (chain_function(out.function, &out.operands) == nullptr) return std::nullopt;
  if (static_cast<int>(node.inputs.size()) != out.operands || node.outputs.size() != 1) return std::nullopt;
  double values[2] = {};
  if (node.op != "Gelu") ops::float_attributes(OpContext(node, {}), values);
  for (int i = 0; i < 2; ++i) out.numbers[i] = static_cast<float>(values[i]);
  return out;
}

namespace ops {

namespace {

Result<Chain> chain_of(const OpContext& c) {
  auto functions = c.attributes().get_strings("functions");
  auto operands = c.attributes().get_ints("operands");
  auto numbers = c.attributes().get_floats("numbers");
  KL_REQUIRE(!functions.empty() && functions.size() <= kMaxChain && operands.size() == 2 * functions.size() &&
                 numbers.size() == operands.size() && c.input_count() <= kMaxOperands,
             kInvalidGraph, functions.size(), " functions of ", c.input_count(), " inputs have ",
             operands.size(), " operands and ", numbers.size(), " numbers");
  Chain chain;
  for (size_t s = 0; s < functions.size(); ++s) {
    ChainStep& step = chain.steps[chain.count++];
    const Function* f = chain_function(functions[s], &step.operands);
    KL_REQUIRE(f != nullptr, kInvalidGraph, "function ", functions[s]);
    step.fn = f->f32;
    for (size_t k = 0; k < 2; ++k) {
      step.numbers[k] = numbers[2 * s + k];
      if (static_cast<int>(k) >= step.operands) continue;
      int64_t from = operands[2 * s + k];
      bool known = from >= 0 ? from < c.input_count() ||
                                   (from >= kMaxOperands && from - kMaxOperands < static_cast<int64_t>(s))
                             : from == ChainStep::kNumber && step.operands == 2;
      KL_REQUIRE(known, kInvalidGraph, "operand ", from, " of function ", s);
      step.operand[k] = static_cast<int>(from);
    }
  }
  return chain;
}

Status infer(InferContext& c) {
  KL_ASSIGN([[maybe_unused]] Chain chain, chain_of(c));
  return infer_broadcast(c);
}

struct Params {
  Elementwise kernel;
  Chain chain;
};

Status run(const Params& p, Run& run) {
  const std::byte* in[kMaxOperands] = {};
  for (int i = 0; i < run.in_count(); ++i) in[i] = run.in(i).data();
  run_elementwise(p.kernel, in, run.out(0).data(), &p.chain, run.parallel());
  return {};
}

Status lower(LowerContext& c) {
  Params p;
  KL_ASSIGN(p.chain, chain_of(c));
  Shape shapes[kMaxOperands];
  for (int i = 0; i < c.input_count(); ++i) {
    shapes[i] = c.shape(i);
    p.kernel.in[i] = computed(DType::kFloat32, Compute::kF32);
  }
  p.kernel.loop = broadcast_loop(c.out_shape(0), {shapes, static_cast<size_t>(c.input_count())});
  p.kernel.fn = run_chain;
  p.kernel.out = computed(DType::kFloat32, Compute::kF32);
  c.step<run>("elementwise/chain", p);
  for (int i = 0; i < c.input_count(); ++i) allow_in_place(c, i);
  return {};
}

}  // namespace

// Up to eight functions of up to three inputs, the last one's value is Y. `functions` are names of
// chain_function; each has two `operands`: an input, 3 + an earlier function, or -1 for the first of its two
// `numbers`. Numbers are otherwise parameters of the function. All inputs are broadcast to one shape.
extern const OpDef chain{.domain = kKinglet,
                         .name = "Elementwise",
                         .signature = "X:T* -> Y:T | T=float32 | functions:ss! operands:is! numbers:fs!",
                         .infer = infer,
                         .lower = lower};

}  // namespace ops

}  // namespace kinglet
