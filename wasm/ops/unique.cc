#include <algorithm>
#include <numeric>

#include "kernels/gather/gather.h"
#include "kernels/order/compare.h"
#include "ops/converted.h"
#include "ops/element.h"

namespace kinglet::ops {

namespace {

struct Params {
  DType dtype;  // of the elements that a byte each stands for, when it has less
  int axis;     // -1: the input as one row of elements
  bool sorted;
  bool wanted[4];
};

// The entries along `axis` of [outer, count, run]; each is outer * run elements.
struct Entries {
  const Tensor& in;
  int64_t outer, count, run;
  kernels::Compare compare;
  int64_t step;  // bytes of an element

  int order(int64_t a, int64_t b) const {
    for (int64_t o = 0; o < outer; ++o) {
      const std::byte* x = in.data() + (o * count + a) * run * step;
      const std::byte* y = in.data() + (o * count + b) * run * step;
      for (int64_t i = 0; i < run; ++i, x += step, y += step) {
        if (int c = compare(x, y); c != 0) return c;
      }
    }
    return 0;
  }
};

Status run(const Params& p, Run& run) {
  const Tensor& in = run.in(0);
  Shape shape = p.axis < 0 ? Shape{in.count()} : in.shape();
  int axis = std::max(p.axis, 0);
  Entries entries{in,
                  shape.count(0, axis),
                  shape.at(axis),
                  p.axis < 0 ? 1 : shape.count(axis + 1),
                  kernels::compare_of(p.dtype),
                  kernels::element_step(element_bytes(in.dtype()))};
  int64_t n = entries.count;
  KL_REQUIRE(entries.compare != nullptr, kUnsupportedType, "elements of ", in.dtype(), " have no order");
  // Entries in order, equal ones by position; then the first of each group and the group of each entry.
  auto* order = reinterpret_cast<int64_t*>(run.scratch());
  int64_t *first = order + n, *group = first + n, *rank = group + n;
  std::iota(order, order + n, 0);
  std::sort(order, order + n, [&](int64_t a, int64_t b) {
    int c = entries.order(a, b);
    return c != 0 ? c < 0 : a < b;
  });
  int64_t groups = 0;
  for (int64_t i = 0; i < n; ++i) {
    if (i == 0 || entries.order(order[i - 1], order[i]) != 0) first[groups++] = order[i];
    group[order[i]] = groups - 1;
  }
  if (!p.sorted) {
    // Groups by first appearance: order[g] is the group at place g, rank the opposite.
    std::iota(order, order + groups, 0);
    std::sort(order, order + groups, [&](int64_t a, int64_t b) { return first[a] < first[b]; });
    for (int64_t g = 0; g < groups; ++g) rank[order[g]] = g;
    for (int64_t i = 0; i < n; ++i) group[i] = rank[group[i]];
    std::sort(first, first + groups);
  }

  auto allocate = [&](int i, int64_t count) { return run.alloc_out(i, DType::kInt64, {count}); };
  if (p.wanted[1]) {
    KL_ASSIGN(Tensor t, allocate(1, groups));
    std::copy_n(first, groups, t.data<int64_t>());
  }
  if (p.wanted[2]) {
    KL_ASSIGN(Tensor t, allocate(2, n));
    std::copy_n(group, n, t.data<int64_t>());
  }
  if (p.wanted[3]) {
    KL_ASSIGN(Tensor t, allocate(3, groups));
    std::fill_n(t.data<int64_t>(), groups, 0);
    for (int64_t i = 0; i < n; ++i) ++t.data<int64_t>()[group[i]];
  }
  if (p.wanted[0]) {
    shape[static_cast<size_t>(axis)] = groups;
    KL_ASSIGN(Tensor t, run.alloc_out(0, in.dtype(), shape));
    for (int64_t g = 0; g < groups; ++g) first[g] *= entries.run;
    kernels::GatherRuns g{.bytes = element_bytes(in.dtype()),
                          .outer = entries.outer,
                          .source_step = n * entries.run,
                          .count = groups,
                          .run = entries.run};
    if (t.count() != 0) kernels::gather_runs(g, in.data(), first, t.data(), run.parallel());
  }
  return {};
}

Result<int> axis_of(const OpContext& c) {
  if (!c.attributes().has("axis")) return -1;
  return normalize_axis(c.attributes().get_int("axis"), c.rank(0));
}

Status infer(InferContext& c) {
  KL_ASSIGN([[maybe_unused]] int axis, axis_of(c));
  c.output_unknown(0, c.dtype(0));
  for (int i = 1; i < 4; ++i) c.output_unknown(i, DType::kInt64);
  return {};
}

Status lower(LowerContext& c) {
  Params p{c.dtype(0), 0, c.attributes().get_int("sorted", 1) != 0, {}};
  KL_ASSIGN(p.axis, axis_of(c));
  for (int i = 0; i < 4; ++i) p.wanted[i] = c.has_output(i);
  int64_t n = p.axis < 0 ? c.shape(0).count() : c.shape(0).at(p.axis);
  KL_ASSIGN(size_t bytes, checked_narrow<size_t>(std::max<int64_t>(n, 1) * 32));
  c.scratch(bytes);
  add_move_step<run>(c, "unique", c.dtype(0), p);
  return {};
}

}  // namespace

extern const OpDef unique{
    .domain = kOnnx,
    .name = "Unique",
    .signature = "X:T -> Y:T indices:int64 inverse_indices:int64 counts:int64 | T=all | axis:i sorted:i=1",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
