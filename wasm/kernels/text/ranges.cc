#include "kernels/text/ranges.h"

#include <algorithm>

#include "base/unicode.h"

namespace kinglet::text_internal {

namespace {

// Pairs of first and last characters.
Ranges ranges_of(std::string_view pairs) {
  Ranges out;
  for (size_t i = 0; i + 1 < pairs.size(); i += 2)
    out.push_back({static_cast<uint8_t>(pairs[i]), static_cast<uint8_t>(pairs[i + 1])});
  return out;
}

struct Class {
  std::string_view name, pairs;
};
constexpr Class kPosix[] = {
    {"alnum", "09AZaz"},
    {"alpha", "AZaz"},
    {"ascii", {"\x00\x7f", 2}},
    {"blank", "\t\t  "},
    {"cntrl", {"\x00\x1f\x7f\x7f", 4}},
    {"digit", "09"},
    {"graph", "!~"},
    {"lower", "az"},
    {"print", " ~"},
    {"punct", "!/:@[`{~"},
    {"space", "\t\r  "},
    {"upper", "AZ"},
    {"word", "09AZaz__"},
    {"xdigit", "09AFaf"},
};

}  // namespace

void normalize(Ranges* r) {
  std::ranges::sort(*r, {}, &Regex::Range::first);
  size_t kept = 0;
  for (const Regex::Range& x : *r) {
    if (kept > 0 && x.first <= (*r)[kept - 1].last + 1)
      (*r)[kept - 1].last = std::max((*r)[kept - 1].last, x.last);
    else
      (*r)[kept++] = x;
  }
  r->resize(kept);
}

void negate(Ranges* r) {
  normalize(r);
  Ranges out;
  uint32_t next = 0;
  for (const Regex::Range& x : *r) {
    if (x.first > next) out.push_back({next, x.first - 1});
    next = x.last + 1;
  }
  if (next <= kLastPoint) out.push_back({next, kLastPoint});
  *r = std::move(out);
}

// Two rounds reach every letter that has more than two forms.
void fold_case(Ranges* r) {
  for (int round = 0; round < 2; ++round) {
    normalize(r);
    struct Context {
      const Ranges& known;
      Ranges added{};
    } context{*r};
    for_each_case_pair(&context, [](void* c, uint32_t a, uint32_t b) {
      auto& x = *static_cast<Context*>(c);
      auto has = [&](uint32_t point) {
        auto it = std::ranges::upper_bound(x.known, point, {}, &Regex::Range::first);
        return it != x.known.begin() && (it - 1)->last >= point;
      };
      if (has(a) != has(b)) x.added.push_back(has(a) ? Regex::Range{b, b} : Regex::Range{a, a});
    });
    r->insert(r->end(), context.added.begin(), context.added.end());
  }
}

std::optional<Ranges> posix_class(std::string_view name) {
  auto it = std::ranges::find(kPosix, name, &Class::name);
  if (it == std::end(kPosix)) return std::nullopt;
  return ranges_of(it->pairs);
}

std::optional<Ranges> perl_class(uint32_t letter) {
  static constexpr Class kPerl[] = {{"dD", "09"}, {"wW", "09AZaz__"}, {"sS", "\t\n\f\r  "}};
  for (const Class& perl : kPerl) {
    bool others = letter == static_cast<uint8_t>(perl.name[1]);
    if (!others && letter != static_cast<uint8_t>(perl.name[0])) continue;
    Ranges ranges = ranges_of(perl.pairs);
    if (others) negate(&ranges);
    return ranges;
  }
  return std::nullopt;
}

}  // namespace kinglet::text_internal
