#include "frontends/onnx/message.h"

namespace kinglet::onnx {

namespace {

Result<OpsetMessage> read_opset(Bytes bytes) {
  OpsetMessage out;
  Message m(bytes);
  while (m.next()) {
    if (m.field() == 1) out.domain = m.text();
    if (m.field() == 2) out.version = m.integer();
  }
  KL_TRY(m.finish());
  if (out.domain == "ai.onnx") out.domain = {};
  KL_REQUIRE(out.version >= 1 && out.version <= 1 << 20, kInvalidModel, "opset ", out.version,
             " of domain \"", out.domain, "\"");
  return out;
}

Result<std::pair<std::string_view, std::string_view>> read_pair(Bytes bytes) {
  std::pair<std::string_view, std::string_view> out;
  Message m(bytes);
  while (m.next()) {
    if (m.field() == 1) out.first = m.text();
    if (m.field() == 2) out.second = m.text();
  }
  KL_TRY(m.finish());
  return out;
}

}  // namespace

Result<ModelMessage> read_model(Bytes bytes, size_t* nodes_left, ModelInfo* info) {
  ModelMessage out;
  ModelInfo unused;
  if (info == nullptr) info = &unused;
  Message m(bytes);
  while (m.next()) {
    switch (m.field()) {
      case 1:
        info->ir_version = out.ir_version = m.integer();
        break;
      case 2:
        info->producer = m.text();
        break;
      case 3:
        info->producer_version = m.text();
        break;
      case 4:
        info->domain = m.text();
        break;
      case 5:
        info->model_version = m.integer();
        break;
      case 6:
        info->doc = m.text();
        break;
      case 7:
        out.graph = m.bytes();
        out.has_graph = true;
        break;
      case 8: {
        KL_ASSIGN(OpsetMessage opset, read_opset(m.bytes()));
        out.opsets.push_back(opset);
        info->opsets.emplace_back(opset.domain, static_cast<int>(opset.version));
        break;
      }
      case 14: {
        KL_ASSIGN(auto entry, read_pair(m.bytes()));
        info->metadata.emplace_back(entry);
        break;
      }
      case 25: {
        KL_ASSIGN(FunctionMessage function, read_function(m.bytes(), nodes_left));
        out.functions.push_back(std::move(function));
        break;
      }
    }
  }
  KL_TRY(m.finish());
  KL_REQUIRE(out.has_graph, kInvalidModel, "this is not an ONNX model: it has no graph");
  return out;
}

Result<FunctionMessage> read_function(Bytes bytes, size_t* nodes_left) {
  FunctionMessage out;
  Message m(bytes);
  while (m.next()) {
    switch (m.field()) {
      case 1:
        out.name = m.text();
        break;
      case 4:
        out.inputs.push_back(m.text());
        break;
      case 5:
        out.outputs.push_back(m.text());
        break;
      case 6:
        out.attributes.push_back(m.text());
        break;
      case 7: {
        KL_REQUIRE((*nodes_left)-- > 0, kLimitExceeded, "more than ", kMaxNodes, " nodes");
        KL_ASSIGN(NodeMessage node, read_node(m.bytes()));
        out.nodes.push_back(std::move(node));
        break;
      }
      case 9: {
        KL_ASSIGN(OpsetMessage opset, read_opset(m.bytes()));
        out.opsets.push_back(opset);
        break;
      }
      case 10:
        out.domain = m.text();
        break;
      case 11:
        out.defaults.push_back(m.bytes());
        break;
      case 13:
        out.overload = m.text();
        break;
    }
  }
  KL_TRY(m.finish());
  if (out.domain == "ai.onnx") out.domain = {};
  return out;
}

Result<GraphMessage> read_graph(Bytes bytes, size_t* nodes_left) {
  GraphMessage out;
  Message m(bytes);
  while (m.next()) {
    switch (m.field()) {
      case 1: {
        KL_REQUIRE((*nodes_left)-- > 0, kLimitExceeded, "more than ", kMaxNodes, " nodes");
        KL_ASSIGN(NodeMessage node, read_node(m.bytes()));
        out.nodes.push_back(std::move(node));
        break;
      }
      case 2:
        out.name = m.text();
        break;
      case 5:
        out.initializers.push_back(m.bytes());
        break;
      case 11:
        out.inputs.push_back(m.bytes());
        break;
      case 12:
        out.outputs.push_back(m.bytes());
        break;
      case 13:
        out.values.push_back(m.bytes());
        break;
      case 15:
        out.sparse_initializers.push_back(m.bytes());
        break;
    }
  }
  KL_TRY(m.finish());
  size_t edges =
      out.initializers.size() + out.inputs.size() + out.values.size() + out.sparse_initializers.size();
  KL_REQUIRE(edges <= kMaxEdges, kLimitExceeded, "more than ", kMaxEdges, " values");
  return out;
}

Result<NodeMessage> read_node(Bytes bytes) {
  NodeMessage out;
  Message m(bytes);
  while (m.next()) {
    switch (m.field()) {
      case 1:
        out.inputs.push_back(m.text());
        break;
      case 2:
        out.outputs.push_back(m.text());
        break;
      case 3:
        out.name = m.text();
        break;
      case 4:
        out.op = m.text();
        break;
      case 5:
        out.attributes.push_back(m.bytes());
        break;
      case 7:
        out.domain = m.text();
        break;
      case 8:
        out.overload = m.text();
        break;
    }
  }
  KL_TRY(m.finish());
  if (out.domain == "ai.onnx") out.domain = {};
  if (out.op.empty())
    return fail(Code::kInvalidModel, "a node has no operator").with("node", std::string(out.name));
  KL_REQUIRE(out.attributes.size() <= kMaxAttributes, kLimitExceeded, "a node has ", out.attributes.size(),
             " attributes");
  return out;
}

}  // namespace kinglet::onnx
