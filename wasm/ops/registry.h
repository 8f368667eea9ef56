#pragma once
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "graph/graph.h"
#include "ops/op.h"

namespace kinglet {

// Null when there is no such operator. "ai.onnx" and "" are the same domain.
const OpDef* find_op(std::string_view domain, std::string_view name);

// All operators, for documentation and tests.
std::vector<const OpDef*> all_ops();

// The failure that names all of `missing`; success when there are none.
Status missing_operators(const std::set<std::string>& missing);

// Sets Node::def everywhere, subgraphs included, then checks every node (ops/signature.h). One failure names
// all operators that are missing.
Status bind(Graph& graph);

}  // namespace kinglet
