#pragma once
#include <optional>
#include <utility>

#include "base/status.h"

namespace kinglet {

// A T or the failure that prevented it.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}
  Result(Status failure) : status_(std::move(failure)) {}

  bool ok() const { return value_.has_value(); }
  Status& status() { return status_; }
  // Only for ok().
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return &*value_; }

 private:
  std::optional<T> value_;
  Status status_;
};

#define KL_JOIN_(a, b) a##b
#define KL_JOIN(a, b) KL_JOIN_(a, b)
// KL_ASSIGN(auto x, compute()): declares or assigns x, or returns the failure from the calling function.
#define KL_ASSIGN(target, expression) KL_ASSIGN_(target, expression, KL_JOIN(kl_result_, __LINE__))
#define KL_ASSIGN_(target, expression, name)       \
  auto name = (expression);                        \
  if (!name.ok()) return std::move(name.status()); \
  target = std::move(*name)

}  // namespace kinglet
