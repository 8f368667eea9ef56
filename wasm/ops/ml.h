#pragma once
// What operators of ai.onnx.ml share.
#include "kernels/scores/scores.h"
#include "ops/context.h"
#include "ops/expand.h"
#include "ops/internal.h"

namespace kinglet {

struct IntAttribute {
  const char* name = nullptr;
  int64_t value = 0;
};

// An expansion in which the first failure is kept, so that values can be used without a look at it.
class Expansion {
 public:
  explicit Expansion(ExpandContext& context) : c(context) {}
  const Attributes& attributes() const { return c.attributes(); }
  // Input 0 as a matrix of `dtype`: one dimension is one row, more are flattened before the last.
  ValueId matrix(DType dtype);
  ValueId cast(ValueId value, DType dtype);
  // An operator of ai.onnx with at most one attribute.
  ValueId op(const char* name, std::initializer_list<ValueId> inputs, IntAttribute attribute = {});
  ValueId constant(Result<Tensor> tensor);
  // A tensor of float32; fails when the count is not that of `shape`.
  ValueId floats(std::span<const float> values, const Shape& shape);
  ValueId scalar(float value) { return floats({&value, 1}, {}); }
  ValueId doubles(std::span<const double> values);
  // Keeps a failure about `what`, which is `is` and not `expected`, unless they are equal.
  void expect(const char* what, int64_t is, int64_t expected);
  void keep(Status status);
  bool ok() const { return status_.ok(); }
  // Gives output 0 its value, and the outcome.
  Status finish(ValueId value);
  Status finish() { return std::move(status_); }

  ExpandContext& c;

 private:
  Status status_;
};

// The list `name`, or the floating-point tensor `as_tensor`, or nothing.
Result<std::vector<double>> doubles_of(const Attributes& attributes, const char* name, const char* as_tensor);
// The only given one of the lists as a tensor of one dimension; fails when there are two, gives an empty
// tensor when there is none. The last two names may be null.
Result<Tensor> list_of(const Attributes& attributes, const char* int64s, const char* strings,
                       const char* floats = nullptr, const char* tensor = nullptr);
// The list of class labels; fails when there is none.
Result<Tensor> labels_of(const Attributes& attributes, const char* int64s);

Result<Transform> transform_of(const Attributes& attributes);
// Scores through the node's post_transform as float32. Of a single target only PROBIT changes anything, as in
// ONNX Runtime.
ValueId transformed(Expansion& e, ValueId scores, int64_t targets);

// How scores choose a class, and what becomes of them.
enum class ClassRule : int64_t {
  kLargest,       // a score for each class
  kSign,          // one score that speaks for the second class
  kLargestTrees,  // a score for each class; those without any vote (-0) cannot win
  kOneTreeClass,  // trees vote for one of two classes only
};
// Outputs 0 and 1: labels and transformed scores of scores [N, K].
void add_classes(Expansion& e, ValueId scores, const Tensor& labels, ClassRule rule, bool all_positive,
                 std::span<const double> base);
// Copies label `index` of the tensor `labels` to element i.
void copy_label(const Tensor& labels, size_t index, const Tensor& out, size_t i);

}  // namespace kinglet
