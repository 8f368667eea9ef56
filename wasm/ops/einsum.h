#pragma once
// Einsum's equation, and the pairwise products that compute it for given shapes.
#include <string_view>
#include <vector>

#include "base/dtype.h"
#include "base/shape.h"
#include "kernels/contract/contract.h"

namespace kinglet {

// Labels are small numbers: letters, then the dimensions behind an ellipsis, counted from the right.
struct EinsumEquation {
  std::vector<std::vector<int>> inputs;  // a label for each dimension
  std::vector<int> output;
  // By label; 1 where no input has it.
  std::vector<int64_t> extents;
};

// Fails when the equation is malformed or does not fit the shapes. Extents of 1 broadcast.
Result<EinsumEquation> parse_einsum(std::string_view equation, const std::vector<Shape>& shapes);

// An array as a stage sees it: where it lies and how far each of its labels' next index is away. Labels of
// extent 1 are left out.
struct EinsumView {
  enum class Place : uint8_t { kInput, kScratch, kOutput };
  struct Axis {
    int label;
    int64_t stride;
  };
  Place place = Place::kInput;
  size_t at = 0;  // number of the input, or offset in scratch in elements
  std::vector<Axis> axes;
};

// One thing to do: a matrix product for each index within `kept` (`product`), otherwise a `contract`.
struct EinsumStage {
  bool product = false, binary = false;
  EinsumView a, b, c;
  std::vector<ContractAxis> kept, summed;
  // Of a product: [m, k] times [k, n] with these strides; C's columns are adjacent.
  int64_t m = 1, n = 1, k = 1, a_row = 0, a_column = 0, b_row = 0, b_column = 0, c_row = 0;
};

struct EinsumPlan {
  std::vector<EinsumStage> stages;
  int64_t scratch = 0;  // elements
};

// Left to right; labels that only one operand has and nobody needs later are summed before they are
// multiplied. All extents are positive.
Result<EinsumPlan> plan_einsum(const EinsumEquation& equation, const std::vector<Shape>& shapes,
                               const Shape& out);

}  // namespace kinglet
