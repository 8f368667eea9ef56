#include <algorithm>

#include "base/unicode.h"
#include "kernels/text/ranges.h"
#include "kernels/text/regex.h"

namespace kinglet {

namespace {

constexpr size_t kMaxProgram = 100000;
constexpr int kMaxRepeat = 1000, kMaxDepth = 200;

using Op = Regex::Op;
using namespace text_internal;

struct Node {
  enum class Kind : uint8_t { kStep, kConcat, kAlternate, kRepeat };
  Kind kind = Kind::kConcat;
  Regex::Step step{};
  std::vector<uint32_t> children{};
  int least = 0, most = -1;  // of kRepeat; -1: no end
};

class Parser {
 public:
  explicit Parser(std::string_view pattern) : rest_(pattern) {}

  Result<Regex> parse() {
    KL_ASSIGN(uint32_t root, alternatives(0));
    KL_REQUIRE(rest_.empty(), kInvalidArgument, "the pattern has a ) without (");
    compile(root);
    add({Op::kMatch});
    KL_REQUIRE(!too_long_, kLimitExceeded, "the pattern makes a program of more than ", kMaxProgram,
               " steps");
    return std::move(out_);
  }

 private:
  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  uint32_t node(Node n) {
    nodes_.push_back(std::move(n));
    return static_cast<uint32_t>(nodes_.size() - 1);
  }
  uint32_t condition(Op op) { return node({.kind = Node::Kind::kStep, .step = {op}}); }
  uint32_t one_of(Ranges ranges) {
    normalize(&ranges);
    auto begin = static_cast<uint32_t>(out_.ranges.size());
    out_.ranges.insert(out_.ranges.end(), ranges.begin(), ranges.end());
    return node(
        {.kind = Node::Kind::kStep, .step = {Op::kRanges, begin, static_cast<uint32_t>(out_.ranges.size())}});
  }
  uint32_t literal(uint32_t c) {
    Ranges ranges{{c, c}};
    if (ignore_case_) fold_case(&ranges);
    return one_of(std::move(ranges));
  }
  uint32_t point() { return take_code_point(&rest_); }

  // a|b|c up to a closing parenthesis or the end. Flags set within end with it.
  Result<uint32_t> alternatives(int depth) {
    KL_REQUIRE(depth < kMaxDepth, kLimitExceeded, "the pattern has more than ", kMaxDepth, " nested groups");
    bool flags[] = {ignore_case_, dot_all_, multi_line_};
    Node either{.kind = Node::Kind::kAlternate};
    do {
      KL_ASSIGN(uint32_t part, sequence(depth));
      either.children.push_back(part);
    } while (take("|"));
    ignore_case_ = flags[0], dot_all_ = flags[1], multi_line_ = flags[2];
    return either.children.size() == 1 ? either.children[0] : node(std::move(either));
  }

  Result<uint32_t> sequence(int depth) {
    KL_REQUIRE(nodes_.size() < kMaxProgram, kLimitExceeded, "the pattern is too long");
    Node all{.kind = Node::Kind::kConcat};
    bool repeatable = false, repeated = false;
    while (!rest_.empty() && rest_.front() != '|' && rest_.front() != ')') {
      KL_REQUIRE(nodes_.size() < kMaxProgram, kLimitExceeded, "the pattern is too long");
      int least = 0, most = 0;
      KL_ASSIGN(bool repetition, take_repetition(&least, &most));
      if (repetition) {
        KL_REQUIRE(repeatable, kInvalidArgument, "a repetition has nothing to repeat");
        KL_REQUIRE(!repeated, kInvalidArgument, "a repetition follows another one");
        all.children.back() = node(
            {.kind = Node::Kind::kRepeat, .children = {all.children.back()}, .least = least, .most = most});
        repeated = true;
        continue;
      }
      repeated = false;
      if (take("\\Q")) {
        while (!rest_.empty() && !take("\\E")) all.children.push_back(literal(point())), repeatable = true;
        continue;
      }
      bool flags_only = false;
      KL_ASSIGN(uint32_t next, atom(depth, &flags_only));
      if (!flags_only) all.children.push_back(next), repeatable = true;
    }
    return node(std::move(all));
  }

  // A number of at most four digits; -1 when there is none.
  int number() {
    if (rest_.empty() || rest_.front() < '0' || rest_.front() > '9') return -1;
    int value = 0;
    for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; rest_.remove_prefix(1))
      value = std::min(10000, value * 10 + (rest_.front() - '0'));
    return value;
  }

