// Concat, Split and Slice of whole blocks share storage instead of copying: values must not change.
#include <algorithm>
#include <random>

#include "runtime/session.h"
#include "support/graph_builder.h"
#include "support/named_values.h"

using namespace kinglet;
using namespace kinglet::testing;

namespace {

constexpr int64_t kColumns = 3;

Attributes along_rows() {
  Attributes out;
  out.set("axis", int64_t{1});
  return out;
}

// A graph over values [1, rows, 3], and what each value is for the given input, by loops of its own.
struct Model {
  std::shared_ptr<Graph> graph = std::make_shared<Graph>();
  std::vector<ValueId> ids;
  std::vector<std::vector<float>> values;

  int64_t rows(size_t i) const { return static_cast<int64_t>(values[i].size()) / kColumns; }
  size_t add_value(ValueId id, std::vector<float> value) {
    ids.push_back(id);
    values.push_back(std::move(value));
    return ids.size() - 1;
  }
  size_t neg(size_t a) {
    std::vector<float> out = values[a];
    for (float& x : out) x = -x;
    return add_value(add(*graph, "Neg", {ids[a]})[0], std::move(out));
  }
  // The same elements, by a step that needs scratch: the weights are an identity.
  size_t same(size_t a) {
    std::vector<float> w(static_cast<size_t>(rows(a) * rows(a)));
    for (size_t i = 0; i < w.size(); i += static_cast<size_t>(rows(a)) + 1) w[i] = 1;
    ValueId weights = graph->add_constant("w", floats({rows(a), rows(a), 1}, std::move(w)));
    std::vector<float> out = values[a];
    return add_value(add(*graph, "Conv", {ids[a], weights})[0], std::move(out));
  }
  size_t sum(size_t a, size_t b) {
    std::vector<float> out = values[a];
    for (size_t i = 0; i < out.size(); ++i) out[i] += values[b][i];
    return add_value(add(*graph, "Add", {ids[a], ids[b]})[0], std::move(out));
  }
  size_t concat(const std::vector<size_t>& parts) {
    std::vector<ValueId> inputs;
    std::vector<float> out;
    for (size_t p : parts) {
      inputs.push_back(ids[p]);
      out.insert(out.end(), values[p].begin(), values[p].end());
    }
    return add_value(add(*graph, "Concat", inputs, 1, along_rows())[0], std::move(out));
  }
  std::vector<size_t> split(size_t a, int64_t first) {
    ValueId sizes = graph->add_constant("sizes", ints({first, rows(a) - first}));
    std::vector<ValueId> outs = add(*graph, "Split", {ids[a], sizes}, 2, along_rows());
    auto middle = values[a].begin() + first * kColumns;
    std::vector<float> low(values[a].begin(), middle), high(middle, values[a].end());
    size_t at = add_value(outs[0], std::move(low));
    return {at, add_value(outs[1], std::move(high))};
  }
  size_t slice(size_t a, int64_t from, int64_t to) {
    ValueId starts = graph->add_constant("starts", ints({from})),
            ends = graph->add_constant("ends", ints({to}));
    ValueId axes = graph->add_constant("axes", ints({1}));
    std::vector<float> out(values[a].begin() + from * kColumns, values[a].begin() + to * kColumns);
    return add_value(add(*graph, "Slice", {ids[a], starts, ends, axes})[0], std::move(out));
  }

  // Runs twice and compares what is wanted.
  std::shared_ptr<const Plan> check(const std::vector<size_t>& wanted) {
    for (size_t w : wanted) graph->outputs.push_back(ids[w]);
    require_ok(bind(*graph));
    Session session(graph);
    for (int turn = 0; turn < 2; ++turn) {
      std::vector<Value> out;
      std::vector<NamedValue> feeds{{"x", floats({1, rows(0), kColumns}, values[0])}};
      require_ok(testing::run(session, feeds, &out));
      for (size_t i = 0; i < wanted.size(); ++i) CHECK(read<float>(out[i]) == values[wanted[i]]);
    }
    auto plan = session.program().plans().front();
    check_scratch(*plan);
    return plan;
  }

  // No value that is read behind a step lies in that step's scratch.
  static void check_scratch(const Plan& plan) {
    for (size_t n = 0; n < plan.steps.size(); ++n) {
      size_t begin = plan.steps[n].scratch_offset, end = begin + plan.steps[n].work->scratch_bytes;
      auto apart = [&](int32_t i) {
        if (i < 0 || begin == end) return;
        const Slot& s = plan.slots[static_cast<size_t>(i)];
        size_t at = (s.alias_of < 0 ? s : plan.slots[static_cast<size_t>(s.alias_of)]).offset + s.within;
        size_t bytes = static_cast<size_t>(s.shape.count()) * sizeof(float);
        CHECK((s.storage != Storage::kArena || at + bytes <= begin || at >= end));
      };
      std::ranges::for_each(plan.steps[n].inputs, apart);
      std::ranges::for_each(plan.steps[n].outputs, apart);
      std::vector<int32_t> made(plan.inputs);
      for (size_t m = 0; m < n; ++m)
        made.insert(made.end(), plan.steps[m].outputs.begin(), plan.steps[m].outputs.end());
      for (size_t m = n + 1; m < plan.steps.size(); ++m) {
        for (int32_t i : plan.steps[m].inputs)
          if (std::ranges::find(made, i) != made.end()) apart(i);
      }
    }
  }
};

Model model_of(int64_t rows) {
  Model m;
  std::vector<float> x(static_cast<size_t>(rows * kColumns));
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i + 1);
  m.add_value(add_input(*m.graph, "x", DType::kFloat32), std::move(x));
  return m;
}

