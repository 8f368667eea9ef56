#include <algorithm>

#include "passes/match.h"
#include "passes/pass.h"

namespace kinglet::passes {

namespace {

ValueId through_identity(const Graph& graph, ValueId id) {
  const Node* node = producer(graph, id, "Identity");
  return node == nullptr ? id : node->input(0);
}

// Whether the body keeps its state, rows, and gives the squares of their distances from the row it is given.
bool is_distance(const Graph& body) {
  if (body.inputs.size() != 2 || body.outputs.size() != 2) return false;
  if (through_identity(body, body.outputs[0]) != body.inputs[0]) return false;
  const Node* sum = producer(body, through_identity(body, body.outputs[1]), "ReduceSumSquare");
  if (sum == nullptr || sum->attributes.get_int("keepdims", 1) != 0) return false;
  const Node* difference = producer(body, sum->input(0), "Sub");
  return difference != nullptr && constant_ints(body, sum->input(1)) == Shape{1} &&
         std::ranges::is_permutation(difference->inputs, body.inputs);
}

int64_t columns_of(const Graph& graph, ValueId id) {
  const Type& type = graph.edge(id).type;
  return type.has_shape && type.dims.size() == 2 ? type.dims[1].value : -1;
}

}  // namespace

// A Scan over known rows for their distances from all rows of a matrix, as skl2onnx writes neighbours,
// becomes a CDist, with the root that is taken of its result.
Status fuse_scan_distance(const Graph& graph, NodeId id, Patch* patch) {
  const Node& node = graph.node(id);
  if (is_op(node, "Sqrt")) {
    const Node* squares = producer(graph, node.input(0), "CDist", kMicrosoft);
    if (squares == nullptr || !read_once(graph, node.input(0)) ||
        squares->attributes.get_string("metric", "sqeuclidean") != "sqeuclidean")
      return {};
    Attributes metric;
    metric.set("metric", std::string("euclidean"));
    patch->replace(node.output(0),
                   patch->add(make_node(node, "CDist", squares->inputs, std::move(metric), kMicrosoft)));
    patch->remove(id);
    return {};
  }
  if (!is_op(node, "Scan") || node.inputs.size() != 2 || node.attributes.get_int("num_scan_inputs") != 1)
    return {};
  for (std::string_view name :
       {"scan_input_axes", "scan_input_directions", "scan_output_axes", "scan_output_directions"}) {
    if (std::ranges::any_of(node.attributes.get_ints(name), [](int64_t i) { return i != 0; })) return {};
  }
  ValueId rows = node.inputs[0], state = node.output(0), result = node.output(1);
  bool state_is_read = state != kNoValue && (!graph.users(state).empty() || graph.is_output(state));
  const Tensor* known = graph.constant(node.inputs[1]);
  if (state_is_read || result == kNoValue || known == nullptr || known->rank() != 2) return {};
  const Graph& body = *node.subgraphs[0].graph;
  if (!is_distance(body) || (!is_float32(graph, rows) && dtype_of(graph, rows) != DType::kFloat64)) return {};
  // Other numbers of columns might be broadcast.
  int64_t columns = known->shape()[1];
  if (columns_of(graph, rows) != columns && columns_of(body, body.inputs[0]) != columns) return {};
  ValueId squares = patch->add(make_node(node, "CDist", {rows, node.inputs[1]}, {}, kMicrosoft));
  Attributes turned;
  turned.set("perm", std::vector<int64_t>{1, 0});
  patch->replace(result, patch->add(make_node(node, "Transpose", {squares}, std::move(turned))));
  patch->remove(id);
  return {};
}

}  // namespace kinglet::passes
