#pragma once
#include "base/shape.h"

namespace kinglet {

// Each in [0, rank), in the order given; fails for an axis outside and for one given twice.
Result<Shape> normalize_axes(std::span<const int64_t> axes, int rank);

}  // namespace kinglet
