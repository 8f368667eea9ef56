#pragma once
// What the engine asks of the page or process around it (web/src/host/imports.ts). Outside of wasm there is
// none: numbers are converted by the C library, and a program that has pictures defines these functions.
#include <cstddef>
#include <cstdint>

#ifdef __EMSCRIPTEN__
#define KL_HOST(name) __attribute__((import_module("kinglet"), import_name(#name)))
#else
#define KL_HOST(name) __attribute__((weak))
#endif

extern "C" {
// 1 when the host has decoded these bytes; `extents` is then [height, width]. 0: the host takes note of them,
// and the run that asked fails; the host may decode them and run again.
KL_HOST(picture_find) int32_t kl_picture_find(const void* encoded, size_t bytes, int32_t* extents);
// The pixels of the picture found last, [height, width, channels]: 0 RGB, 1 BGR, 2 luminance (one channel).
KL_HOST(picture_read) void kl_picture_read(int32_t format, void* pixels);
// base/number.h says what these two do. `text` is a decimal there, and has room for kNumberText here.
KL_HOST(number_parse) double kl_number_parse(const char* text, size_t bytes, int32_t single);
KL_HOST(number_print) size_t kl_number_print(double value, int32_t single, char* text);
}

inline constexpr size_t kNumberText = 32;
