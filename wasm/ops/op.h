#pragma once
// What an operator is. An operator's file defines one OpDef; ops.inc lists it.
#include <span>
#include <string_view>

#include "base/status.h"

namespace kinglet {

class InferContext;   // ops/context.h
class LowerContext;   // ops/context.h
class EvalContext;    // ops/context.h
class ExpandContext;  // ops/expand.h

inline constexpr std::string_view kOnnx = "";
inline constexpr std::string_view kOnnxMl = "ai.onnx.ml";
inline constexpr std::string_view kMicrosoft = "com.microsoft";
inline constexpr std::string_view kTraining = "ai.onnx.preview.training";

// Operators have the meaning of their newest opset only; front ends raise older forms.
// An operator has either infer + lower, or expand, or eval.
struct OpDef {
  std::string_view domain;
  std::string_view name;
  // Inputs, outputs, types and attributes; grammar in ops/signature.h. Checked for every node before any
  // function below.
  std::string_view signature;
  // Sets dtype and shape (or value) of every wanted output from concrete input shapes and, where they matter
  // and are known, input values. Runs for every new combination of input shapes, so it must be cheap.
  Status (*infer)(InferContext&) = nullptr;
  // Chooses a kernel for these shapes and adds one step, or an alias. Null when infer gives all outputs as
  // values.
  Status (*lower)(LowerContext&) = nullptr;
  // Rewrites the node into other operators, before shapes are known.
  Status (*expand)(ExpandContext&) = nullptr;
  // Computes outputs from values at run time: control flow, sequences, maps, optionals.
  Status (*eval)(EvalContext&) = nullptr;
  // False when equal inputs may give different outputs: never folded.
  bool deterministic = true;
};

}  // namespace kinglet
