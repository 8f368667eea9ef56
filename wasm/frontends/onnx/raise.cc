#include "frontends/onnx/raise.h"

#include <algorithm>

#include "base/narrow_float.h"
#include "ops/op.h"

namespace kinglet::onnx {

namespace {

struct Row {
  std::string_view domain, op;
  int below;
  Status (*function)(Raiser&);
};

constexpr Row kRows[] = {
#define RAISE(domain, op, below, function) {domain, op, below, function},
#include "frontends/onnx/raise/raise.inc"
#undef RAISE
};

// In raise.inc: `below` of operators that ONNX has withdrawn.
constexpr int kEveryOpset = 1000;

}  // namespace

bool is_raised(std::string_view domain, std::string_view op) {
  return std::ranges::any_of(kRows, [&](const Row& row) {
    return row.domain == domain && row.op == op && row.below >= kEveryOpset;
  });
}

Status Raiser::run() {
  for (const Row& row : kRows) {
    if (node.opset >= row.below || row.domain != node.domain) continue;
    if (row.op != node.op && row.op != "*") continue;
    KL_TRY(row.function(*this));
    if (emitted_) return {};
  }
  emit();
  return {};
}

int Raiser::rank(ValueId id) const {
  if (id == kNoValue) return -1;
  if (const Tensor* value = graph_.constant(id)) return value->rank();
  const Type& type = graph_.edge(id).type;
  return type.has_shape ? static_cast<int>(type.dims.size()) : -1;
}

void Raiser::set_input(size_t i, ValueId id) {
  if (node.inputs.size() <= i) node.inputs.resize(i + 1, kNoValue);
  node.inputs[i] = id;
}

Result<ValueId> Raiser::ints(std::span<const int64_t> values) {
  KL_ASSIGN(Tensor tensor, Tensor::ints(values));
  return constant(std::move(tensor));
}

Result<ValueId> Raiser::scalar(int64_t value) {
  KL_ASSIGN(Tensor tensor, Tensor::scalar(value));
  return constant(std::move(tensor));
}

Result<ValueId> Raiser::scalar_like(float value, size_t like) {
  DType type = dtype(like);
  if (type == DType::kFloat16 || type == DType::kBFloat16) {
    KL_ASSIGN(Tensor tensor, Tensor::allocate(type, {}));
    *tensor.data<uint16_t>() = type == DType::kFloat16 ? float_to_half(value) : float_to_bfloat16(value);
    return constant(std::move(tensor));
  }
  if (type == DType::kFloat64) {
    KL_ASSIGN(Tensor tensor, Tensor::scalar(static_cast<double>(value)));
    return constant(std::move(tensor));
  }
  KL_ASSIGN(Tensor tensor, Tensor::scalar(value));
  ValueId id = constant(std::move(tensor));
  return type == DType::kFloat32 ? id : op("CastLike", {id, node.input(like)});
}

ValueId Raiser::op(std::string_view name, std::vector<ValueId> inputs, Attributes attributes) {
  ValueId out = graph_.add_edge(str(name_, name_.empty() ? name : "", ":", graph_.edge_count()));
  op_to(out, name, std::move(inputs), std::move(attributes));
  return out;
}

void Raiser::op_to(ValueId output, std::string_view name, std::vector<ValueId> inputs,
                   Attributes attributes) {
  Node added;
  added.op = name;
  added.name = name_;
  added.opset = opset_;
  added.inputs = std::move(inputs);
  added.outputs = {output};
  added.attributes = std::move(attributes);
  builder_.emit(graph_, std::move(added));
}

ValueId Raiser::redirect_output(size_t i, ValueId* wanted) {
  *wanted = node.outputs[i];
  const Edge& edge = graph_.edge(*wanted);
  ValueId id = graph_.add_edge(str(edge.name, ":", graph_.edge_count()), Type::tensor(edge.type.dtype));
  return node.outputs[i] = id;
}

void Raiser::emit() {
  builder_.emit(graph_, std::move(node));
  emitted_ = true;
}

Status Raiser::ints_to_input(std::string_view attribute, size_t input) {
  if (!attributes().has(attribute)) return {};
  KL_REQUIRE(!has_input(input), kInvalidGraph, "attribute ", attribute, " is given as an input too");
  KL_ASSIGN(ValueId id, ints(attributes().get_ints(attribute)));
  attributes().erase(attribute);
  set_input(input, id);
  return {};
}

}  // namespace kinglet::onnx
