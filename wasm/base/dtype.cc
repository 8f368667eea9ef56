#include "base/dtype.h"

namespace kinglet {

namespace {
struct Row {
  uint8_t bits;
  char kind;
  std::string_view name;
};
struct Table {
  Row rows[kDTypeCount] = {};
  constexpr Table() {
#define DTYPE(name, number, bits, kind, text) rows[number] = {bits, #kind[0], text};
#include "base/dtype.inc"
#undef DTYPE
    rows[0] = {0, 0, "undefined"};
  }
};
constexpr Table kTable;
const Row& row(DType dtype) { return kTable.rows[static_cast<int>(dtype)]; }
}  // namespace

bool is_dtype(int64_t number) { return number > 0 && number < kDTypeCount; }
std::string_view dtype_name(DType dtype) { return row(dtype).name; }
int dtype_bits(DType dtype) { return row(dtype).bits; }
char dtype_kind(DType dtype) { return row(dtype).kind; }

DType dtype_from_name(std::string_view name) {
  for (int i = 1; i < kDTypeCount; ++i) {
    if (kTable.rows[i].name == name) return static_cast<DType>(i);
  }
  return DType::kNone;
}

void append(std::string& out, DTypeSet set) {
  const char* separator = "";
  for (int i = 1; i < kDTypeCount; ++i) {
    if (!set.has(static_cast<DType>(i))) continue;
    out += separator;
    out += kTable.rows[i].name;
    separator = ", ";
  }
}

}  // namespace kinglet
