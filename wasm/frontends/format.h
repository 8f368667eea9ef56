#pragma once
#include <string_view>

#include "base/bytes.h"

namespace kinglet {

// What a file that is no ONNX model seems to be, with advice; empty when it cannot be told.
std::string_view other_format(Bytes file);

}  // namespace kinglet
