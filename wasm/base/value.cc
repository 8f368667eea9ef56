#include "base/value.h"

namespace kinglet {

void append(std::string& out, const Type& type) {
  auto nested = [&] {
    if (type.element)
      append(out, *type.element);
    else
      out += "?";
  };
  switch (type.kind) {
    case Type::Kind::kUnknown:
      out += "?";
      return;
    case Type::Kind::kSequence:
      out += "seq(";
      nested();
      out += ")";
      return;
    case Type::Kind::kOptional:
      out += "optional(";
      nested();
      out += ")";
      return;
    case Type::Kind::kMap:
      out += str("map(", type.dtype, ",");
      nested();
      out += ")";
      return;
    case Type::Kind::kTensor:
      break;
  }
  append(out, type.dtype);
  if (!type.has_shape) return;
  out += "[";
  const char* separator = "";
  for (const Dim& d : type.dims) {
    out += separator;
    separator = ",";
    if (d.value >= 0)
      append(out, d.value);
    else
      out += d.symbol.empty() ? "?" : d.symbol;
  }
  out += "]";
}

}  // namespace kinglet
