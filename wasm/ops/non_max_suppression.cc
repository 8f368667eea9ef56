#include <algorithm>

#include "ops/context.h"

namespace kinglet::ops {

namespace {

struct Params {
  bool center_point;
};

struct Corners {
  float x1, y1, x2, y2;
  float area() const { return (x2 - x1) * (y2 - y1); }
};

Corners corners_of(const float* b, bool center_point) {
  if (center_point) return {b[0] - b[2] / 2, b[1] - b[3] / 2, b[0] + b[2] / 2, b[1] + b[3] / 2};
  return {std::min(b[1], b[3]), std::min(b[0], b[2]), std::max(b[1], b[3]), std::max(b[0], b[2])};
}

bool overlaps(const Corners& a, const Corners& b, float threshold) {
  float width = std::min(a.x2, b.x2) - std::max(a.x1, b.x1),
        height = std::min(a.y2, b.y2) - std::max(a.y1, b.y1);
  if (!(width > 0 && height > 0)) return false;
  float common = width * height, either = a.area() + b.area() - common;
  return a.area() > 0 && b.area() > 0 && either > 0 && common / either > threshold;
}

// Indices of kept boxes, best first, to kept[]; returns their number.
int64_t suppress(const Params& p, const float* boxes, const float* scores, int64_t count, int64_t most,
                 float iou, const float* least, int64_t* candidates, int64_t* kept) {
  int64_t n = 0, found = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (least == nullptr || scores[i] > *least) candidates[n++] = i;
  }
  // A NaN comes last, so that the order stays one.
  auto better = [&](int64_t a, int64_t b) {
    bool an = scores[a] != scores[a], bn = scores[b] != scores[b];
    if (an != bn) return bn;
    return scores[a] > scores[b] || (!(scores[a] < scores[b]) && a < b);
  };
  std::sort(candidates, candidates + n, better);
  for (int64_t i = 0; i < n && found < most; ++i) {
    Corners box = corners_of(boxes + candidates[i] * 4, p.center_point);
    bool free = true;
    for (int64_t k = 0; k < found && free; ++k)
      free = !overlaps(box, corners_of(boxes + kept[k] * 4, p.center_point), iou);
    if (free) kept[found++] = candidates[i];
  }
  return found;
}

Status run(const Params& p, Run& run) {
  const Tensor &boxes = run.in(0), &scores = run.in(1);
  int64_t batches = scores.shape()[0], classes = scores.shape()[1], count = scores.shape()[2];
  int64_t most = run.has_in(2) ? *run.in(2).data<int64_t>() : 0;
  float iou = run.has_in(3) ? *run.in(3).data<float>() : 0;
  const float* least = run.has_in(4) ? run.in(4).data<float>() : nullptr;
  KL_REQUIRE(iou >= 0 && iou <= 1, kInvalidArgument, "iou_threshold is ", static_cast<double>(iou));
  auto *candidates = reinterpret_cast<int64_t*>(run.scratch()), *kept = candidates + count;
  int64_t total = 0, room = 0;
  std::shared_ptr<Buffer> rows;
  for (int64_t b = 0; b < batches; ++b) {
    for (int64_t k = 0; k < classes; ++k) {
      if (run.cancelled()) return fail(Code::kCancelled, "in class ", k);
      int64_t found =
          suppress(p, boxes.data<float>() + b * count * 4, scores.data<float>() + (b * classes + k) * count,
                   count, most, iou, least, candidates, kept);
      if (total + found > room) {
        room = std::max<int64_t>(2 * room, total + found + 64);
        KL_ASSIGN(auto larger, Buffer::allocate_uninitialized(static_cast<size_t>(room) * 24));
        if (rows) std::copy_n(rows->data(), total * 24, larger->data());
        rows = std::move(larger);
      }
      for (int64_t i = 0; i < found; ++i, ++total) {
        auto* row = reinterpret_cast<int64_t*>(rows->data()) + total * 3;
        row[0] = b;
        row[1] = k;
        row[2] = kept[i];
      }
    }
  }
  KL_ASSIGN(Tensor out, run.alloc_out(0, DType::kInt64, {total, 3}));
  if (total != 0) std::copy_n(rows->data(), total * 24, out.data());
  return {};
}

Status infer(InferContext& c) {
  const Shape &boxes = c.shape(0), &scores = c.shape(1);
  KL_REQUIRE(boxes.rank() == 3 && scores.rank() == 3 && boxes[2] == 4 && boxes[0] == scores[0] &&
                 boxes[1] == scores[2],
             kInvalidShape, "boxes ", boxes, " and scores ", scores, " do not fit");
  for (int i = 2; i < 5; ++i)
    KL_REQUIRE(!c.has_input(i) || c.shape(i).count() == 1, kInvalidShape, "input ", i, " must be a scalar");
  c.output_unknown(0, DType::kInt64);
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(size_t bytes, checked_narrow<size_t>(std::max<int64_t>(c.shape(1)[2], 1) * 16));
  c.scratch(bytes);
  c.step<run>("non_max_suppression", Params{c.attributes().get_int("center_point_box") != 0});
  return {};
}

}  // namespace

extern const OpDef non_max_suppression{
    .domain = kOnnx,
    .name = "NonMaxSuppression",
    .signature =
        "boxes:float32 scores:float32 max_output_boxes_per_class:int64? iou_threshold:float32? "
        "score_threshold:float32? -> selected_indices:int64 | | center_point_box:i=0",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
