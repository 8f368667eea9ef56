#include <algorithm>
#include <cmath>

#include "ops/converted.h"

namespace kinglet::ops {

namespace {

struct Params {
  bool maximum, half_pixel;
  int64_t height, width, sampling_ratio;
  double scale;
};

// Samples outside [-1, extent] are zero; others are clamped to the edge.
template <class T>
struct Sampler {
  const T* plane;
  int64_t height, width;

  // The four weighted neighbours.
  void at(T y, T x, T out[4]) const {
    std::fill_n(out, 4, T{0});
    if (!(y >= -1 && y <= static_cast<T>(height) && x >= -1 && x <= static_cast<T>(width))) return;
    y = std::clamp(y, T{0}, static_cast<T>(height - 1));
    x = std::clamp(x, T{0}, static_cast<T>(width - 1));
    auto y0 = static_cast<int64_t>(y), x0 = static_cast<int64_t>(x);
    int64_t y1 = std::min(y0 + 1, height - 1), x1 = std::min(x0 + 1, width - 1);
    T ly = y - static_cast<T>(y0), lx = x - static_cast<T>(x0);
    out[0] = (1 - ly) * (1 - lx) * plane[y0 * width + x0];
    out[1] = (1 - ly) * lx * plane[y0 * width + x1];
    out[2] = ly * (1 - lx) * plane[y1 * width + x0];
    out[3] = ly * lx * plane[y1 * width + x1];
  }
};

template <class T>
Status align(const Params& p, Run& run) {
  const Tensor &in = run.in(0), &rois = run.in(1), &batches = run.in(2), &out = run.out(0);
  int64_t channels = in.shape()[1], height = in.shape()[2], width = in.shape()[3];
  T* target = out.data<T>();
  T offset = p.half_pixel ? T{0.5} : T{0}, scale = static_cast<T>(p.scale);
  for (int64_t r = 0; r < rois.shape()[0]; ++r) {
    if (run.cancelled()) return fail(Code::kCancelled, "in region ", r);
    int64_t batch = batches.data<int64_t>()[r];
    KL_REQUIRE(batch >= 0 && batch < in.shape()[0], kIndexOutOfRange, "batch_indices[", r, "] is ", batch,
               " of ", in.shape()[0]);
    const T* roi = rois.data<T>() + r * 4;
    T x1 = roi[0] * scale - offset, y1 = roi[1] * scale - offset;
    T roi_width = roi[2] * scale - offset - x1, roi_height = roi[3] * scale - offset - y1;
    if (!p.half_pixel) roi_width = std::max(roi_width, T{1}), roi_height = std::max(roi_height, T{1});
    T bin_height = roi_height / static_cast<T>(p.height), bin_width = roi_width / static_cast<T>(p.width);
    auto samples = [&](T bin) -> int64_t {
      if (p.sampling_ratio > 0) return p.sampling_ratio;
      T count = std::ceil(bin);
      return count >= 1 && count < T{1 << 20} ? static_cast<int64_t>(count) : count >= 1 ? 1 << 20 : 0;
    };
    int64_t rows = samples(bin_height), columns = samples(bin_width);
    KL_REQUIRE(rows * columns <= 1 << 24, kLimitExceeded, "region ", r, " asks for ", rows * columns,
               " samples");
    for (int64_t c = 0; c < channels; ++c) {
      Sampler<T> sampler{in.data<T>() + (batch * channels + c) * height * width, height, width};
      for (int64_t i = 0; i < p.height * p.width; ++i) {
        int64_t row = i / p.width, column = i % p.width;
        T top = y1 + static_cast<T>(row) * bin_height, left = x1 + static_cast<T>(column) * bin_width;
        T value = 0;
        for (int64_t s = 0; s < rows * columns; ++s) {
          int64_t down = s / columns, across = s % columns;
          T y = top + (static_cast<T>(down) + T{0.5}) * bin_height / static_cast<T>(rows);
          T x = left + (static_cast<T>(across) + T{0.5}) * bin_width / static_cast<T>(columns), near[4];
          sampler.at(y, x, near);
          if (p.maximum) {
            T largest = std::max(std::max(near[0], near[1]), std::max(near[2], near[3]));
            value = s == 0 ? largest : std::max(value, largest);
          } else {
            value += near[0] + near[1] + near[2] + near[3];
          }
        }
        *target++ = p.maximum ? value : value / static_cast<T>(std::max<int64_t>(rows * columns, 1));
      }
    }
  }
  return {};
}

Status run(const Params& p, Run& run) {
  return run.out(0).dtype() == DType::kFloat64 ? align<double>(p, run) : align<float>(p, run);
}

Result<Params> read(const OpContext& c) {
  std::string_view mode = c.attributes().get_string("mode", "avg"),
                   coordinates = c.attributes().get_string("coordinate_transformation_mode", "half_pixel");
  KL_REQUIRE(mode == "avg" || mode == "max", kInvalidGraph, "mode is ", mode);
  KL_REQUIRE(coordinates == "half_pixel" || coordinates == "output_half_pixel", kInvalidGraph,
             "coordinate_transformation_mode is ", coordinates);
  Params p{mode == "max",
           coordinates == "half_pixel",
           c.attributes().get_int("output_height", 1),
           c.attributes().get_int("output_width", 1),
           c.attributes().get_int("sampling_ratio"),
           static_cast<double>(c.attributes().get_float("spatial_scale", 1))};
  for (int64_t v : {p.height, p.width})
    KL_REQUIRE(v >= 1 && v < int64_t{1} << 24, kInvalidArgument, "an output extent is ", v);
  KL_REQUIRE(p.sampling_ratio >= 0 && p.sampling_ratio < 4096, kInvalidArgument, "sampling_ratio is ",
             p.sampling_ratio);
  return p;
}

Status infer(InferContext& c) {
  const Shape &in = c.shape(0), &rois = c.shape(1);
  KL_ASSIGN(Params p, read(c));
  KL_REQUIRE(in.rank() == 4 && rois.rank() == 2 && rois[1] == 4 && c.shape(2) == Shape{rois[0]},
             kInvalidShape, "X ", in, ", rois ", rois, " and batch_indices ", c.shape(2), " do not fit");
  KL_REQUIRE(in[2] > 0 && in[3] > 0, kInvalidShape, "X ", in, " has nothing to sample");
  c.output(0, c.dtype(0), {rois[0], in[1], p.height, p.width});
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(Params p, read(c));
  add_float_step<run>(c, "sample/roi_align", c.dtype(0), p);
  return {};
}

}  // namespace

extern const OpDef roi_align{
    .domain = kOnnx,
    .name = "RoiAlign",
    .signature =
        "X:T rois:T batch_indices:int64 -> Y:T | T=floats | coordinate_transformation_mode:s='half_pixel' "
        "mode:s='avg' output_height:i=1 output_width:i=1 sampling_ratio:i=0 spatial_scale:f=1",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
