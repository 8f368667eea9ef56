#pragma once
// Failures are values: a Status is one pointer, null when all is well.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/str.h"

namespace kinglet {

enum class Code : uint8_t {
#define ERROR(name, code, fixer, meaning) k##name,
#include "base/errors.inc"
#undef ERROR
};

// The code, fixer and meaning columns of errors.inc.
std::string_view code_name(Code code);
std::string_view code_fixer(Code code);
std::string_view code_meaning(Code code);

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string detail);

  bool ok() const { return failure_ == nullptr; }
  // Only for !ok().
  Code code() const { return failure_->code; }
  const std::string& detail() const { return failure_->detail; }
  const std::vector<std::pair<std::string, std::string>>& context() const { return failure_->context; }

  // Adds a fact ("node", "op", "opset", "dtype", "shape", "expected", "hint", ...) unless the key is there
  // already: the innermost layer knows best. No effect on success.
  Status& with(std::string_view key, std::string value) &;
  Status&& with(std::string_view key, std::string value) && {
    return std::move(this->with(key, std::move(value)));
  }
  // Meaning, detail and context in one line for people.
  std::string message() const;

 private:
  struct Failure {
    Code code;
    std::string detail;
    std::vector<std::pair<std::string, std::string>> context;
  };
  // Defined out of line: nearly every function ends the life of a Status.
  struct Delete {
    void operator()(Failure* failure) const;
  };
  std::unique_ptr<Failure, Delete> failure_;
};

template <class... Parts>
__attribute__((noinline)) Status failed(Code code, Parts... parts) {
  return Status(code, joined<Parts...>(parts...));
}

// fail(Code::kInvalidShape, "expected ", a, ", got ", b)
template <class... Parts>
Status fail(Code code, const Parts&... parts) {
  return failed<decltype(part(parts))...>(code, part(parts)...);
}

// Returns from the calling function when `expression` is a failure.
#define KL_TRY(expression)                                                                \
  do {                                                                                    \
    if (::kinglet::Status kl_status_ = (expression); !kl_status_.ok()) return kl_status_; \
  } while (0)

// Returns fail(code, ...) from the calling function unless `condition` holds.
#define KL_REQUIRE(condition, code, ...)                                          \
  do {                                                                            \
    if (!(condition)) return ::kinglet::fail(::kinglet::Code::code, __VA_ARGS__); \
  } while (0)

}  // namespace kinglet
