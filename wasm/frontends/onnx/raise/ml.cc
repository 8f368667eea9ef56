#include <numeric>

#include "frontends/onnx/raise.h"

namespace kinglet::onnx {

// classes_strings stood for both directions: a class and its position.
Status classes_to_keys(Raiser& r) {
  auto list = r.attributes().get_strings("classes_strings");
  std::vector<std::string> classes(list.begin(), list.end());
  std::vector<int64_t> positions(classes.size());
  std::iota(positions.begin(), positions.end(), int64_t{0});
  r.attributes().erase("classes_strings");
  bool from_string = r.dtype(0) == DType::kString;
  r.attributes().set(from_string ? "keys_strings" : "values_strings", std::move(classes));
  r.attributes().set(from_string ? "values_int64s" : "keys_int64s", std::move(positions));
  r.attributes().erase(from_string ? "default_string" : "default_int64");
  return {};
}

}  // namespace kinglet::onnx