int64_t pieces(const Plan& plan) {
  return std::ranges::count_if(plan.slots, [](const Slot& s) { return s.within != 0; });
}

}  // namespace

TEST_CASE("what a Concat joins is made where it will lie, through chains of them") {
  Model m = model_of(4);
  size_t a = m.neg(0), b = m.neg(a), ab = m.concat({a, b}), c = m.neg(ab), abc = m.concat({ab, c});
  auto plan = m.check({m.neg(abc)});
  CHECK(pieces(*plan) == 2);
}

TEST_CASE("parts of a Split and of a Slice lie in their whole") {
  Model m = model_of(6);
  size_t a = m.neg(0);
  std::vector<size_t> parts = m.split(a, 2);
  size_t sum = m.sum(m.slice(a, 2, 4), parts[0]);
  auto plan = m.check({m.sum(m.concat({parts[1], sum}), a)});
  // The second part in `a`; the slice, and the sum in its place, in what Concat gives.
  CHECK(pieces(*plan) == 3);
}

TEST_CASE("a piece is not overwritten in place while the whole is read") {
  Model m = model_of(6);
  size_t a = m.neg(0);
  std::vector<size_t> parts = m.split(a, 3);
  size_t first = m.neg(parts[0]);
  m.check({m.neg(first), m.sum(parts[1], first), m.neg(a)});
}

TEST_CASE("a value joined twice, an input, and a result are copied") {
  Model m = model_of(4);
  size_t a = m.neg(0), twice = m.concat({a, a, 0});
  m.check({a, twice, m.neg(twice)});
}

TEST_CASE("a piece that would keep its whole for too long is copied, others are not") {
  Model m = model_of(64);
  size_t kept = m.neg(m.slice(0, 0, 32)), a = m.neg(0), b = m.neg(a), c = m.neg(b);
  size_t sum = m.sum(m.sum(a, b), c), late = m.neg(m.slice(sum, 0, 32)), whole = m.concat({kept, late});
  auto plan = m.check({m.sum(whole, sum)});
  // `kept` and three values of twice its size are there at the same time.
  constexpr size_t kHalf = 32 * kColumns * sizeof(float);
  CHECK(plan->arena_bytes == 7 * kHalf);
  CHECK(pieces(*plan) == 2);  // the slice, and `late` in its place
  CHECK(std::ranges::all_of(plan->slots, [](const Slot& s) { return s.within == 0 || s.within == kHalf; }));
}

TEST_CASE("where no piece can lie in its whole, scratch stays apart from values") {
  Model m = model_of(64);
  size_t kept = m.neg(0), a = m.same(kept), b = m.same(a), c = m.same(b);
  size_t sum = m.sum(m.sum(m.same(a), m.same(b)), m.same(c));
  // Larger than scratch, and too large to be there as early as `kept`.
  size_t whole = m.concat({kept, kept, kept, kept, kept});
  CHECK(pieces(*m.check({m.neg(whole), m.neg(sum)})) == 0);
}

TEST_CASE("random graphs of pieces give what their nodes give one by one") {
  std::mt19937 random(29);
  auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
  int64_t shared = 0;
  for (int turn = 0; turn < 300; ++turn) {
    Model m = model_of(static_cast<int64_t>(2 + below(5)));
    m.neg(0);
    for (int node = 0; node < 14; ++node) {
      size_t a = below(m.ids.size()), b = below(m.ids.size());
      int64_t rows = m.rows(a), cut = 1 + static_cast<int64_t>(below(static_cast<size_t>(rows)));
      switch (below(7)) {
        case 0:
          m.neg(a);
          break;
        case 5:
          m.same(a);
          break;
        case 1:
          m.sum(a, m.rows(b) == rows ? b : a);
          break;
        case 2:
        case 3:
          if (rows + m.rows(b) < 40) m.concat({a, b});
          break;
        case 4:
          if (cut < rows) m.split(a, cut);
          break;
        default:
          m.slice(a, static_cast<int64_t>(below(static_cast<size_t>(cut))), cut);
      }
    }
    std::vector<size_t> wanted;
    for (size_t i = 1; i < m.ids.size(); ++i) {
      if (i + 1 == m.ids.size() || below(4) == 0) wanted.push_back(i);
    }
    shared += pieces(*m.check(wanted));
  }
  CHECK(shared > 100);
}
