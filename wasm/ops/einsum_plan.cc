#include <algorithm>
#include <string>

#include "ops/einsum.h"

namespace kinglet {

namespace {

constexpr int kLetters = 52, kLabels = kLetters + kMaxRank;

int letter(char c) {
  if (c >= 'a' && c <= 'z') return c - 'a';
  if (c >= 'A' && c <= 'Z') return c - 'A' + 26;
  return -1;
}

// A term's labels in order; an ellipsis is -1, at most one.
Result<std::vector<int>> parse_term(std::string_view term) {
  std::vector<int> out;
  while (!term.empty()) {
    if (term.starts_with("...")) {
      KL_REQUIRE(std::ranges::find(out, -1) == out.end(), kInvalidArgument, "two ellipses in one term");
      out.push_back(-1);
      term.remove_prefix(3);
      continue;
    }
    int label = letter(term.front());
    KL_REQUIRE(label >= 0, kInvalidArgument, "unexpected '", term.substr(0, 1), "' in the equation");
    out.push_back(label);
    term.remove_prefix(1);
  }
  return out;
}

// Puts the labels of `count` dimensions in place of the ellipsis.
void spell_ellipsis(std::vector<int>* term, int count) {
  auto it = std::ranges::find(*term, -1);
  if (it == term->end()) return;
  it = term->erase(it);
  for (int i = 0; i < count; ++i) it = term->insert(it, kLetters + i);
}

}  // namespace

Result<EinsumEquation> parse_einsum(std::string_view given, const std::vector<Shape>& shapes) {
  std::string equation;
  for (char c : given) {
    if (c != ' ') equation.push_back(c);
  }
  std::string_view text = equation, result;
  size_t arrow = text.find("->");
  if (arrow != std::string_view::npos) {
    result = text.substr(arrow + 2);
    text = text.substr(0, arrow);
  }
  EinsumEquation e;
  e.extents.assign(kLabels, 1);
  int uses[kLabels] = {}, hidden = 0;
  for (bool more = true; more;) {
    size_t comma = text.find(',');
    KL_ASSIGN(std::vector<int> term, parse_term(text.substr(0, comma)));
    more = comma != std::string_view::npos;
    if (more) text.remove_prefix(comma + 1);
    size_t i = e.inputs.size();
    KL_REQUIRE(i < shapes.size(), kInvalidArgument, "the equation has more terms than the ", shapes.size(),
               " inputs");
    bool open = std::ranges::find(term, -1) != term.end();
    int named = static_cast<int>(term.size()) - (open ? 1 : 0), rank = shapes[i].rank();
    KL_REQUIRE(open ? named <= rank : named == rank, kInvalidShape, "term ", i, " has ", named,
               " labels for shape ", shapes[i]);
    if (open) hidden = std::max(hidden, rank - named);
    spell_ellipsis(&term, rank - named);
    for (size_t d = 0; d < term.size(); ++d) {
      auto label = static_cast<size_t>(term[d]);
      int64_t extent = shapes[i][d], &known = e.extents[label];
      KL_REQUIRE(extent == known || extent == 1 || known == 1, kInvalidShape, "input ", i, " has extent ",
                 extent, " where others have ", known);
      if (known == 1) known = extent;
      ++uses[label];
    }
    e.inputs.push_back(std::move(term));
  }
  KL_REQUIRE(e.inputs.size() == shapes.size(), kInvalidArgument, "the equation has ", e.inputs.size(),
             " terms for ", shapes.size(), " inputs");
  if (arrow == std::string_view::npos) {
    // Implicit output: the ellipsis, then letters used once, capitals first.
    for (int i = hidden; i-- > 0;) e.output.push_back(kLetters + i);
    for (char c = 'A'; c <= 'z'; ++c) {
      if (letter(c) >= 0 && uses[letter(c)] == 1) e.output.push_back(letter(c));
    }
  } else {
    KL_ASSIGN(e.output, parse_term(result));
    spell_ellipsis(&e.output, hidden);
    for (int label : e.output) {
      KL_REQUIRE(label >= kLetters || uses[label] > 0, kInvalidArgument,
                 "no input has a label of the output");
      KL_REQUIRE(std::ranges::count(e.output, label) == 1, kInvalidArgument, "the output has a label twice");
    }
  }
  KL_REQUIRE(e.output.size() <= kMaxRank, kLimitExceeded, "the result has rank ", e.output.size());
  return e;
}

namespace {

class Planner {
 public:
  Planner(const EinsumEquation& equation, const std::vector<Shape>& shapes) : e_(equation), shapes_(shapes) {}

