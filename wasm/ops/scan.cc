#include <algorithm>

#include "ops/sequence.h"

namespace kinglet::ops {

namespace {

// Entry i of a list attribute that may be absent.
int64_t entry(const EvalContext& c, std::string_view name, size_t i) {
  auto list = c.attributes().get_ints(name);
  return i < list.size() ? list[i] : 0;
}

// `axis` becomes the first one, or the first one becomes `axis`.
Result<Tensor> move_axis(EvalContext& c, const Tensor& t, int axis, bool to_front) {
  if (axis == 0) return t;
  std::vector<int64_t> order;
  for (int i = 0; i < t.rank(); ++i) {
    if (to_front)
      order.push_back(i == 0 ? axis : i <= axis ? i - 1 : i);
    else
      order.push_back(i < axis ? i + 1 : i == axis ? 0 : i);
  }
  Attributes attributes;
  attributes.set("perm", std::move(order));
  const Value inputs[] = {t};
  KL_ASSIGN(std::vector<Value> out, c.apply("Transpose", inputs, std::move(attributes)));
  return *out[0].tensor();
}

Status check_lengths(const EvalContext& c, size_t scanned, size_t outputs) {
  for (std::string_view name : {"scan_input_axes", "scan_input_directions"})
    KL_REQUIRE(c.attributes().get_ints(name).size() <= scanned, kInvalidGraph, name,
               " has more entries than there are ", "scan inputs");
  for (std::string_view name : {"scan_output_axes", "scan_output_directions"})
    KL_REQUIRE(c.attributes().get_ints(name).size() <= outputs, kInvalidGraph, name,
               " has more entries than there are ", "scan outputs");
  return {};
}

Status eval(EvalContext& c) {
  int64_t declared = c.attributes().get_int("num_scan_inputs");
  KL_REQUIRE(declared >= 1 && declared <= c.input_count(), kInvalidGraph, "num_scan_inputs is ", declared,
             " of ", c.input_count(), " inputs");
  auto scanned = static_cast<size_t>(declared), states = static_cast<size_t>(c.input_count()) - scanned;
  const Graph& body = *c.node().subgraphs[0].graph;
  KL_REQUIRE(body.outputs.size() >= states && static_cast<size_t>(c.output_count()) <= body.outputs.size(),
             kInvalidGraph, "the body has ", body.outputs.size(), " outputs, the node has ",
             c.output_count());
  KL_TRY(check_lengths(c, scanned, body.outputs.size() - states));

  std::vector<Value> state, results;
  std::vector<Tensor> sources;
  int64_t length = 0;
  for (size_t i = 0; i < states; ++i) state.push_back(c.input(static_cast<int>(i)));
  for (size_t i = 0; i < scanned; ++i) {
    KL_ASSIGN(Tensor t, c.tensor(static_cast<int>(states + i)));
    KL_ASSIGN(int axis, normalize_axis(entry(c, "scan_input_axes", i), t.rank()));
    KL_REQUIRE(i == 0 || t.shape().at(axis) == length, kInvalidShape, "scan input ", i, " has the length ",
               t.shape().at(axis), ", scan input 0 has ", length);
    length = t.shape().at(axis);
    KL_ASSIGN(t, move_axis(c, t, axis, true));
    sources.push_back(t);
  }
  std::vector<std::vector<Value>> collected(body.outputs.size() - states);
  for (int64_t at = 0; at < length; ++at) {
    if (c.cancelled()) return fail(Code::kCancelled, "in iteration ", at);
    std::vector<Value> inputs = state;
    for (size_t i = 0; i < scanned; ++i) {
      bool backward = entry(c, "scan_input_directions", i) != 0;
      KL_ASSIGN(Tensor t, entry_of(c, sources[i], backward ? length - 1 - at : at));
      inputs.emplace_back(t);
    }
    KL_TRY(c.call(0, inputs, &results));
    KL_REQUIRE(results.size() == body.outputs.size(), kInternal, "the body gave ", results.size(), " values");
    for (size_t i = 0; i < states; ++i) state[i] = std::move(results[i]);
    for (size_t i = 0; i < collected.size(); ++i) collected[i].push_back(std::move(results[states + i]));
  }
  for (size_t i = 0; i < static_cast<size_t>(c.output_count()); ++i) {
    if (i < states) {
      c.output(static_cast<int>(i), std::move(state[i]));
    } else if (c.node().output(i) != kNoValue) {
      std::vector<Value>& list = collected[i - states];
      if (entry(c, "scan_output_directions", i - states) != 0) std::ranges::reverse(list);
      KL_ASSIGN(Tensor t, stack_results(c, i, list));
      KL_ASSIGN(int axis, normalize_axis(entry(c, "scan_output_axes", i - states), t.rank()));
      KL_ASSIGN(t, move_axis(c, t, axis, false));
      c.output(static_cast<int>(i), t);
    }
  }
  return {};
}

}  // namespace

extern const OpDef scan{.domain = kOnnx,
                        .name = "Scan",
                        .signature =
                            "initial_state_and_scan_inputs:any# -> final_state_and_scan_outputs:any# | | "
                            "body:g! num_scan_inputs:i! scan_input_axes:is scan_input_directions:is "
                            "scan_output_axes:is scan_output_directions:is",
                        .eval = eval};

}  // namespace kinglet::ops
