#include <algorithm>
#include <cmath>

#include "ops/converted.h"

namespace kinglet::ops {

namespace {

struct Params {
  int64_t height, width;
  double scale;
};

// Rows of one bin: [begin, end) of `extent`, for a region that starts at `start` and is divided into bins of
// `size`.
struct Bin {
  int64_t begin, end;
  Bin(int64_t index, double size, int64_t start, int64_t extent) {
    begin = std::clamp<int64_t>(static_cast<int64_t>(std::floor(static_cast<double>(index) * size)) + start,
                                0, extent);
    end = std::clamp<int64_t>(static_cast<int64_t>(std::ceil(static_cast<double>(index + 1) * size)) + start,
                              0, extent);
  }
};

template <class T>
Status pool(const Params& p, Run& run) {
  const Tensor &in = run.in(0), &rois = run.in(1), &out = run.out(0);
  int64_t channels = in.shape()[1], height = in.shape()[2], width = in.shape()[3];
  T* target = out.data<T>();
  for (int64_t r = 0; r < rois.shape()[0]; ++r) {
    const T* roi = rois.data<T>() + r * 5;
    KL_REQUIRE(roi[0] >= 0 && roi[0] < static_cast<T>(in.shape()[0]), kIndexOutOfRange, "region ", r,
               " names the picture ", static_cast<double>(roi[0]), " of ", in.shape()[0]);
    auto batch = static_cast<int64_t>(roi[0]);
    int64_t corner[4];
    for (int i = 0; i < 4; ++i) {
      double place = std::round(static_cast<double>(roi[i + 1]) * p.scale);
      KL_REQUIRE(std::abs(place) < 1e12, kInvalidArgument, "region ", r, " lies at ", place);
      corner[i] = static_cast<int64_t>(place);
    }
    double bin_width =
        static_cast<double>(std::max<int64_t>(corner[2] - corner[0] + 1, 1)) / static_cast<double>(p.width);
    double bin_height =
        static_cast<double>(std::max<int64_t>(corner[3] - corner[1] + 1, 1)) / static_cast<double>(p.height);
    for (int64_t c = 0; c < channels; ++c) {
      const T* plane = in.data<T>() + (batch * channels + c) * height * width;
      for (int64_t i = 0; i < p.height * p.width; ++i) {
        Bin rows(i / p.width, bin_height, corner[1], height),
            columns(i % p.width, bin_width, corner[0], width);
        bool any = rows.begin < rows.end && columns.begin < columns.end;
        T best = any ? plane[rows.begin * width + columns.begin] : T{0};
        for (int64_t y = rows.begin; y < rows.end; ++y) {
          for (int64_t x = columns.begin; x < columns.end; ++x) best = std::max(best, plane[y * width + x]);
        }
        *target++ = best;
      }
    }
  }
  return {};
}

Status run(const Params& p, Run& run) {
  return run.out(0).dtype() == DType::kFloat64 ? pool<double>(p, run) : pool<float>(p, run);
}

Status infer(InferContext& c) {
  const Shape &in = c.shape(0), &rois = c.shape(1);
  auto pooled = c.attributes().get_ints("pooled_shape");
  KL_REQUIRE(in.rank() == 4 && rois.rank() == 2 && rois[1] == 5, kInvalidShape, "X ", in, " and rois ", rois,
             " do not fit");
  KL_REQUIRE(pooled.size() == 2, kInvalidGraph, "pooled_shape has ", pooled.size(), " entries");
  for (int64_t v : pooled)
    KL_REQUIRE(v >= 1 && v < int64_t{1} << 24, kInvalidArgument, "pooled_shape has ", v);
  c.output(0, c.dtype(0), {rois[0], in[1], pooled[0], pooled[1]});
  return {};
}

Status lower(LowerContext& c) {
  auto pooled = c.attributes().get_ints("pooled_shape");
  Params p{pooled[0], pooled[1], static_cast<double>(c.attributes().get_float("spatial_scale", 1))};
  add_float_step<run>(c, "sample/roi_pool", c.dtype(0), p);
  return {};
}

}  // namespace

extern const OpDef max_roi_pool{
    .domain = kOnnx,
    .name = "MaxRoiPool",
    .signature = "X:T rois:T -> Y:T | T=floats | pooled_shape:is! spatial_scale:f=1",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
