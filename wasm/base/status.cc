#include "base/status.h"

namespace kinglet {

namespace {
struct Row {
  std::string_view code, fixer, meaning;
};
constexpr Row kRows[] = {
#define ERROR(name, code, fixer, meaning) {code, #fixer, meaning},
#include "base/errors.inc"
#undef ERROR
};
}  // namespace

std::string_view code_name(Code code) { return kRows[static_cast<size_t>(code)].code; }
std::string_view code_fixer(Code code) { return kRows[static_cast<size_t>(code)].fixer; }
std::string_view code_meaning(Code code) { return kRows[static_cast<size_t>(code)].meaning; }

Status::Status(Code code, std::string detail) : failure_(new Failure{code, std::move(detail), {}}) {}

void Status::Delete::operator()(Failure* failure) const { delete failure; }

Status& Status::with(std::string_view key, std::string value) & {
  if (ok() || value.empty()) return *this;
  for (const auto& [known, _] : failure_->context) {
    if (known == key) return *this;
  }
  failure_->context.emplace_back(key, std::move(value));
  return *this;
}

std::string Status::message() const {
  if (ok()) return "ok";
  std::string out = str(code_meaning(code()), ": ", detail());
  if (!context().empty()) {
    out += " (";
    const char* separator = "";
    for (const auto& [key, value] : context()) {
      out += str(separator, key, ": ", value);
      separator = ", ";
    }
    out += ")";
  }
  return out;
}

}  // namespace kinglet
