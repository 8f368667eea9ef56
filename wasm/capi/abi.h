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

#define CALL(name, result, parameters, contract) result name parameters;
#include "capi/abi.inc"
#undef CALL
}
