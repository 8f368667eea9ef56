#pragma once
// The exported calls of abi.inc.
#include <cstddef>
#include <cstdint>

extern "C" {
using Handle = uint32_t;
using Text = uint32_t;
using Done = int32_t;
using Size = size_t;
using Address = void*;

// A feed or a result of a run. All of a tensor of a numeric type but its elements is in here; other values
// have handles.
struct Exchange {
  Size port;      // place of the input or output in the description
  Handle value;   // of a feed that is no such tensor, otherwise 0
  int32_t dtype;  // of dtype.inc; 0: a result to be taken by kl_session_result
  Size rank;
  const int64_t* dims;
  Size bytes;  // at `data`
  Address data;
};

#define CALL(name, result, parameters, contract) result name parameters;
#include "capi/abi.inc"
#undef CALL
}
