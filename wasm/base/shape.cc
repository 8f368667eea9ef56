#include "base/shape.h"

namespace kinglet {

void Shape::insert(int at, int64_t d) {
  if (rank_ >= kMaxRank) return;
  for (int i = rank_++; i > at; --i) dims_[static_cast<size_t>(i)] = dims_[static_cast<size_t>(i - 1)];
  dims_[static_cast<size_t>(at)] = d;
}

void Shape::erase(int at) {
  for (int i = at; i + 1 < rank_; ++i) dims_[static_cast<size_t>(i)] = dims_[static_cast<size_t>(i + 1)];
  --rank_;
}

int64_t Shape::count(int from, int to) const {
  int64_t n = 1;
  for (int i = from, end = to < 0 ? rank_ : to; i < end; ++i) n *= dims_[static_cast<size_t>(i)];
  return n;
}

Result<Shape> shape_from(std::span<const int64_t> dims) {
  KL_REQUIRE(dims.size() <= kMaxRank, kLimitExceeded, "rank ", dims.size(), " is above ", kMaxRank);
  return Shape(dims);
}

Result<int64_t> checked_count(const Shape& shape) {
  int64_t n = 1;
  bool zero = false;
  for (int64_t d : shape) {
    KL_REQUIRE(d >= 0, kInvalidShape, "negative extent in ", shape);
    if (d == 0)
      zero = true;
    else if (mul_overflows(n, d, &n) || n > int64_t{1} << 48)
      return fail(Code::kLimitExceeded, shape, " has too many elements");
  }
  return zero ? 0 : n;
}

Shape strides_of(const Shape& shape) {
  Shape strides = Shape::filled(shape.rank(), 1);
  for (int i = shape.rank() - 2; i >= 0; --i) strides[i] = strides[i + 1] * shape[i + 1];
  return strides;
}

Result<Shape> broadcast(const Shape& a, const Shape& b) {
  int rank = std::max(a.rank(), b.rank());
  Shape out = Shape::filled(rank, 1);
  for (int i = 1; i <= rank; ++i) {
    int64_t x = i <= a.rank() ? a.at(-i) : 1, y = i <= b.rank() ? b.at(-i) : 1;
    KL_REQUIRE(x == y || x == 1 || y == 1, kInvalidShape, a, " and ", b, " do not broadcast");
    out[static_cast<size_t>(rank - i)] = x == 1 ? y : x;
  }
  return out;
}

Result<int> normalize_axis(int64_t axis, int rank) {
  KL_REQUIRE(axis >= -rank && axis < rank, kInvalidShape, "axis ", axis, " is outside rank ", rank);
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

}  // namespace kinglet