  Result<EinsumPlan> plan(const Shape& out_shape) {
    EinsumView out = whole(EinsumView::Place::kOutput, 0, e_.output, out_shape);
    EinsumView a;
    for (size_t i = 0; i < e_.inputs.size(); ++i) {
      bool last = i + 1 == e_.inputs.size();
      EinsumView b = input(i);
      if (i == 0 && !last) {
        a = std::move(b);
        continue;
      }
      auto needed = needed_after(i);
      if (i == 0) {
        KL_TRY(sum(b, out));
        break;
      }
      KL_ASSIGN(a, reduced(std::move(a), needed, &b));
      KL_ASSIGN(b, reduced(std::move(b), needed, &a));
      KL_ASSIGN(a, multiplied(std::move(a), std::move(b), needed, last ? &out : nullptr));
    }
    return std::move(plan_);
  }

 private:
  using Labels = std::vector<int>;

  int64_t extent(int label) const { return e_.extents[static_cast<size_t>(label)]; }
  static const EinsumView::Axis* find(const EinsumView& v, int label) {
    auto it = std::ranges::find(v.axes, label, &EinsumView::Axis::label);
    return it == v.axes.end() ? nullptr : &*it;
  }
  static int64_t stride(const EinsumView& v, int label) {
    const EinsumView::Axis* axis = find(v, label);
    return axis ? axis->stride : 0;
  }

  // A dense array with these labels. A repeated label walks along the diagonal.
  EinsumView whole(EinsumView::Place place, size_t at, const Labels& labels, const Shape& shape) const {
    EinsumView v{place, at, {}};
    Shape strides = strides_of(shape);
    for (size_t d = 0; d < labels.size(); ++d) {
      if (shape[d] == 1) continue;
      auto it = std::ranges::find(v.axes, labels[d], &EinsumView::Axis::label);
      if (it == v.axes.end())
        v.axes.push_back({labels[d], strides[d]});
      else
        it->stride += strides[d];
    }
    return v;
  }
  EinsumView input(size_t i) const { return whole(EinsumView::Place::kInput, i, e_.inputs[i], shapes_[i]); }
  // Room in scratch for labels in this order.
  Result<EinsumView> room(const Labels& labels) {
    EinsumView v{EinsumView::Place::kScratch, static_cast<size_t>(plan_.scratch), {}};
    int64_t count = 1;
    for (size_t i = labels.size(); i-- > 0;) {
      v.axes.insert(v.axes.begin(), {labels[i], count});
      KL_ASSIGN(count, checked_mul(count, extent(labels[i])));
    }
    // Stages stay aligned for vectors.
    KL_ASSIGN(count, checked_add(count, int64_t{15}));
    KL_ASSIGN(plan_.scratch, checked_add(plan_.scratch, count / 16 * 16));
    KL_REQUIRE(plan_.scratch < int64_t{1} << 40, kLimitExceeded, "an intermediate has ", count, " elements");
    return v;
  }
  std::vector<bool> needed_after(size_t i) const {
    std::vector<bool> needed(kLabels);
    for (int label : e_.output) needed[static_cast<size_t>(label)] = true;
    for (size_t k = i + 1; k < e_.inputs.size(); ++k) {
      for (int label : e_.inputs[k]) needed[static_cast<size_t>(label)] = true;
    }
    return needed;
  }

  // c = a summed over what c lacks.
  Status sum(const EinsumView& a, const EinsumView& c) {
    EinsumStage stage;
    stage.a = a;
    stage.c = c;
    for (const auto& axis : c.axes)
      stage.kept.push_back({extent(axis.label), stride(a, axis.label), 0, axis.stride});
    for (const auto& axis : a.axes) {
      if (!find(c, axis.label)) stage.summed.push_back({extent(axis.label), axis.stride, 0, 0});
    }
    plan_.stages.push_back(std::move(stage));
    return {};
  }

