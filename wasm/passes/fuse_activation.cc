#include <limits>

#include "passes/match.h"
#include "passes/pass.h"

namespace kinglet::passes {

namespace {

struct Activation {
  std::string_view name;
  std::vector<float> params;  // as FusedConv takes them
};

// What the node does, when kernels can do it to their result.
std::optional<Activation> activation_of(const Graph& graph, const Node& node) {
  if (node.domain != kOnnx) return std::nullopt;
  auto number = [&](std::string_view name, float absent) { return node.attributes.get_float(name, absent); };
  std::string_view op = node.op;
  if (op == "Relu" || op == "Sigmoid" || op == "Tanh" || op == "HardSwish" || op == "Softplus" ||
      op == "Softsign")
    return Activation{op, {}};
  if (op == "LeakyRelu") return Activation{op, {number("alpha", 0.01f)}};
  if (op == "Elu" || op == "ThresholdedRelu") return Activation{op, {number("alpha", 1)}};
  if (op == "HardSigmoid") return Activation{op, {number("alpha", 0.2f), number("beta", 0.5f)}};
  if (op == "Swish" && number("alpha", 1) == 1) return Activation{"Silu", {}};
  if (op == "Gelu")
    return Activation{node.attributes.get_string("approximate", "none") == "none" ? "Gelu" : "GeluTanh", {}};
  if (op == "Clip") {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    auto low = scalar(graph, node.input(1), kMaxRank), high = scalar(graph, node.input(2), kMaxRank);
    bool known = (low || node.input(1) == kNoValue) && (high || node.input(2) == kNoValue);
    if (!known) return std::nullopt;
    return Activation{
        op, {static_cast<float>(low.value_or(-kInfinity)), static_cast<float>(high.value_or(kInfinity))}};
  }
  return std::nullopt;
}

// A number that is multiplied with, or added to, what a convolution with an activation gives.
Status fuse_scale(const Graph& graph, const Node& node, Patch* patch) {
  bool mul = is_op(node, "Mul");
  if (!mul && !is_op(node, "Add")) return {};
  auto parts = either(node, [&](ValueId v) { return scalar(graph, v, 1).has_value(); });
  if (!parts || !is_float32(graph, parts->first) || !read_once(graph, parts->first)) return {};
  const Node* conv = producer(graph, parts->first, "FusedConv", kMicrosoft);
  if (conv == nullptr || !conv->attributes.has("activation")) return {};
  auto number = static_cast<float>(*scalar(graph, parts->second, 1));
  float scale = conv->attributes.get_float("activation_scale", 1);
  float shift = conv->attributes.get_float("activation_shift", 0);
  Node fused = make_node(*conv, conv->op, conv->inputs, conv->attributes, conv->domain);
  fused.attributes.set("activation_scale", mul ? scale * number : scale);
  fused.attributes.set("activation_shift", mul ? shift * number : shift + number);
  patch->replace(node.outputs[0], patch->add(std::move(fused)));
  patch->remove(graph.edge(node.outputs[0]).producer);
  return {};
}

}  // namespace

// An activation behind a convolution or product of float32 becomes part of it; so do numbers that what a
// convolution gives is multiplied with and that are added behind that.
Status fuse_activation(const Graph& graph, NodeId id, Patch* patch) {
  const Node& node = graph.node(id);
  ValueId x = node.input(0);
  KL_TRY(fuse_scale(graph, node, patch));
  if (!patch->empty()) return {};
  const Node* before = graph.producer(x);
  if (before == nullptr || !is_float32(graph, x) || !read_once(graph, x) || before->outputs.size() != 1)
    return {};
  bool conv = is_op(*before, "Conv") || is_op(*before, "FusedConv", kMicrosoft);
  bool gemm = is_op(*before, "Gemm") || is_op(*before, "FusedGemm", kMicrosoft);
  bool matmul = is_op(*before, "MatMul") || is_op(*before, "FusedMatMul", kMicrosoft);
  if ((!conv && !gemm && !matmul) || before->attributes.has("activation")) return {};
  const char* fused_op = conv ? "FusedConv" : gemm ? "FusedGemm" : "FusedMatMul";
  auto activation = activation_of(graph, node);
  if (!activation) return {};
  Node fused = make_node(*before, fused_op, before->inputs, before->attributes, kMicrosoft);
  fused.attributes.set("activation", std::string(activation->name));
  if (conv && !activation->params.empty()) fused.attributes.set("activation_params", activation->params);
  static constexpr const char* kProductParams[] = {"activation_alpha", "activation_beta"};
  for (size_t i = 0; !conv && i < activation->params.size(); ++i)
    fused.attributes.set(kProductParams[i], activation->params[i]);
  patch->replace(node.outputs[0], patch->add(std::move(fused)));
  patch->remove(id);
  return {};
}

}  // namespace kinglet::passes
