#include <array>
#include <cmath>

#include "passes/match.h"
#include "passes/pass.h"

namespace kinglet::passes {

namespace {

constexpr int kMaxDepth = 6;

// Coefficients of 1, x, x^2, x^3.
using Polynomial = std::array<double, 4>;

std::optional<Polynomial> product(const Polynomial& a, const Polynomial& b) {
  Polynomial out = {};
  for (size_t i = 0; i < a.size(); ++i) {
    for (size_t j = 0; j < b.size(); ++j) {
      if (a[i] * b[j] == 0) continue;
      if (i + j >= out.size()) return std::nullopt;
      out[i + j] += a[i] * b[j];
    }
  }
  return out;
}

// `value` as a polynomial in x, from Add, Mul, Div by a number and Pow to 2 or 3.
std::optional<Polynomial> polynomial(const Graph& graph, ValueId value, ValueId x, int depth = 0) {
  if (value == x) return Polynomial{0, 1};
  if (auto number = scalar(graph, value, 1)) return Polynomial{*number};
  const Node* node = graph.producer(value);
  if (node == nullptr || node->domain != kOnnx || node->inputs.size() != 2 || depth == kMaxDepth)
    return std::nullopt;
  auto a = polynomial(graph, node->inputs[0], x, depth + 1);
  if (!a) return std::nullopt;
  if (node->op == "Pow" || node->op == "Div") {
    auto number = scalar(graph, node->inputs[1], 1);
    if (!number) return std::nullopt;
    if (node->op == "Div") return product(*a, {1 / *number});
    if (*number != 2 && *number != 3) return std::nullopt;
    auto square = product(*a, *a);
    return *number == 2 || !square ? square : product(*square, *a);
  }
  auto b = polynomial(graph, node->inputs[1], x, depth + 1);
  if (!b) return std::nullopt;
  if (node->op == "Mul") return product(*a, *b);
  if (node->op != "Add") return std::nullopt;
  for (size_t i = 0; i < a->size(); ++i) (*a)[i] += (*b)[i];
  return a;
}

// Whether erf (tanh) of `value` is the one in Gelu of x.
bool is_argument(const Graph& graph, ValueId value, ValueId x, bool tanh) {
  auto p = polynomial(graph, value, x);
  if (!p || (*p)[0] != 0 || (*p)[2] != 0) return false;
  double root = std::sqrt(2 / 3.14159265358979323846);
  if (tanh) return is_about((*p)[1], root) && is_about((*p)[3], 0.044715 * root);
  return is_about((*p)[1], std::sqrt(0.5)) && (*p)[3] == 0;
}

// x among `value` and what it is computed from, or kNoValue.
ValueId find_x(const Graph& graph, ValueId value, ValueId argument, bool tanh, int depth = 0) {
  if (is_argument(graph, argument, value, tanh)) return value;
  const Node* node = graph.producer(value);
  if (node == nullptr || node->domain != kOnnx || depth == kMaxDepth) return kNoValue;
  bool arithmetic = node->op == "Add" || node->op == "Mul" || node->op == "Div" || node->op == "Pow";
  for (size_t i = 0; arithmetic && i < node->inputs.size(); ++i) {
    if (graph.constant(node->inputs[i]) != nullptr) continue;
    ValueId x = find_x(graph, node->inputs[i], argument, tanh, depth + 1);
    if (x != kNoValue) return x;
  }
  return kNoValue;
}

// A product of numbers and other values.
struct Factors {
  double number = 1;
  std::vector<ValueId> others;
};
void take_apart(const Graph& graph, ValueId value, ValueId x, bool root, Factors* out) {
  if (auto number = scalar(graph, value, 1); number && value != x) {
    out->number *= *number;
    return;
  }
  const Node* node = value == x || out->others.size() > 2 ? nullptr : graph.producer(value);
  bool open = node != nullptr && node->domain == kOnnx && node->inputs.size() == 2 &&
              (root || read_once(graph, value));
  if (open && node->op == "Mul") {
    for (ValueId input : node->inputs) take_apart(graph, input, x, false, out);
  } else if (auto by = open && node->op == "Div" ? scalar(graph, node->inputs[1], 1) : std::nullopt) {
    out->number /= *by;
    take_apart(graph, node->inputs[0], x, false, out);
  } else {
    out->others.push_back(value);
  }
}

struct Gate {
  ValueId x = kNoValue;
  bool tanh = false;
  double half = 0;  // the gate is half + half * erf(...)
};
std::optional<Gate> gate_of(const Graph& graph, ValueId value) {
  const Node* add = producer(graph, value, "Add");
  if (add == nullptr || !read_once(graph, value)) return std::nullopt;
  auto parts = either(*add, [&](ValueId v) { return scalar(graph, v, 1).has_value(); });
  if (!parts) return std::nullopt;
  Factors factors;
  take_apart(graph, parts->first, kNoValue, false, &factors);
  Gate gate;
  gate.half = *scalar(graph, parts->second, 1);
  if (factors.others.size() != 1 || !is_about(factors.number, gate.half)) return std::nullopt;
  const Node* function = graph.producer(factors.others[0]);
  if (function == nullptr || function->domain != kOnnx || !read_once(graph, factors.others[0]))
    return std::nullopt;
  gate.tanh = function->op == "Tanh";
  if (!gate.tanh && function->op != "Erf") return std::nullopt;
  gate.x = find_x(graph, function->inputs[0], function->inputs[0], gate.tanh);
  return gate.x == kNoValue ? std::nullopt : std::optional(gate);
}

}  // namespace

// x * (1 + erf(x / sqrt(2))) / 2, and the same with tanh of a polynomial, in any order, is Gelu.
Status fuse_gelu(const Graph& graph, NodeId id, Patch* patch) {
  const Node& node = graph.node(id);
  if ((!is_op(node, "Mul") && !is_op(node, "Div")) || node.outputs.size() != 1) return {};
  // Without a limit on x, since it is not known yet: its own factors are more than two values then.
  Factors factors;
  take_apart(graph, node.outputs[0], kNoValue, true, &factors);
  std::optional<Gate> gate;
  for (ValueId value : factors.others) {
    if (!gate) gate = gate_of(graph, value);
  }
  if (!gate) return {};
  factors = {};
  take_apart(graph, node.outputs[0], gate->x, true, &factors);
  if (factors.others.size() != 2 || !is_about(factors.number * gate->half, 0.5)) return {};
  if (factors.others[0] != gate->x && factors.others[1] != gate->x) return {};
  Attributes attributes;
  if (gate->tanh) attributes.set("approximate", std::string("tanh"));
  patch->replace(node.outputs[0], patch->add(make_node(node, "Gelu", {gate->x}, std::move(attributes))));
  patch->remove(id);
  return {};
}

}  // namespace kinglet::passes
