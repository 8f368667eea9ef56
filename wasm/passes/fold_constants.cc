#include <algorithm>

#include "ops/evaluate.h"
#include "passes/pass.h"

namespace kinglet::passes {

namespace {

// A folded value may be larger than what it was made from up to here; weights made by ConstantOfShape always
// may.
constexpr size_t kGrowth = size_t{1} << 20;
constexpr size_t kMaxBytes = size_t{1} << 29;
// Operators whose work is more than their bytes, and the most of it that is done here (input times output
// elements).
constexpr std::string_view kHeavy[] = {"MatMul",
                                       "Gemm",
                                       "Conv",
                                       "ConvTranspose",
                                       "Einsum",
                                       "LSTM",
                                       "GRU",
                                       "RNN",
                                       "DFT",
                                       "STFT",
                                       "Attention",
                                       "MatMulInteger",
                                       "ConvInteger",
                                       "QLinearMatMul",
                                       "QLinearConv",
                                       "DeformConv",
                                       "NonMaxSuppression",
                                       "Det",
                                       "FusedMatMul",
                                       "FusedConv",
                                       "FusedGemm",
                                       "Resize",
                                       "GridSample",
                                       "Unique",
                                       "LpPool",
                                       "AveragePool",
                                       "MaxPool",
                                       "TfIdfVectorizer",
                                       "MultiHeadAttention",
                                       "LRN"};
constexpr double kMaxWork = 1e8;

// Whether outputs are small enough to be kept; asks `infer`, which allocates nothing.
bool is_worth_it(const Node& node, std::span<const Value> inputs) {
  size_t in_bytes = 0, out_bytes = 0;
  double in_count = 0, out_count = 0;
  std::vector<Port> ports(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Tensor* t = inputs[i].tensor();
    if (t == nullptr) continue;
    ports[i] = {true, t->dtype(), true, t->shape(), t};
    in_bytes += t->bytes();
    in_count += static_cast<double>(t->count());
  }
  bool heavy = std::ranges::find(kHeavy, node.op) != std::end(kHeavy);
  if (node.def->infer == nullptr) return !heavy && in_bytes <= kGrowth;
  std::vector<InferContext::Output> outputs;
  bool later = false;
  if (!infer(node, ports, &outputs, &later).ok() || later) return false;
  for (const auto& o : outputs) {
    if (!o.set) continue;
    // At most as large as the inputs, as for NonZero or Compress.
    int64_t count = o.shape_known ? o.shape.count() : static_cast<int64_t>(in_count) * 8;
    auto bytes = checked_bytes(o.dtype, count);
    if (!bytes.ok() || *bytes > kMaxBytes) return false;
    out_bytes += *bytes;
    out_count += static_cast<double>(count);
  }
  if (heavy && in_count * out_count > kMaxWork) return false;
  return out_bytes <= in_bytes + kGrowth || node.op == "ConstantOfShape";
}

}  // namespace

// Computes nodes whose inputs are all constants. What fails here is left to fail, or never to run, in the
// run.
Status fold_constants(const Graph& graph, NodeId id, Patch* patch) {
  const Node& node = graph.node(id);
  if (!node.def->deterministic || node.def->expand != nullptr || !node.subgraphs.empty()) return {};
  std::vector<Value> inputs(node.inputs.size()), outputs;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Tensor* value = graph.constant(node.inputs[i]);
    if (value == nullptr && node.inputs[i] != kNoValue) return {};
    if (value != nullptr) inputs[i] = *value;
  }
  // Nobody reads what other passes have left behind.
  auto is_read = [&](ValueId v) { return v != kNoValue && (!graph.users(v).empty() || graph.is_output(v)); };
  if (std::ranges::none_of(node.outputs, is_read)) return {};
  if (!is_worth_it(node, inputs)) return {};
  if (!evaluate(node, inputs, &outputs, nullptr).ok()) return {};
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (node.outputs[i] != kNoValue && outputs[i].tensor() == nullptr) return {};
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (node.outputs[i] == kNoValue) continue;
    const std::string& name = graph.edge(node.outputs[i]).name;
    patch->replace(node.outputs[i], patch->add_constant(name, *outputs[i].tensor()));
  }
  patch->remove(id);
  return {};
}

}  // namespace kinglet::passes
