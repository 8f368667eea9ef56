#pragma once
// What operators of ai.onnx.ml share.
#include "kernels/scores/scores.h"
#include "ops/context.h"
#include "ops/expand.h"

namespace kinglet {

// Operators that only expansions write. A file may name them too, so they check what they are given.
inline constexpr std::string_view kInternal = "ai.kinglet";

// Input 0 as a matrix of `dtype`: one dimension is one row, more are flattened before the last.
ValueId matrix_of(ExpandContext& c, DType dtype);
ValueId cast_to(ExpandContext& c, ValueId value, DType dtype);
Result<ValueId> float_constant(ExpandContext& c, std::span<const float> values, const Shape& shape);

// The list `name`, or the floating-point tensor `name`_as_tensor, or nothing.
Result<std::vector<double>> doubles_of(const Attributes& attributes, const std::string& name);
// The only given one of the lists as a tensor of one dimension; fails when there are two, gives an empty
// tensor when there is none. The last two names may be null.
Result<Tensor> list_of(const Attributes& attributes, const char* int64s, const char* strings,
                       const char* floats = nullptr, const char* tensor = nullptr);

Result<Transform> transform_of(const Attributes& attributes);
// Scores through the node's post_transform as float32. Of a single target only PROBIT changes anything, as in
// ONNX Runtime.
Result<ValueId> transformed(ExpandContext& c, ValueId scores, int64_t targets);

// How scores choose a class, and what becomes of them.
enum class ClassRule : int64_t {
  kLargest,       // a score for each class
  kSign,          // one score that speaks for the second class
  kLargestTrees,  // a score for each class; those without any vote (-0) cannot win
  kOneTreeClass,  // trees vote for one of two classes only
};
// Labels and transformed scores of scores [N, K]; labels are the node's classlabels.
Status add_classes(ExpandContext& c, ValueId scores, Tensor labels, ClassRule rule, bool all_positive,
                   std::span<const double> base);
// Copies label `index[i]` of the tensor `labels` to element i.
void copy_label(const Tensor& labels, size_t index, const Tensor& out, size_t i);

}  // namespace kinglet
