#include "kernels/copy/element.h"
#include "ops/converted.h"
#include "ops/element.h"

namespace kinglet::ops {

namespace {

struct Params {
  bool upper;
};

Status run(const Params& p, Run& run) {
  const Tensor &in = run.in(0), &out = run.out(0);
  int64_t rows = out.shape().at(-2), columns = out.shape().at(-1);
  int64_t k = run.has_in(1) ? *run.in(1).data<int64_t>() : 0;
  k = std::clamp(k, -rows, columns);
  int bytes = element_bytes(out.dtype());
  kernels::with_element(bytes, [&]<class T>() {
    auto body = [&](size_t begin, size_t end) {
      for (auto r = static_cast<int64_t>(begin); r < static_cast<int64_t>(end); ++r) {
        const T* source = in.data<T>() + r * columns;
        T* target = out.data<T>() + r * columns;
        // Upper: kept from the diagonal on; lower: kept up to it.
        int64_t split = std::clamp<int64_t>(r % rows + k + (p.upper ? 0 : 1), 0, columns);
        int64_t from = p.upper ? split : 0, to = p.upper ? columns : split;
        if (source != target) kernels::copy_run(bytes, source + from, target + from, to - from);
        std::fill(target, target + from, T{});
        std::fill(target + to, target + columns, T{});
      }
    };
    parallel_for(run.parallel(), static_cast<size_t>(out.count() / columns),
                 static_cast<size_t>(16384 / columns + 1), body);
  });
  return {};
}

Status infer(InferContext& c) {
  KL_REQUIRE(c.rank(0) >= 2, kInvalidShape, "input ", c.shape(0), " needs at least two dimensions");
  KL_REQUIRE(!c.has_input(1) || c.shape(1).count() == 1, kInvalidShape, "k must be a scalar, its shape is ",
             c.shape(1));
  c.output(0, c.dtype(0), c.shape(0));
  return {};
}

Status lower(LowerContext& c) {
  c.in_place(0, 0);
  add_move_step<run>(c, "trilu", c.dtype(0), Params{c.attributes().get_int("upper", 1) != 0});
  return {};
}

}  // namespace

extern const OpDef trilu{.domain = kOnnx,
                         .name = "Trilu",
                         .signature = "input:T k:int64? -> output:T | T=all | upper:i=1",
                         .infer = infer,
                         .lower = lower};

}  // namespace kinglet::ops