  // `v` without labels that neither `other` nor anything later has.
  Result<EinsumView> reduced(EinsumView v, const std::vector<bool>& needed, const EinsumView* other) {
    Labels kept;
    for (const auto& axis : v.axes) {
      if (needed[static_cast<size_t>(axis.label)] || find(*other, axis.label)) kept.push_back(axis.label);
    }
    return kept.size() == v.axes.size() ? std::move(v) : arranged(v, kept);
  }
  Result<EinsumView> arranged(const EinsumView& v, const Labels& labels) {
    KL_ASSIGN(EinsumView out, room(labels));
    KL_TRY(sum(v, out));
    return out;
  }

  // Whether the labels make one axis in this order; *step is the distance of its indices.
  bool is_one_axis(const EinsumView& v, const Labels& labels, int64_t* step) const {
    *step = labels.empty() ? 0 : stride(v, labels.back());
    for (size_t i = labels.size(); i-- > 1;) {
      if (stride(v, labels[i - 1]) != stride(v, labels[i]) * extent(labels[i])) return false;
    }
    return true;
  }
  int64_t count(const Labels& labels) const {
    int64_t n = 1;
    for (int label : labels) n *= extent(label);
    return n;
  }
  static Labels joined(const Labels& a, const Labels& b, const Labels& c) {
    Labels out = a;
    out.insert(out.end(), b.begin(), b.end());
    out.insert(out.end(), c.begin(), c.end());
    return out;
  }

  // a times b; into `out` where that is given.
  Result<EinsumView> multiplied(EinsumView a, EinsumView b, const std::vector<bool>& needed,
                                const EinsumView* out) {
    Labels batch, summed, rows, columns;
    for (const auto& axis : a.axes) {
      bool both = find(b, axis.label) != nullptr;
      (both ? needed[static_cast<size_t>(axis.label)] ? batch : summed : rows).push_back(axis.label);
    }
    for (const auto& axis : b.axes) {
      if (!find(a, axis.label)) columns.push_back(axis.label);
    }
    // C's columns must be adjacent: B's own labels, or else A's with the operands exchanged.
    auto fits = [&](const EinsumView& c, const Labels& r, const Labels& n) {
      int64_t step;
      return is_one_axis(c, r, &step) && is_one_axis(c, n, &step) && (n.empty() || step == 1);
    };
    EinsumView c;
    bool direct = out != nullptr && fits(*out, rows, columns);
    if (out != nullptr && !direct && fits(*out, columns, rows)) {
      std::swap(a, b);
      std::swap(rows, columns);
      direct = true;
    }
    if (out != nullptr && rows.empty() && columns.empty()) direct = true;
    if (direct) {
      c = *out;
    } else {
      KL_ASSIGN(c, room(joined(batch, rows, columns)));
    }
    EinsumStage stage;
    stage.binary = true;
    if (rows.empty() && columns.empty()) {
      for (int label : summed) stage.summed.push_back({extent(label), stride(a, label), stride(b, label), 0});
    } else {
      stage.product = true;
      int64_t step;
      if (!is_one_axis(a, rows, &step) || !is_one_axis(a, summed, &step)) {
        KL_ASSIGN(a, arranged(a, joined(batch, rows, summed)));
      }
      if (!is_one_axis(b, columns, &step) || !is_one_axis(b, summed, &step)) {
        KL_ASSIGN(b, arranged(b, joined(batch, summed, columns)));
      }
      stage.m = count(rows), stage.n = count(columns), stage.k = count(summed);
      is_one_axis(a, rows, &stage.a_row), is_one_axis(a, summed, &stage.a_column);
      is_one_axis(b, summed, &stage.b_row), is_one_axis(b, columns, &stage.b_column);
      is_one_axis(c, rows, &stage.c_row);
      if (rows.empty()) stage.c_row = stage.n, stage.a_row = stage.k;
      if (columns.empty()) stage.b_column = 1;
      if (summed.empty()) stage.a_column = 1, stage.b_row = stage.n;
    }
    for (int label : batch)
      stage.kept.push_back({extent(label), stride(a, label), stride(b, label), stride(c, label)});
    stage.a = std::move(a);
    stage.b = std::move(b);
    stage.c = c;
    plan_.stages.push_back(std::move(stage));
    if (out != nullptr && !direct) KL_TRY(sum(c, *out));
    return c;
  }

  const EinsumEquation& e_;
  const std::vector<Shape>& shapes_;
  EinsumPlan plan_;
};

}  // namespace

Result<EinsumPlan> plan_einsum(const EinsumEquation& equation, const std::vector<Shape>& shapes,
                               const Shape& out) {
  return Planner(equation, shapes).plan(out);
}

}  // namespace kinglet