  Result<bool> take_repetition(int* least, int* most) {
    if (take("*")) {
      *most = -1;
    } else if (take("+")) {
      *least = 1, *most = -1;
    } else if (take("?")) {
      *most = 1;
    } else if (rest_.front() == '{') {
      // Braces that are no repetition stand for themselves.
      std::string_view before = rest_;
      rest_.remove_prefix(1);
      *least = *most = number();
      if (*least >= 0 && take(",")) *most = number();
      if (*least < 0 || !take("}")) {
        rest_ = before;
        return false;
      }
      KL_REQUIRE(*least <= kMaxRepeat && *most <= kMaxRepeat && (*most < 0 || *least <= *most),
                 kInvalidArgument, "repetition {", *least, ",", *most, "}");
    } else {
      return false;
    }
    // Which of several matches is found does not matter to whether there is one.
    take("?");
    return true;
  }

  Result<uint32_t> atom(int depth, bool* flags_only) {
    if (take("(")) return group(depth, flags_only);
    if (take("[")) return bracket();
    if (take(".")) {
      Ranges ranges;
      if (!dot_all_) ranges.push_back({'\n', '\n'});
      negate(&ranges);
      return one_of(std::move(ranges));
    }
    if (take("^")) return condition(multi_line_ ? Op::kLineBegin : Op::kTextBegin);
    if (take("$")) return condition(multi_line_ ? Op::kLineEnd : Op::kTextEnd);
    if (take("\\b")) return condition(Op::kWordEdge);
    if (take("\\B")) return condition(Op::kNoWordEdge);
    if (take("\\A")) return condition(Op::kTextBegin);
    if (take("\\z")) return condition(Op::kTextEnd);
    if (rest_.front() == '\\') {
      Ranges ranges;
      KL_TRY(escape(&ranges));
      if (ignore_case_) fold_case(&ranges);
      return one_of(std::move(ranges));
    }
    return literal(point());
  }

  // Behind the opening parenthesis.
  Result<uint32_t> group(int depth, bool* flags_only) {
    bool flags[] = {ignore_case_, dot_all_, multi_line_};
    if (take("?")) {
      KL_REQUIRE(!rest_.starts_with("=") && !rest_.starts_with("!") && !rest_.starts_with("<=") &&
                     !rest_.starts_with("<!"),
                 kUnsupportedFeature, "the pattern looks around");
      if (take("P<") || take("<")) {
        size_t end = rest_.find('>');
        KL_REQUIRE(end != std::string_view::npos && end > 0, kInvalidArgument, "a group's name has no end");
        rest_.remove_prefix(end + 1);
      } else {
        bool value = true;
        for (; !rest_.empty() && rest_.front() != ':' && rest_.front() != ')'; rest_.remove_prefix(1)) {
          char flag = rest_.front();
          KL_REQUIRE(std::string_view("imsU-").find(flag) != std::string_view::npos, kInvalidArgument,
                     "unknown flag ", rest_.substr(0, 1));
          if (flag == '-') value = false;
          if (flag == 'i') ignore_case_ = value;
          if (flag == 's') dot_all_ = value;
          if (flag == 'm') multi_line_ = value;
        }
        if (take(")")) {
          *flags_only = true;
          return 0u;
        }
        KL_REQUIRE(take(":"), kInvalidArgument, "a group has no end");
      }
    }
    KL_ASSIGN(uint32_t inner, alternatives(depth + 1));
    ignore_case_ = flags[0], dot_all_ = flags[1], multi_line_ = flags[2];
    KL_REQUIRE(take(")"), kInvalidArgument, "a group has no end");
    return inner;
  }

  // \d and its like, or one code point, added to `out`.
  Status escape(Ranges* out) {
    rest_.remove_prefix(1);
    KL_REQUIRE(!rest_.empty(), kInvalidArgument, "the pattern ends with a backslash");
    uint32_t c = point();
    if (std::optional<Ranges> perl = perl_class(c)) {
      out->insert(out->end(), perl->begin(), perl->end());
      return {};
    }
    KL_REQUIRE(c != 'p' && c != 'P' && c != 'C', kUnsupportedFeature,
               "the pattern uses Unicode classes or bytes");
    static constexpr std::string_view kNames = "aftnrv", kValues = "\a\f\t\n\r\v";
    bool octal =
        c == '0' || (c >= '1' && c <= '7' && !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '7');
    if (size_t at = c < 128 ? kNames.find(static_cast<char>(c)) : std::string_view::npos;
        at != std::string_view::npos) {
      c = static_cast<uint8_t>(kValues[at]);
    } else if (octal) {
      c -= '0';
      for (int i = 0; i < 2 && !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '7'; ++i)
        c = c * 8 + (point() - '0');
    } else if (c == 'x') {
      bool braces = take("{");
      uint32_t value = 0;
      int digits = 0;
      for (; !rest_.empty() && (braces || digits < 2) && value <= kLastPoint; ++digits) {
        char d = rest_.front();
        int digit = d >= '0' && d <= '9'                 ? d - '0'
                    : (d | 32) >= 'a' && (d | 32) <= 'f' ? (d | 32) - 'a' + 10
                                                         : -1;
        if (digit < 0) break;
        value = value * 16 + static_cast<uint32_t>(digit);
        rest_.remove_prefix(1);
      }
      KL_REQUIRE(value <= kLastPoint && (braces ? digits > 0 && take("}") : digits == 2), kInvalidArgument,
                 "\\x needs two digits, or a code point in braces");
      c = value;
    } else {
      bool letter = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
      KL_REQUIRE(c < 0x80 && !letter, kInvalidArgument, "unknown escape in the pattern");
    }
    out->push_back({c, c});
    return {};
  }

