#include "passes/match.h"

#include <algorithm>
#include <cmath>

namespace kinglet {

std::optional<double> scalar(const Graph& graph, ValueId id, int max_rank) {
  const Tensor* value = graph.constant(id);
  if (value == nullptr || value->count() != 1 || value->rank() > max_rank) return std::nullopt;
  char kind = dtype_kind(value->dtype());
  if (kind != 'f' && kind != 'i' && kind != 'u') return std::nullopt;
  return value->number(0);
}

bool is_about(std::optional<double> value, double expected) {
  return value && std::abs(*value - expected) <= 1e-6 * std::abs(expected);
}

std::optional<Shape> constant_ints(const Graph& graph, ValueId id) {
  const Tensor* value = graph.constant(id);
  if (value == nullptr || (value->dtype() != DType::kInt64 && value->dtype() != DType::kInt32))
    return std::nullopt;
  auto ints = value->to_ints();
  if (!ints.ok()) return std::nullopt;
  return *ints;
}

namespace {

constexpr int kMaxWalk = 64;
// The result has the rank of the first input.
constexpr std::string_view kKeepRank[] = {"Abs",
                                          "Ceil",
                                          "Clip",
                                          "Dropout",
                                          "Elu",
                                          "Erf",
                                          "Exp",
                                          "Floor",
                                          "Gelu",
                                          "GlobalAveragePool",
                                          "GlobalMaxPool",
                                          "HardSigmoid",
                                          "HardSwish",
                                          "Identity",
                                          "InstanceNormalization",
                                          "LRN",
                                          "RMSNormalization",
                                          "LayerNormalization",
                                          "LeakyRelu",
                                          "Log",
                                          "LogSoftmax",
                                          "MaxPool",
                                          "AveragePool",
                                          "Neg",
                                          "PRelu",
                                          "Pad",
                                          "Relu",
                                          "Resize",
                                          "Sigmoid",
                                          "Slice",
                                          "Softmax",
                                          "Softplus",
                                          "Sqrt",
                                          "Swish",
                                          "Tanh",
                                          "BatchNormalization",
                                          "Cast",
                                          "Tile",
                                          "DepthToSpace",
                                          "SpaceToDepth"};

int walk_rank(const Graph& graph, ValueId id, int* steps) {
  if (id == kNoValue || --*steps < 0) return -1;
  if (const Tensor* value = graph.constant(id)) return value->rank();
  const Node* node = graph.producer(id);
  const Type& type = graph.edge(id).type;
  // Declared shapes of what nodes compute are the publisher's claim; those of inputs are checked when they
  // are fed.
  if (node == nullptr)
    return type.kind == Type::Kind::kTensor && type.has_shape ? static_cast<int>(type.dims.size()) : -1;
  if (is_op(*node, "FusedConv", kMicrosoft)) return walk_rank(graph, node->input(1), steps);
  if (is_op(*node, "MatMul") || is_op(*node, "FusedMatMul", kMicrosoft)) {
    int a = walk_rank(graph, node->input(0), steps), b = walk_rank(graph, node->input(1), steps);
    return a < 2 || b < 2 ? -1 : std::max(a, b);
  }
  if (node->domain != kOnnx) return -1;
  if (node->op == "Conv" || node->op == "ConvTranspose") return walk_rank(graph, node->input(1), steps);
  if (node->op == "Gemm" || node->op == "Flatten") return 2;
  if (node->op == "Transpose" && node->attributes.has("perm"))
    return static_cast<int>(node->attributes.get_ints("perm").size());
  if (node->op == "Reshape") {
    auto shape = constant_ints(graph, node->input(1));
    return shape ? shape->rank() : -1;
  }
  // The last input is the one that is nearest in networks that concatenate all that came before.
  if (node->op == "Concat") return walk_rank(graph, node->inputs.back(), steps);
  if (node->op == "Add" || node->op == "Sub" || node->op == "Mul" || node->op == "Div" || node->op == "Pow") {
    int a = walk_rank(graph, node->input(0), steps), b = walk_rank(graph, node->input(1), steps);
    return a < 0 || b < 0 ? -1 : std::max(a, b);
  }
  bool keeps = std::ranges::find(kKeepRank, node->op) != std::end(kKeepRank) && node->output(0) == id;
  keeps |= node->op.starts_with("Reduce") && node->attributes.get_int("keepdims", 1) != 0;
  return keeps ? walk_rank(graph, node->input(0), steps) : -1;
}

}  // namespace

int rank_of(const Graph& graph, ValueId id) {
  int steps = kMaxWalk;
  return walk_rank(graph, id, &steps);
}

Node make_node(const Node& like, std::string_view op, std::vector<ValueId> inputs, Attributes attributes,
               std::string_view domain) {
  Node out;
  out.domain = domain;
  out.op = op;
  out.name = like.name;
  out.opset = like.opset;
  out.inputs = std::move(inputs);
  out.attributes = std::move(attributes);
  return out;
}

}  // namespace kinglet
