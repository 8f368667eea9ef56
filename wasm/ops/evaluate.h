#pragma once
#include "ops/context.h"

namespace kinglet {

// Runs infer for concrete inputs and checks that every wanted output was set. `outputs` gets one entry per
// node output.
// `*later` is set when a value is missing (see InferContext::later).
Status infer(const Node& node, std::span<const Port> inputs, std::vector<InferContext::Output>* outputs,
             bool* later);

// Computes one node at once: infer, lower and run, or eval. `inputs` has one entry per node input (empty
// values where absent), `outputs` gets one per node output. Failures name the node.
Status evaluate(const Node& node, std::span<const Value> inputs, std::vector<Value>* outputs,
                Executor* executor);

// Adds node name, operator, opset and input types to a failure.
Status at_node(Status status, const Node& node, std::span<const Port> inputs = {});

}  // namespace kinglet
