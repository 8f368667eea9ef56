#include <algorithm>

#include "base/unicode.h"
#include "ops/context.h"

namespace kinglet::ops {

namespace {

using Case = uint32_t (*)(uint32_t);

struct Params {
  std::vector<std::string> stopwords;  // sorted; in lower case when case does not matter
  bool sensitive;
  Case change;  // null: none
};

std::string mapped(std::string_view text, Case change) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) append_code_point(&out, change(take_code_point(&text)));
  return out;
}

Status run(const Params& p, Run& run) {
  auto words = run.in(0).values<std::string>();
  std::vector<const std::string*> kept;
  for (const std::string& word : words) {
    bool stop = !p.stopwords.empty() &&
                std::ranges::binary_search(p.stopwords, p.sensitive ? word : mapped(word, lower_case));
    if (!stop) kept.push_back(&word);
  }
  // Where nothing remains there is one empty string.
  auto n = std::max<int64_t>(1, static_cast<int64_t>(kept.size()));
  KL_ASSIGN(Tensor out, run.alloc_out(0, DType::kString, run.in(0).rank() == 1 ? Shape{n} : Shape{1, n}));
  std::string* target = out.data<std::string>();
  if (kept.empty()) target->clear();
  for (const std::string* word : kept) *target++ = p.change ? mapped(*word, p.change) : *word;
  return {};
}

Status infer(InferContext& c) {
  const Shape& in = c.shape(0);
  KL_REQUIRE(in.rank() == 1 || (in.rank() == 2 && in[0] == 1), kInvalidShape, "X has shape ", in,
             ", expected [C] or [1, C]");
  std::string_view action = c.attributes().get_string("case_change_action", "NONE");
  KL_REQUIRE(action == "NONE" || action == "LOWER" || action == "UPPER", kInvalidGraph,
             "case_change_action is ", action, ", not NONE, LOWER or UPPER");
  c.output_unknown(0, DType::kString);
  return {};
}

Status lower(LowerContext& c) {
  std::string_view action = c.attributes().get_string("case_change_action", "NONE");
  Params p;
  p.sensitive = c.attributes().get_int("is_case_sensitive") != 0;
  p.change = action == "LOWER" ? lower_case : action == "UPPER" ? upper_case : nullptr;
  for (const std::string& word : c.attributes().get_strings("stopwords"))
    p.stopwords.push_back(p.sensitive ? word : mapped(word, lower_case));
  std::ranges::sort(p.stopwords);
  c.step<run>("string/normalizer", std::move(p));
  return {};
}

}  // namespace

extern const OpDef string_normalizer{
    .domain = kOnnx,
    .name = "StringNormalizer",
    .signature =
        "X:string -> Y:string | | case_change_action:s='NONE' is_case_sensitive:i=0 locale:s stopwords:ss",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
