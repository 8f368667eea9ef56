#pragma once
// UTF-8 and case.
#include <cstdint>
#include <string>
#include <string_view>

namespace kinglet {

// Takes one code point from the front of `text`, which is not empty. A byte that begins no well-formed
// sequence is taken alone and gives kBadByte + its value.
inline constexpr uint32_t kBadByte = 0x110000;
uint32_t take_code_point(std::string_view* text);
// Also writes back what take_code_point made of a single byte.
void append_code_point(std::string* out, uint32_t code_point);

// Simple case mappings: one code point for one.
uint32_t lower_case(uint32_t code_point);
uint32_t upper_case(uint32_t code_point);
// Calls pair(context, a, b) for all a and b that are one letter when case does not matter; what belongs
// together in other ways follows from several pairs.
void for_each_case_pair(void* context, void (*pair)(void* context, uint32_t a, uint32_t b));

}  // namespace kinglet
