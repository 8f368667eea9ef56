#include <algorithm>

#include "ops/context.h"

namespace kinglet::ops {

namespace {

enum class Mode : uint8_t { kTf, kIdf, kTfIdf };

// The pool's n-grams as numbers of tokens. A token's number is its place among the sorted ones.
struct Params {
  std::vector<std::string> words;
  std::vector<int64_t> numbers;
  std::vector<int32_t> tokens;  // of all n-grams, one behind the other
  struct Gram {
    size_t begin;
    int32_t length, column;
    float weight;
  };
  std::vector<Gram> grams;  // by length, then by tokens
  Mode mode = Mode::kTf;
  int64_t shortest = 1, longest = 1, skips = 0, columns = 0;

  std::span<const int32_t> tokens_of(const Gram& g) const {
    return std::span(tokens).subspan(g.begin, static_cast<size_t>(g.length));
  }
};

template <class T>
int32_t number_of(const std::vector<T>& sorted, const T& token) {
  auto it = std::ranges::lower_bound(sorted, token);
  return it != sorted.end() && *it == token ? static_cast<int32_t>(it - sorted.begin()) : -1;
}

// The token at i of the input, -1 where the pool lacks it.
int32_t token_of(const Params& p, const Tensor& in, int64_t i) {
  if (in.dtype() == DType::kString) return number_of(p.words, in.data<std::string>()[i]);
  return number_of(p.numbers,
                   in.dtype() == DType::kInt32 ? int64_t{in.data<int32_t>()[i]} : in.data<int64_t>()[i]);
}

// All n-grams that begin at row[at], their tokens `step` apart; each length narrows the range of candidates.
void count_from(const Params& p, std::span<const int32_t> row, size_t at, size_t step, int64_t first,
                float* out) {
  int32_t gram[64];
  for (int64_t n = 1; n <= p.longest; ++n, at += step) {
    if (at >= row.size() || row[at] < 0) return;
    gram[n - 1] = row[at];
    if (n < first) continue;
    std::span<const int32_t> wanted(gram, static_cast<size_t>(n));
    auto before = [&](const Params::Gram& g, std::span<const int32_t> w) {
      auto tokens = p.tokens_of(g);
      return tokens.size() != w.size() ? tokens.size() < w.size()
                                       : std::ranges::lexicographical_compare(tokens, w);
    };
    auto it = std::lower_bound(p.grams.begin(), p.grams.end(), wanted, before);
    for (; it != p.grams.end() && std::ranges::equal(p.tokens_of(*it), wanted); ++it) {
      float& y = out[it->column];
      y = p.mode == Mode::kIdf ? it->weight : y + (p.mode == Mode::kTf ? 1 : it->weight);
    }
  }
}

Status run(const Params& p, Run& run) {
  const Tensor &in = run.in(0), &out = run.out(0);
  int64_t width = in.rank() == 0 ? 1 : in.shape().back(), rows = out.count() / p.columns;
  auto* row = reinterpret_cast<int32_t*>(run.scratch());
  float* y = out.data<float>();
  std::fill_n(y, out.count(), 0.0f);
  for (int64_t r = 0; r < rows && !run.cancelled(); ++r, y += p.columns) {
    for (int64_t i = 0; i < width; ++i) row[i] = token_of(p, in, r * width + i);
    for (int64_t skip = 0; skip <= p.skips && skip < std::max<int64_t>(width, 1); ++skip) {
      // Single tokens do not depend on the distance, and are counted once.
      int64_t first = std::max<int64_t>(p.shortest, skip == 0 ? 1 : 2);
      for (int64_t at = 0; at < width; ++at)
        count_from(p, {row, static_cast<size_t>(width)}, static_cast<size_t>(at),
                   static_cast<size_t>(skip + 1), first, y);
    }
  }
  return {};
}

template <class T>
void add_pool(std::span<const T> pool, std::vector<T>* sorted, std::vector<int32_t>* tokens) {
  sorted->assign(pool.begin(), pool.end());
  std::ranges::sort(*sorted);
  sorted->erase(std::unique(sorted->begin(), sorted->end()), sorted->end());
  for (const T& token : pool) tokens->push_back(number_of(*sorted, token));
}

// One more than the largest entry of ngram_indexes.
Result<int64_t> columns_of(const OpContext& c) {
  int64_t count = 0;
  for (int64_t column : c.attributes().get_ints("ngram_indexes")) {
    KL_REQUIRE(column >= 0 && column < int64_t{1} << 31, kInvalidGraph, "ngram_indexes has ", column);
    count = std::max(count, column + 1);
  }
  KL_REQUIRE(count > 0, kInvalidGraph, "ngram_indexes is empty");
  return count;
}

Result<Params> params_of(const OpContext& c) {
  const Attributes& t = c.attributes();
  Params p;
  std::string_view mode = t.get_string("mode");
  KL_REQUIRE(mode == "TF" || mode == "IDF" || mode == "TFIDF", kInvalidGraph, "mode is ", mode,
             ", not TF, IDF or TFIDF");
  p.mode = mode == "TF" ? Mode::kTf : mode == "IDF" ? Mode::kIdf : Mode::kTfIdf;
  p.shortest = t.get_int("min_gram_length");
  p.longest = t.get_int("max_gram_length");
  p.skips = t.get_int("max_skip_count");
  KL_REQUIRE(p.shortest >= 1 && p.longest >= p.shortest && p.skips >= 0, kInvalidGraph, "n-grams of ",
             p.shortest, " to ", p.longest, " tokens with ", p.skips, " skips");
  KL_REQUIRE(p.longest <= 64, kLimitExceeded, "n-grams of ", p.longest, " tokens");
  auto counts = t.get_ints("ngram_counts"), columns = t.get_ints("ngram_indexes");
  auto weights = t.get_floats("weights");
  bool words = t.has("pool_strings");
  KL_REQUIRE(words != t.has("pool_int64s"), kInvalidGraph,
             "exactly one of pool_strings and pool_int64s must be given");
  KL_REQUIRE(words == (c.dtype(0) == DType::kString), kInvalidGraph, "the input is ", c.dtype(0),
             ", the pool of another kind");
  if (words)
    add_pool(t.get_strings("pool_strings"), &p.words, &p.tokens);
  else
    add_pool(t.get_ints("pool_int64s"), &p.numbers, &p.tokens);
  KL_REQUIRE(weights.empty() || weights.size() == columns.size(), kInvalidGraph, "there are ", weights.size(),
             " weights for ", columns.size(), " n-grams");
  KL_ASSIGN(p.columns, columns_of(c));
  // ngram_counts[n - 1] is where the n-grams of n tokens begin in the pool.
  auto pool = static_cast<int64_t>(p.tokens.size());
  for (size_t n = 1; n <= counts.size(); ++n) {
    int64_t begin = counts[n - 1], end = n < counts.size() ? counts[n] : pool,
            length = static_cast<int64_t>(n);
    KL_REQUIRE(begin >= 0 && begin <= end && end <= pool && (end - begin) % length == 0, kInvalidGraph,
               "ngram_counts gives entries ", begin, " to ", end, " of the pool to n-grams of ", length,
               " tokens");
    for (; begin < end; begin += length) {
      size_t i = p.grams.size();
      KL_REQUIRE(i < columns.size(), kInvalidGraph, "the pool has more n-grams than ngram_indexes entries");
      p.grams.push_back({static_cast<size_t>(begin), static_cast<int32_t>(n),
                         static_cast<int32_t>(columns[i]), weights.empty() ? 1 : weights[i]});
    }
  }
  KL_REQUIRE(p.grams.size() == columns.size(), kInvalidGraph, "the pool has ", p.grams.size(),
             " n-grams for ", columns.size(), " entries of ngram_indexes");
  std::ranges::sort(p.grams, [&](const Params::Gram& a, const Params::Gram& b) {
    return a.length != b.length ? a.length < b.length
                                : std::ranges::lexicographical_compare(p.tokens_of(a), p.tokens_of(b));
  });
  return p;
}

Status infer(InferContext& c) {
  KL_REQUIRE(c.rank(0) <= 2, kInvalidShape, "X has shape ", c.shape(0), ", expected [C] or [N, C]");
  KL_ASSIGN(int64_t columns, columns_of(c));
  c.output(0, DType::kFloat32, c.rank(0) == 2 ? Shape{c.shape(0)[0], columns} : Shape{columns});
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(Params p, params_of(c));
  int64_t width = c.rank(0) == 0 ? 1 : c.shape(0).back();
  KL_ASSIGN(int64_t bytes, checked_mul(width, int64_t{4}));
  KL_ASSIGN(size_t narrow, checked_narrow<size_t>(bytes));
  c.scratch(narrow);
  c.step<run>("string/tfidf", std::move(p));
  return {};
}

}  // namespace

extern const OpDef tfidf_vectorizer{
    .domain = kOnnx,
    .name = "TfIdfVectorizer",
    .signature =
        "X:string,int32,int64 -> Y:float32 | | max_gram_length:i! max_skip_count:i! min_gram_length:i! "
        "mode:s! "
        "ngram_counts:is! ngram_indexes:is! pool_int64s:is pool_strings:ss weights:fs",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
