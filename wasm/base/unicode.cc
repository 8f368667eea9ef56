#include "base/unicode.h"

namespace kinglet {

namespace {

struct CaseRun {
  uint32_t first;
  uint16_t count, step;
  int32_t distance;
};
struct UpperCase {
  uint16_t from, to;
};

constexpr CaseRun kRuns[] = {
#define LOWER(first, count, step, distance) {first, count, step, distance},
#define UPPER(from, to)
#include "base/case.inc"
#undef LOWER
#undef UPPER
};
constexpr UpperCase kUpper[] = {
#define LOWER(first, count, step, distance)
#define UPPER(from, to) {from, to},
#include "base/case.inc"
#undef LOWER
#undef UPPER
};

bool in_run(uint32_t code_point, uint32_t first, const CaseRun& run) {
  return code_point >= first && (code_point - first) / run.step < run.count &&
         (code_point - first) % run.step == 0;
}

}  // namespace

uint32_t take_code_point(std::string_view* text) {
  auto byte = [&](size_t i) { return static_cast<uint8_t>((*text)[i]); };
  uint32_t first = byte(0);
  size_t length = first < 0x80                    ? 1
                  : first >= 0xC2 && first < 0xE0 ? 2
                  : first >= 0xE0 && first < 0xF0 ? 3
                  : first >= 0xF0 && first < 0xF5 ? 4
                                                  : 0;
  uint32_t out = length == 1 ? first : first & (0x7Fu >> length);
  bool good = length != 0 && text->size() >= length;
  for (size_t i = 1; good && i < length; ++i) {
    good = (byte(i) & 0xC0) == 0x80;
    out = out << 6 | (byte(i) & 0x3F);
  }
  // Not the shortest form, a surrogate, or too large.
  static constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (good) good = out >= kLeast[length] && out < kBadByte && (out < 0xD800 || out > 0xDFFF);
  text->remove_prefix(good ? length : 1);
  return good ? out : kBadByte + first;
}

void append_code_point(std::string* out, uint32_t c) {
  auto put = [&](uint32_t byte) { out->push_back(static_cast<char>(byte)); };
  auto rest = [&](int shift) { put(0x80 | (c >> shift & 0x3F)); };
  if (c >= kBadByte) return put(c - kBadByte);
  if (c < 0x80) return put(c);
  if (c < 0x800) return put(0xC0 | c >> 6), rest(0);
  if (c < 0x10000) return put(0xE0 | c >> 12), rest(6), rest(0);
  put(0xF0 | c >> 18), rest(12), rest(6), rest(0);
}

uint32_t lower_case(uint32_t c) {
  for (const CaseRun& run : kRuns) {
    if (in_run(c, run.first, run)) return c + static_cast<uint32_t>(run.distance);
  }
  return c;
}

uint32_t upper_case(uint32_t c) {
  for (const UpperCase& upper : kUpper) {
    if (upper.from == c) return upper.to;
  }
  if (c == 0xDF) return c;  // the upper case of sharp s has it as lower case, but not the other way round
  for (const CaseRun& run : kRuns) {
    if (in_run(c, run.first + static_cast<uint32_t>(run.distance), run))
      return c - static_cast<uint32_t>(run.distance);
  }
  return c;
}

void for_each_case_pair(void* context, void (*pair)(void*, uint32_t, uint32_t)) {
  for (const CaseRun& run : kRuns) {
    // Dotted capital I is a letter of its own, as is dotless small i below.
    for (uint32_t i = 0, c = run.first; i < run.count && c != 0x130; ++i, c += run.step)
      pair(context, c, c + static_cast<uint32_t>(run.distance));
  }
  for (const UpperCase& upper : kUpper) {
    if (upper.from != 0x131) pair(context, upper.from, upper.to);
  }
}

}  // namespace kinglet
