#include "frontends/onnx/raise.h"

namespace kinglet::onnx {

// Said whether Y is wanted; an output that is not named says the same.
Status drop_output_sequence(Raiser& r) {
  r.attributes().erase("output_sequence");
  return {};
}

}  // namespace kinglet::onnx
