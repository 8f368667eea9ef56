#include <limits>

#include "ops/context.h"

namespace kinglet::ops {

namespace {

struct Params {
  int64_t rows, columns;
};

// Costs of the best paths to (r, c) in a table with a border, and from where they come: 0 both, 1 above, 2
// left. Of equal costs the later of these is not taken.
Status run(const Params& p, Run& run) {
  const float* cost = run.in(0).data<float>();
  int64_t width = p.columns + 1, cells = (p.rows + 1) * width;
  auto* best = reinterpret_cast<float*>(run.scratch());
  auto* from = reinterpret_cast<uint8_t*>(best + cells);
  constexpr float kNone = std::numeric_limits<float>::infinity();
  std::fill_n(best, cells, kNone);
  std::fill_n(from, cells, uint8_t{2});
  best[0] = 0;
  for (int64_t r = 1; r <= p.rows; ++r) {
    if (run.cancelled()) return fail(Code::kCancelled, "in row ", r);
    for (int64_t c = 1; c <= p.columns; ++c) {
      int64_t at = r * width + c;
      float both = best[at - width - 1], above = best[at - width], left = best[at - 1];
      uint8_t way = both < above && both < left ? 0 : above < both && above < left ? 1 : 2;
      best[at] = cost[(r - 1) * p.columns + c - 1] + (way == 0 ? both : way == 1 ? above : left);
      from[at] = way;
    }
  }
  // Along the border there is one way only.
  for (int64_t c = 0; c < width; ++c) from[c] = 2;
  for (int64_t r = 1; r <= p.rows; ++r) from[r * width] = 1;
  auto walk = [&](auto visit) {
    int64_t length = 0;
    for (int64_t r = p.rows, c = p.columns; r > 0 || c > 0; ++length) {
      visit(r - 1, c - 1, length);
      uint8_t way = from[r * width + c];
      if (way != 2) --r;
      if (way != 1) --c;
    }
    return length;
  };
  int64_t length = walk([](int64_t, int64_t, int64_t) {});
  KL_ASSIGN(Tensor out, run.alloc_out(0, DType::kInt32, {2, length}));
  walk([&](int64_t r, int64_t c, int64_t step) {
    out.data<int32_t>()[length - 1 - step] = static_cast<int32_t>(r);
    out.data<int32_t>()[2 * length - 1 - step] = static_cast<int32_t>(c);
  });
  return {};
}

Status infer(InferContext& c) {
  const Shape& x = c.shape(0);
  KL_REQUIRE(x.rank() == 2 || (x.rank() == 3 && x[0] == 1), kInvalidShape, "input is ", x,
             ", expected one matrix of costs");
  KL_REQUIRE(x.count() > 0 && x.at(-1) < (1 << 30) && x.at(-2) < (1 << 30), kInvalidShape, "input is ", x);
  c.output_unknown(0, DType::kInt32);
  return {};
}

Status lower(LowerContext& c) {
  Params p{c.shape(0).at(-2), c.shape(0).at(-1)};
  KL_ASSIGN(size_t bytes, checked_narrow<size_t>((p.rows + 1) * (p.columns + 1) * 5));
  c.scratch(bytes);
  c.step<run>("dynamic_time_warping", p);
  return {};
}

}  // namespace

extern const OpDef dynamic_time_warping{.domain = kMicrosoft,
                                        .name = "DynamicTimeWarping",
                                        .signature = "input:float32 -> output:int32",
                                        .infer = infer,
                                        .lower = lower};

}  // namespace kinglet::ops
