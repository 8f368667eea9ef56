#pragma once
// Operator signatures as text, so that one line declares, checks and documents an operator.
//
//   "X:T W:T B:T? -> Y:T | T=floats | auto_pad:s='NOTSET' group:i=1 pads:is"
//
// inputs -> outputs | type variables | attributes. Behind a name:
//   :T          a type variable, declared in the second part; all uses have the same dtype
//   :int64,bool a dtype list or a named set in place
//   :any        any value (sequence, map, optional, tensor), not checked
//   ?           optional     *  variadic, one or more, same type     #  variadic, types may differ (zero or
//   more)
// Sets: floats (float16 bfloat16 float32 float64), ints (int8..int64), uints, integers (both), numeric
// (floats+integers),
//   narrow8 (the four float8), all (every dtype). Sets and dtypes are joined with ','.
// Attributes: kind i f s t (tensor) is fs ss ts tp (type) g (subgraph); '!' required; '=value' documents the
// default.
#include <string_view>
#include <vector>

#include "base/dtype.h"
#include "base/result.h"
#include "graph/graph.h"

namespace kinglet {

struct SignatureValue {
  std::string_view name;
  std::string_view type;  // as written
  bool any = false, optional = false, variadic = false, heterogeneous = false;
  DTypeSet dtypes;
  int variable = -1;  // index of the type variable, or -1
};

struct SignatureAttribute {
  std::string_view name;
  std::string_view kind;
  std::string_view absent;  // text of the default, or empty
  bool required = false;
};

struct Signature {
  std::vector<SignatureValue> inputs, outputs;
  std::vector<std::string_view> variables;
  std::vector<DTypeSet> variable_types;
  std::vector<SignatureAttribute> attributes;
};

// Views into `text`. A malformed signature is a defect of ours: kInternal.
Result<Signature> parse_signature(std::string_view text);

// Gives a node whose first output nobody takes an edge for it. Checks counts, presence, attribute names and
// kinds, and those dtypes that the graph's edges know; sets the dtypes of outputs that follow from type
// variables. Failures carry node, op, opset, dtype and what was expected.
Status check_node(Graph& graph, NodeId node);

// The same for the element types that the inputs turn out to have (kNone: absent, or not a tensor): what the
// graph did not know, or said wrongly, before values came.
Status check_dtypes(const Node& node, std::span<const DType> inputs);

}  // namespace kinglet
