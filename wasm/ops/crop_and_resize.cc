#include <cmath>

#include "ops/converted.h"

namespace kinglet::ops {

namespace {

struct Params {
  bool nearest;
  float outside;
};

// Sample i of `count` along a region [from, to] of an axis, in elements: corners on corners, one in the
// middle.
template <class T>
T place(T from, T to, int64_t i, int64_t count, int64_t extent) {
  auto last = static_cast<T>(extent - 1);
  if (count == 1) return (from + to) / 2 * last;
  if (i == count - 1) return to * last;
  return from * last + static_cast<T>(i) * ((to - from) * last / static_cast<T>(count - 1));
}

template <class T>
Status run_as(const Params& p, Run& run) {
  const Tensor &in = run.in(0), &rois = run.in(1), &batches = run.in(2), &out = run.out(0);
  int64_t channels = in.shape()[1], height = in.shape()[2], width = in.shape()[3];
  int64_t rows = out.shape()[2], columns = out.shape()[3];
  T* target = out.data<T>();
  for (int64_t r = 0; r < out.shape()[0]; ++r, target += channels * rows * columns) {
    if (run.cancelled()) return fail(Code::kCancelled, "in region ", r);
    int64_t batch = batches.data<int32_t>()[r];
    KL_REQUIRE(batch >= 0 && batch < in.shape()[0], kIndexOutOfRange, "batch_indices[", r, "] is ", batch,
               " of ", in.shape()[0]);
    const T* image = in.data<T>() + batch * channels * height * width;
    const T* roi = rois.data<T>() + r * 4;
    for (int64_t i = 0; i < rows; ++i) {
      T y = place(roi[0], roi[2], i, rows, height);
      for (int64_t j = 0; j < columns; ++j) {
        T x = place(roi[1], roi[3], j, columns, width);
        bool inside = y >= 0 && y <= static_cast<T>(height - 1) && x >= 0 && x <= static_cast<T>(width - 1);
        T fy = p.nearest ? std::round(y) : std::floor(y), fx = p.nearest ? std::round(x) : std::floor(x);
        int64_t y0 = inside ? static_cast<int64_t>(fy) : 0, x0 = inside ? static_cast<int64_t>(fx) : 0;
        int64_t y1 = std::min(y0 + 1, height - 1), x1 = std::min(x0 + 1, width - 1);
        for (int64_t c = 0; c < channels; ++c) {
          const T* plane = image + c * height * width;
          T value = static_cast<T>(p.outside);
          if (inside && p.nearest) {
            value = plane[y0 * width + x0];
          } else if (inside) {
            T upper = plane[y0 * width + x0], lower = plane[y1 * width + x0];
            upper += (plane[y0 * width + x1] - upper) * (x - fx);
            lower += (plane[y1 * width + x1] - lower) * (x - fx);
            value = upper + (lower - upper) * (y - fy);
          }
          target[(c * rows + i) * columns + j] = value;
        }
      }
    }
  }
  return {};
}

Status run(const Params& p, Run& run) {
  return run.out(0).dtype() == DType::kFloat64 ? run_as<double>(p, run) : run_as<float>(p, run);
}

Status infer(InferContext& c) {
  std::string_view mode = c.attributes().get_string("mode", "bilinear");
  KL_REQUIRE(mode == "bilinear" || mode == "nearest", kInvalidGraph, "mode is ", mode);
  const Shape &x = c.shape(0), &rois = c.shape(1);
  KL_REQUIRE(x.rank() == 4, kInvalidShape, "X is ", x, ", expected 4 dimensions");
  KL_REQUIRE(rois.rank() == 2 && rois[1] == 4 && c.shape(2) == (Shape{rois[0]}), kInvalidShape, "rois is ",
             rois, ", batch_indices is ", c.shape(2));
  KL_REQUIRE(c.shape(3) == (Shape{2}), kInvalidShape, "crop_size is ", c.shape(3), ", expected two values");
  const Tensor* size = c.constant(3);
  if (size == nullptr) return c.later();
  int64_t rows = size->data<int32_t>()[0], columns = size->data<int32_t>()[1];
  KL_REQUIRE(rows > 0 && columns > 0, kInvalidArgument, "crop_size is ", rows, " x ", columns);
  c.output(0, c.dtype(0), {rois[0], x[1], rows, columns});
  return {};
}

Status lower(LowerContext& c) {
  Params p{c.attributes().get_string("mode", "bilinear") == "nearest",
           c.attributes().get_float("extrapolation_value")};
  add_float_step<run>(c, "crop_and_resize", c.dtype(0), p);
  return {};
}

}  // namespace

extern const OpDef crop_and_resize{
    .domain = kMicrosoft,
    .name = "CropAndResize",
    .signature =
        "X:T rois:T batch_indices:int32 crop_size:int32 -> Y:T | T=floats | extrapolation_value:f=0 "
        "mode:s='bilinear'",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
