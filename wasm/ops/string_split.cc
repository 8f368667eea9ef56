#include "ops/context.h"

namespace kinglet::ops {

namespace {

struct Params {
  std::string delimiter;  // empty: runs of blanks, none at the ends
  int64_t most;           // parts
};

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || (c >= '\x1c' && c <= '\x1f'); }

// Calls part(text) for every part in order.
template <class Part>
void split(const Params& p, std::string_view text, Part&& part) {
  int64_t found = 0;
  if (!p.delimiter.empty()) {
    for (size_t at; found + 1 < p.most && (at = text.find(p.delimiter)) != std::string_view::npos; ++found) {
      part(text.substr(0, at));
      text.remove_prefix(at + p.delimiter.size());
    }
    part(text);
    return;
  }
  auto skip = [&] {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  };
  for (skip(); !text.empty(); skip(), ++found) {
    size_t end = 0;
    // The last part keeps its blanks.
    if (found + 1 == p.most) end = text.size();
    while (end < text.size() && !is_blank(text[end])) ++end;
    part(text.substr(0, end));
    text.remove_prefix(end);
  }
}

Status run(const Params& p, Run& run) {
  const Tensor& in = run.in(0);
  int64_t widest = 0;
  for (int64_t i = 0; i < in.count(); ++i) {
    int64_t parts = 0;
    // The parts of an empty string are none, whatever the delimiter.
    if (!in.data<std::string>()[i].empty())
      split(p, in.data<std::string>()[i], [&](std::string_view) { ++parts; });
    if (run.has_out(1)) run.out(1).data<int64_t>()[i] = parts;
    widest = std::max(widest, parts);
  }
  Shape shape = in.shape();
  shape.push_back(widest);
  KL_ASSIGN(Tensor out, run.alloc_out(0, DType::kString, shape));
  for (int64_t i = 0; i < in.count(); ++i) {
    std::string *next = out.data<std::string>() + i * widest, *end = next + widest;
    if (!in.data<std::string>()[i].empty())
      split(p, in.data<std::string>()[i], [&](std::string_view text) { *next++ = text; });
    for (; next < end; ++next) next->clear();
  }
  return {};
}

Status infer(InferContext& c) {
  KL_REQUIRE(c.rank(0) < kMaxRank, kLimitExceeded, "X has rank ", c.rank(0));
  c.output_unknown(0, DType::kString);
  c.output(1, DType::kInt64, c.shape(0));
  return {};
}

Status lower(LowerContext& c) {
  int64_t most = c.attributes().get_int("maxsplit", -1);
  bool open = most < 0 || most == INT64_MAX;
  c.step<run>("string/split",
              Params{std::string(c.attributes().get_string("delimiter")), open ? INT64_MAX : most + 1});
  return {};
}

}  // namespace

extern const OpDef string_split{.domain = kOnnx,
                                .name = "StringSplit",
                                .signature = "X:string -> Y:string Z:int64 | | delimiter:s maxsplit:i",
                                .infer = infer,
                                .lower = lower};

}  // namespace kinglet::ops
