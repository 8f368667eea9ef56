#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "base/checked.h"

namespace kinglet {

inline constexpr int kMaxRank = 16;

// A short list of integers held in place: the extents of a tensor, its strides, a list of axes. At most
// kMaxRank entries; what comes from outside goes through `shape_from`, which refuses more.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) {
    for (int64_t d : dims) push_back(d);
  }
  explicit Shape(std::span<const int64_t> dims) {
    for (int64_t d : dims) push_back(d);
  }
  // `rank` entries of `value`.
  static Shape filled(int rank, int64_t value) {
    Shape s;
    for (int i = 0; i < rank; ++i) s.push_back(value);
    return s;
  }

  int rank() const { return rank_; }
  size_t size() const { return static_cast<size_t>(rank_); }
  bool empty() const { return rank_ == 0; }
  int64_t operator[](size_t i) const { return dims_[i]; }
  int64_t& operator[](size_t i) { return dims_[i]; }
  // Negative i counts from the end.
  int64_t at(int i) const { return dims_[static_cast<size_t>(i < 0 ? i + rank_ : i)]; }
  int64_t back() const { return dims_[static_cast<size_t>(rank_ - 1)]; }
  void push_back(int64_t d) {
    if (rank_ < kMaxRank) dims_[static_cast<size_t>(rank_++)] = d;
  }
  void insert(int at, int64_t d);
  void erase(int at);
  void resize(int rank, int64_t fill = 0) {
    while (rank_ < rank) push_back(fill);
    rank_ = rank;
  }
  const int64_t* begin() const { return dims_.data(); }
  const int64_t* end() const { return dims_.data() + rank_; }
  int64_t* begin() { return dims_.data(); }
  int64_t* end() { return dims_.data() + rank_; }
  operator std::span<const int64_t>() const { return {begin(), size()}; }
  bool operator==(const Shape& other) const { return std::equal(begin(), end(), other.begin(), other.end()); }

  // Product of the extents [from, to), to = -1: all. Only for shapes whose count was checked
  // (`checked_count`).
  int64_t count(int from = 0, int to = -1) const;

 private:
  std::array<int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

inline void append(std::string& out, const Shape& shape) { append(out, std::span<const int64_t>(shape)); }

// Fails when there are more than kMaxRank extents.
Result<Shape> shape_from(std::span<const int64_t> dims);
// The number of elements; fails for a negative extent or a product beyond 2^48.
Result<int64_t> checked_count(const Shape& shape);
// Row-major strides in elements.
Shape strides_of(const Shape& shape);
// ONNX multidirectional broadcasting of two shapes; fails with both shapes named.
Result<Shape> broadcast(const Shape& a, const Shape& b);
// `axis` in [-rank, rank) as [0, rank), or a failure that names both.
Result<int> normalize_axis(int64_t axis, int rank);

}  // namespace kinglet
