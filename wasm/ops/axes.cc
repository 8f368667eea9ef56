#include "ops/axes.h"

namespace kinglet {

Result<Shape> normalize_axes(std::span<const int64_t> axes, int rank) {
  KL_REQUIRE(axes.size() <= static_cast<size_t>(rank), kInvalidShape, axes.size(), " axes for rank ", rank);
  Shape out;
  for (int64_t a : axes) {
    KL_ASSIGN(int axis, normalize_axis(a, rank));
    KL_REQUIRE(std::find(out.begin(), out.end(), axis) == out.end(), kInvalidShape, "axis ", a,
               " is given twice");
    out.push_back(axis);
  }
  return out;
}

}  // namespace kinglet
