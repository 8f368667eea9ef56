#pragma once
// From an element size to a C++ type.
#include <cstdint>
#include <string>

#include "kernels/copy/copy.h"

namespace kinglet::kernels {

struct Bytes16 {
  uint64_t low, high;
};

// body.operator()<T>() for the type that carries elements of `bytes`, a size of copy.inc.
template <class Body>
decltype(auto) with_element(int bytes, Body&& body) {
  switch (bytes) {
#define COPY(size, type) \
  case size:             \
    return body.template operator()<type>();
#include "kernels/copy/copy.inc"
#undef COPY
    default:
      return body.template operator()<uint8_t>();
  }
}

}  // namespace kinglet::kernels
