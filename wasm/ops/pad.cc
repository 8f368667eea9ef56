#include "ops/axes.h"
#include "ops/boxes.h"

namespace kinglet::ops {

namespace {

enum class Mode : uint8_t { kConstant, kReflect, kEdge, kWrap };

struct Params {
  Mode mode;
  Shape begin;  // per axis; negative: elements cut off
  // The output's region [low, high) that comes straight from the input.
  Shape low, high;
};

// Output rows [at, at + count) are rows source, source + step, ... of the output.
struct Segment {
  int64_t at, count, source, step;
};

// Covers [from, to) of an axis whose rows [low, high) are there.
std::vector<Segment> segments(Mode mode, int64_t low, int64_t high, int64_t from, int64_t to) {
  int64_t n = high - low, period = mode == Mode::kReflect ? std::max<int64_t>(2 * n - 2, 1) : n;
  auto source = [&](int64_t at) {
    if (mode == Mode::kEdge) return std::clamp(at, low, high - 1);
    int64_t k = (at - low) % period;
    if (k < 0) k += period;
    return low + (k < n ? k : period - k);
  };
  std::vector<Segment> out;
  for (int64_t at = from; at < to; ++at) {
    int64_t s = source(at);
    if (!out.empty()) {
      Segment& last = out.back();
      int64_t step = s - (last.source + (last.count - 1) * last.step);
      if (last.count == 1 && step >= -1 && step <= 1) last.step = step;
      if (step == last.step) {
        ++last.count;
        continue;
      }
    }
    out.push_back({at, 1, s, 0});
  }
  return out;
}

Status run(const Params& p, Run& run) {
  static const std::string kNoText;
  static constexpr uint64_t kZero[2] = {};
  const Tensor &in = run.in(0), &out = run.out(0);
  int bytes = element_bytes(out.dtype()), rank = out.rank();
  Shape in_strides = strides_of(in.shape()), strides = strides_of(out.shape());
  const void* value = bytes == kernels::kStringBytes ? static_cast<const void*>(&kNoText) : kZero;
  if (run.has_in(2)) value = run.in(2).data();
  auto copy = [&](kernels::Box box, const void* source) {
    collapse(&box);
    kernels::copy_box(box, bytes, source, out.data(), run.parallel());
  };

  kernels::Box interior;
  for (int i = 0; i < rank; ++i) {
    auto k = static_cast<size_t>(i);
    interior.add(p.high[k] - p.low[k], in_strides[k], strides[k]);
    interior.source_offset += (p.low[k] - p.begin[k]) * in_strides[k];
    interior.target_offset += p.low[k] * strides[k];
  }
  copy(interior, in.data());

  // Axis by axis from the last: rows outside [low, high) take whole rows that are complete on the later axes.
  for (int axis = rank - 1; axis >= 0; --axis) {
    auto pad = [&](const Segment& s) {
      kernels::Box box;
      bool constant = p.mode == Mode::kConstant;
      for (int i = 0; i < rank; ++i) {
        auto k = static_cast<size_t>(i);
        int64_t first = i < axis ? p.low[k] : 0, extent = i < axis ? p.high[k] - p.low[k] : out.shape()[k];
        if (i == axis) {
          box.add(s.count, constant ? 0 : s.step * strides[k], strides[k]);
          box.target_offset += s.at * strides[k];
          if (!constant) box.source_offset += s.source * strides[k];
        } else {
          box.add(extent, constant ? 0 : strides[k], strides[k]);
          box.target_offset += first * strides[k];
          if (!constant) box.source_offset += first * strides[k];
        }
      }
      copy(std::move(box), constant ? value : out.data());
    };
    auto k = static_cast<size_t>(axis);
    int64_t extent = out.shape()[k];
    for (auto [from, to] : {std::pair<int64_t, int64_t>(0, p.low[k]), std::pair(p.high[k], extent)}) {
      if (from == to) continue;
      if (p.mode == Mode::kConstant) {
        pad({from, to - from, 0, 0});
      } else {
        for (const Segment& s : segments(p.mode, p.low[k], p.high[k], from, to)) pad(s);
      }
    }
  }
  return {};
}

Result<Mode> mode_of(const OpContext& c) {
  static constexpr std::string_view kNames[] = {"constant", "reflect", "edge", "wrap"};
  std::string_view wanted = c.attributes().get_string("mode", "constant");
  auto* it = std::ranges::find(kNames, wanted);
  KL_REQUIRE(it != std::end(kNames), kInvalidGraph, "mode is ", wanted);
  return static_cast<Mode>(it - kNames);
}

// Pads in front and behind per axis; `known` is false when a value is not there yet.
Status pads_of(const OpContext& c, Shape* begin, Shape* end, bool* known) {
  int rank = c.rank(0);
  const Tensor *pads = c.constant(1), *list = c.constant(3);
  *known = pads != nullptr && (list != nullptr || !c.has_input(3));
  if (!*known) return {};
  Shape axes;
  if (list) {
    KL_ASSIGN(Shape values, list->to_ints());
    KL_ASSIGN(axes, normalize_axes(values, rank));
  } else {
    for (int i = 0; i < rank; ++i) axes.push_back(i);
  }
  KL_REQUIRE(pads->count() == 2 * axes.rank(), kInvalidShape, "pads has ", pads->count(), " entries for ",
             axes.rank(), " axes");
  *begin = *end = Shape::filled(rank, 0);
  for (int i = 0; i < axes.rank(); ++i) {
    (*begin)[static_cast<size_t>(axes.at(i))] = pads->data<int64_t>()[i];
    (*end)[static_cast<size_t>(axes.at(i))] = pads->data<int64_t>()[i + axes.rank()];
  }
  return {};
}

Status infer(InferContext& c) {
  Shape begin, end, out = c.shape(0);
  bool known = false;
  KL_ASSIGN(Mode mode, mode_of(c));
  KL_TRY(pads_of(c, &begin, &end, &known));
  if (!known) return c.later();
  KL_REQUIRE(!c.has_input(2) || c.shape(2).count() == 1, kInvalidShape,
             "constant_value must have one element, it has ", c.shape(2).count());
  for (size_t i = 0; i < out.size(); ++i) {
    int64_t extent = out[i];
    KL_ASSIGN(int64_t front, checked_add(extent, begin[i]));
    KL_ASSIGN(out[i], checked_add(front, end[i]));
    KL_REQUIRE(out[i] >= 0, kInvalidShape, "pads ", begin[i], " and ", end[i], " leave nothing of extent ",
               extent);
    bool any = std::max<int64_t>(begin[i], 0) < std::min(out[i], front);
    KL_REQUIRE(mode == Mode::kConstant || out[i] == 0 || any, kInvalidShape, "axis ", i, " of extent ",
               extent, " has nothing to repeat");
  }
  c.output(0, c.dtype(0), out);
  return {};
}

Status lower(LowerContext& c) {
  Params p;
  Shape end;
  bool known = false;
  KL_ASSIGN(p.mode, mode_of(c));
  KL_TRY(pads_of(c, &p.begin, &end, &known));
  const Shape& out = c.out_shape(0);
  bool changes = false;
  for (size_t i = 0; i < out.size(); ++i) {
    p.low.push_back(std::clamp<int64_t>(p.begin[i], 0, out[i]));
    p.high.push_back(std::clamp<int64_t>(c.shape(0)[i] + p.begin[i], p.low[i], out[i]));
    changes |= p.begin[i] != 0 || end[i] != 0;
  }
  if (changes)
    add_move_step<run>(c, "copy/pad", c.dtype(0), p);
  else
    c.alias(0, 0);
  return {};
}

}  // namespace

extern const OpDef pad{
    .domain = kOnnx,
    .name = "Pad",
    .signature =
        "data:T pads:int64 constant_value:T? axes:I? -> output:T | T=all I=int32,int64 | mode:s='constant'",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