  // Behind the opening bracket.
  Result<uint32_t> bracket() {
    bool negated = take("^");
    Ranges ranges;
    for (bool first = true; first || !rest_.starts_with("]"); first = false) {
      KL_REQUIRE(!rest_.empty(), kInvalidArgument, "a class has no end");
      if (take("[:")) {
        bool other = take("^");
        size_t end = rest_.find(":]");
        std::optional<Ranges> named = posix_class(rest_.substr(0, std::min(end, rest_.size())));
        KL_REQUIRE(end != std::string_view::npos && named, kInvalidArgument, "unknown class name");
        rest_.remove_prefix(end + 2);
        if (other) negate(&*named);
        ranges.insert(ranges.end(), named->begin(), named->end());
        continue;
      }
      Ranges low;
      KL_TRY(class_member(&low));
      if (rest_.starts_with("-") && rest_.size() > 1 && rest_[1] != ']') {
        rest_.remove_prefix(1);
        Ranges high;
        KL_TRY(class_member(&high));
        KL_REQUIRE(low.size() == 1 && low[0].first == low[0].last && high.size() == 1 &&
                       high[0].first == high[0].last && low[0].first <= high[0].first,
                   kInvalidArgument, "a range in a class has no order");
        low[0].last = high[0].first;
      }
      ranges.insert(ranges.end(), low.begin(), low.end());
    }
    rest_.remove_prefix(1);
    if (ignore_case_) fold_case(&ranges);
    if (negated) negate(&ranges);
    return one_of(std::move(ranges));
  }
  Status class_member(Ranges* out) {
    KL_REQUIRE(!rest_.empty(), kInvalidArgument, "a class has no end");
    if (rest_.front() == '\\') return escape(out);
    uint32_t c = point();
    out->push_back({c, c});
    return {};
  }

  uint32_t place() const { return static_cast<uint32_t>(out_.program.size()); }
  // The place of the new step.
  uint32_t add(Regex::Step step) {
    if (place() >= kMaxProgram) {
      too_long_ = true;
      return 0;
    }
    out_.program.push_back(step);
    return place() - 1;
  }

  void compile(uint32_t id) {
    const Node& n = nodes_[id];
    if (n.kind == Node::Kind::kStep) {
      add(n.step);
    } else if (n.kind == Node::Kind::kConcat) {
      for (uint32_t child : n.children) compile(child);
    } else if (n.kind == Node::Kind::kAlternate) {
      std::vector<uint32_t> ends;
      for (size_t i = 0; i < n.children.size() && !too_long_; ++i) {
        bool last = i + 1 == n.children.size();
        uint32_t split = last ? 0 : add({Op::kSplit, place() + 1});
        compile(n.children[i]);
        if (last) break;
        ends.push_back(add({Op::kJump}));
        out_.program[split].y = place();
      }
      for (uint32_t end : ends) out_.program[end].x = place();
    } else {
      for (int i = 0; i < n.least && !too_long_; ++i) compile(n.children[0]);
      if (n.most < 0) {
        uint32_t split = add({Op::kSplit, place() + 1});
        compile(n.children[0]);
        add({Op::kJump, split});
        out_.program[split].y = place();
      }
      std::vector<uint32_t> splits;
      for (int i = n.least; i < n.most && !too_long_; ++i) {
        splits.push_back(add({Op::kSplit, place() + 1}));
        compile(n.children[0]);
      }
      for (uint32_t split : splits) out_.program[split].y = place();
    }
  }

  std::string_view rest_;
  bool ignore_case_ = false, dot_all_ = false, multi_line_ = false, too_long_ = false;
  std::vector<Node> nodes_;
  Regex out_;
};

}  // namespace

Result<Regex> parse_regex(std::string_view pattern) { return Parser(pattern).parse(); }

}  // namespace kinglet
