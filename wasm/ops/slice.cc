#include "ops/axes.h"
#include "ops/boxes.h"

namespace kinglet::ops {

namespace {

struct Region {
  Shape start, step, extent;
};

// Null region: a value is not known yet.
Status region_of(const OpContext& c, Region* region, bool* known) {
  Shape lists[4];  // starts, ends, axes, steps
  *known = true;
  for (int i = 0; i < 4; ++i) {
    if (!c.has_input(i + 1)) continue;
    const Tensor* list = c.constant(i + 1);
    if (list == nullptr) {
      *known = false;
      return {};
    }
    KL_ASSIGN(lists[i], list->to_ints());
  }
  const Shape& in = c.shape(0);
  const Shape& starts = lists[0];
  if (!c.has_input(3)) {
    for (int i = 0; i < starts.rank(); ++i) lists[2].push_back(i);
  }
  if (!c.has_input(4)) lists[3] = Shape::filled(starts.rank(), 1);
  KL_REQUIRE(lists[1].rank() == starts.rank() && lists[2].rank() == starts.rank() &&
                 lists[3].rank() == starts.rank(),
             kInvalidShape, "starts, ends, axes and steps have ", starts.rank(), ", ", lists[1].rank(), ", ",
             lists[2].rank(), " and ", lists[3].rank(), " entries");
  KL_ASSIGN(Shape axes, normalize_axes(lists[2], in.rank()));
  region->start = Shape::filled(in.rank(), 0);
  region->step = Shape::filled(in.rank(), 1);
  region->extent = in;
  for (size_t i = 0; i < starts.size(); ++i) {
    auto axis = static_cast<size_t>(axes[i]);
    int64_t step = lists[3][i], extent = in[axis], start = starts[i], end = lists[1][i];
    KL_REQUIRE(step != 0, kInvalidArgument, "step 0 on axis ", axes[i]);
    // With a negative step, -1 stands for "before the first element".
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? extent : extent - 1;
    auto place = [&](int64_t at) { return std::clamp(at < 0 ? at + extent : at, low, high); };
    start = place(start);
    end = place(end);
    int64_t distance = step > 0 ? end - start : start - end;
    // As unsigned, since the smallest step has no positive counterpart.
    uint64_t stride = step > 0 ? static_cast<uint64_t>(step) : 0 - static_cast<uint64_t>(step);
    uint64_t count = distance <= 0 ? 0 : (static_cast<uint64_t>(distance) - 1) / stride + 1;
    region->start[axis] = start;
    region->step[axis] = count > 1 ? step : 1;
    region->extent[axis] = static_cast<int64_t>(count);
  }
  return {};
}

Status infer(InferContext& c) {
  Region region;
  bool known = false;
  KL_TRY(region_of(c, &region, &known));
  if (!known) return c.later();
  c.output(0, c.dtype(0), region.extent);
  return {};
}

Status lower(LowerContext& c) {
  Region region;
  bool known = false;
  KL_TRY(region_of(c, &region, &known));
  Shape in_strides = strides_of(c.shape(0)), out_strides = strides_of(c.out_shape(0));
  kernels::Box box;
  for (size_t i = 0; i < in_strides.size(); ++i) {
    box.add(region.extent[i], region.step[i] * in_strides[i], out_strides[i]);
    box.source_offset += region.start[i] * in_strides[i];
  }
  add_box_step(c, "copy/slice", std::move(box));
  return {};
}

}  // namespace

extern const OpDef slice{
    .domain = kOnnx,
    .name = "Slice",
    .signature = "data:T starts:I ends:I axes:I? steps:I? -> output:T | T=all I=int32,int64",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
