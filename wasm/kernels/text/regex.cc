#include "kernels/text/regex.h"

#include "base/unicode.h"

namespace kinglet {

namespace {

bool is_word(int64_t c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

// Adds all steps reached from `at` without reading; before and after are code points, -1 at the ends.
void follow(const Regex& r, uint32_t at, int64_t before, int64_t after, uint32_t round, RegexThreads* t,
            std::vector<uint32_t>* out) {
  using Op = Regex::Op;
  t->stack.push_back(at);
  while (!t->stack.empty()) {
    uint32_t i = t->stack.back();
    t->stack.pop_back();
    if (t->seen[i] == round) continue;
    t->seen[i] = round;
    const Regex::Step& step = r.program[i];
    bool edge = is_word(before) != is_word(after);
    bool go_on = false;
    switch (step.op) {
      case Op::kRanges:
      case Op::kMatch:
        out->push_back(i);
        break;
      case Op::kSplit:
        t->stack.push_back(step.y);
        t->stack.push_back(step.x);
        break;
      case Op::kJump:
        t->stack.push_back(step.x);
        break;
      case Op::kTextBegin:
        go_on = before < 0;
        break;
      case Op::kTextEnd:
        go_on = after < 0;
        break;
      case Op::kLineBegin:
        go_on = before < 0 || before == '\n';
        break;
      case Op::kLineEnd:
        go_on = after < 0 || after == '\n';
        break;
      case Op::kWordEdge:
        go_on = edge;
        break;
      case Op::kNoWordEdge:
        go_on = !edge;
        break;
    }
    if (go_on) t->stack.push_back(i + 1);
  }
}

bool accepts(const Regex& r, const Regex::Step& step, uint32_t c) {
  for (uint32_t i = step.x; i < step.y; ++i) {
    if (c >= r.ranges[i].first && c <= r.ranges[i].last) return true;
  }
  return false;
}

}  // namespace

bool regex_matches(const Regex& r, std::string_view text, RegexThreads* t, const Parallel& pool) {
  t->now.clear();
  t->seen.assign(r.program.size(), 0);
  auto peek = [&]() -> int64_t {
    std::string_view rest = text;
    return rest.empty() ? -1 : int64_t{take_code_point(&rest)};
  };
  uint32_t round = 1;
  int64_t after = peek();
  follow(r, 0, -1, after, round, t, &t->now);
  while (!text.empty() && !t->now.empty()) {
    if (cancelled(pool)) return false;
    uint32_t c = take_code_point(&text);
    after = peek();
    // The rounds of a very long text start over.
    if (++round == 0) t->seen.assign(r.program.size(), 0), round = 1;
    t->next.clear();
    for (uint32_t i : t->now) {
      const Regex::Step& step = r.program[i];
      if (step.op == Regex::Op::kRanges && accepts(r, step, c))
        follow(r, i + 1, c, after, round, t, &t->next);
    }
    std::swap(t->now, t->next);
  }
  if (!text.empty()) return false;
  for (uint32_t i : t->now) {
    if (r.program[i].op == Regex::Op::kMatch) return true;
  }
  return false;
}

}  // namespace kinglet
