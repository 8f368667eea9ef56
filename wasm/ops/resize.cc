#include "kernels/resize/resize.h"

#include <cmath>

#include "ops/axes.h"
#include "ops/converted.h"
#include "ops/element.h"

namespace kinglet::ops {

namespace {

using kernels::Coordinate;
using kernels::Resize;
using kernels::ResizeAxis;
using kernels::ResizeMode;
using kernels::ResizeRule;

constexpr std::string_view kModes[] = {"nearest", "linear", "cubic"};
constexpr std::string_view kCoordinates[] = {
    "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
    "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize"};
constexpr std::string_view kNearest[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
constexpr std::string_view kPolicies[] = {"stretch", "not_larger", "not_smaller"};

// The position of an attribute's word in `words`; the first when it is absent.
template <class Enum, size_t n>
Status read_word(const OpContext& c, std::string_view name, const std::string_view (&words)[n], Enum* out) {
  std::string_view wanted = c.attributes().get_string(name, words[0]);
  auto* it = std::ranges::find(words, wanted);
  KL_REQUIRE(it != std::end(words), kInvalidGraph, name, " is ", wanted);
  *out = static_cast<Enum>(it - words);
  return {};
}

Result<ResizeRule> rule_of(const OpContext& c) {
  ResizeRule rule;
  KL_TRY(read_word(c, "mode", kModes, &rule.mode));
  KL_TRY(read_word(c, "coordinate_transformation_mode", kCoordinates, &rule.coordinate));
  KL_TRY(read_word(c, "nearest_mode", kNearest, &rule.nearest));
  rule.antialias = c.attributes().get_int("antialias") != 0;
  rule.exclude_outside = c.attributes().get_int("exclude_outside") != 0;
  rule.cubic_a = c.attributes().get_float("cubic_coeff_a", -0.75f);
  return rule;
}

// The float list of an input that counts as absent when it is empty.
Status read_floats(const OpContext& c, int i, size_t expected, std::vector<float>* out, bool* known) {
  if (!c.has_input(i)) return {};
  const Tensor* t = c.constant(i);
  if (t == nullptr) {
    // An empty tensor needs no value.
    *known = *known && c.shape(i).count() == 0;
    return {};
  }
  if (t->count() == 0) return {};
  KL_REQUIRE(t->count() == static_cast<int64_t>(expected), kInvalidShape, "input ", i, " has ", t->count(),
             " entries, expected ", expected);
  for (size_t k = 0; k < expected; ++k)
    out->push_back(static_cast<float>(t->number(static_cast<int64_t>(k))));
  return {};
}

// All axes of the input, in order. `known` is false when a value is not there yet.
Status axes_of(const OpContext& c, const ResizeRule& rule, std::vector<ResizeAxis>* out, bool* known) {
  const Shape& in = c.shape(0);
  Shape axes;
  if (c.attributes().has("axes")) {
    KL_ASSIGN(axes, normalize_axes(c.attributes().get_ints("axes"), in.rank()));
  } else {
    for (int i = 0; i < in.rank(); ++i) axes.push_back(i);
  }
  *known = true;
  std::vector<float> roi, scales;
  bool crops = rule.coordinate == Coordinate::kTfCropAndResize;
  if (crops) KL_TRY(read_floats(c, 1, axes.size() * 2, &roi, known));
  KL_TRY(read_floats(c, 2, axes.size(), &scales, known));
  Shape sizes;
  bool has_sizes = c.has_input(3) && c.shape(3).count() != 0;
  if (has_sizes) {
    const Tensor* t = c.constant(3);
    if (t == nullptr) *known = false;
    if (t != nullptr) {
      KL_ASSIGN(sizes, t->to_ints());
    }
  }
  if (!*known) return {};
  KL_REQUIRE(has_sizes != !scales.empty(), kInvalidGraph, "exactly one of scales and sizes must be given");
  KL_REQUIRE(!has_sizes || sizes.rank() == axes.rank(), kInvalidShape, "sizes has ", sizes.rank(),
             " entries for ", axes.rank(), " axes");
  KL_REQUIRE(!crops || !roi.empty(), kInvalidGraph, "tf_crop_and_resize needs roi");

  int policy = 0;
  KL_TRY(read_word(c, "keep_aspect_ratio_policy", kPolicies, &policy));
  float kept = 0;
  for (size_t i = 0; i < axes.size() && has_sizes; ++i) {
    int64_t extent = in[static_cast<size_t>(axes[i])];
    KL_REQUIRE(sizes[i] >= 0 && (extent > 0 || sizes[i] == 0), kInvalidShape, "sizes asks for ", sizes[i],
               " from extent ", extent);
    float ratio = extent > 0 ? static_cast<float>(sizes[i]) / static_cast<float>(extent) : 1;
    kept = i == 0 ? ratio : policy == 1 ? std::min(kept, ratio) : std::max(kept, ratio);
  }

  for (int64_t extent : in) out->push_back({.in = extent, .out = extent, .identity = true});
  for (size_t i = 0; i < axes.size(); ++i) {
    ResizeAxis& a = (*out)[static_cast<size_t>(axes[i])];
    auto extent = static_cast<float>(a.in);
    float wanted = 0;
    if (!has_sizes) {
      a.scale = scales[i];
      wanted = std::floor(extent * a.scale);
    } else if (policy != 0) {
      a.scale = kept;
      wanted = std::floor(extent * kept + 0.5f);
    } else {
      a.scale = a.in > 0 ? static_cast<float>(sizes[i]) / extent : 1;
    }
    if (has_sizes && policy == 0) {
      a.out = sizes[i];
    } else {
      // Also refuses NaN.
      KL_REQUIRE(a.scale > 0 && wanted < 2147483648.0f, kInvalidArgument, "scale ",
                 static_cast<double>(a.scale), " of extent ", a.in);
      a.out = static_cast<int64_t>(wanted);
    }
    KL_REQUIRE(a.in < int64_t{1} << 31 && a.out < int64_t{1} << 31, kLimitExceeded, "extents ", a.in, " and ",
               a.out, " of axis ", axes[i]);
    if (crops) {
      a.roi_begin = roi[i];
      a.roi_end = roi[i + axes.size()];
      a.identity = a.in == a.out && a.roi_begin == 0 && a.roi_end == 1;
    } else {
      a.identity = a.in == a.out && a.scale == 1;
    }
  }
  return {};
}

struct Params {
  Resize resize;
  Tensor extrapolation;  // one element of the output's type (nearest), or float64
};

Status run(const Params& p, Run& run) {
  const Tensor &in = run.in(0), &out = run.out(0);
  if (p.resize.rule.mode == ResizeMode::kNearest)
    return kernels::resize_nearest(p.resize, element_bytes(out.dtype()), p.extrapolation.data(), in.data(),
                                   out.data(), run.parallel());
  return kernels::resize_linear(p.resize, out.dtype(), *p.extrapolation.data<double>(), in.data(), out.data(),
                                run.parallel());
}

Status infer(InferContext& c) {
  KL_ASSIGN(ResizeRule rule, rule_of(c));
  KL_REQUIRE(rule.mode == ResizeMode::kNearest || c.dtype(0) == DType::kBool ||
                 std::string_view("fiu").find(dtype_kind(c.dtype(0))) != std::string_view::npos,
             kUnsupportedType, "mode ", kModes[static_cast<size_t>(rule.mode)], " of ", c.dtype(0));
  std::vector<ResizeAxis> axes;
  bool known = false;
  KL_TRY(axes_of(c, rule, &axes, &known));
  if (!known) return c.later();
  Shape out;
  for (const ResizeAxis& a : axes) out.push_back(a.out);
  c.output(0, c.dtype(0), out);
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(ResizeRule rule, rule_of(c));
  std::vector<ResizeAxis> axes;
  bool known = false;
  KL_TRY(axes_of(c, rule, &axes, &known));
  Params p;
  p.resize.rule = rule;
  size_t first = 0, last = axes.size();
  for (; first < last && axes[first].identity; ++first) p.resize.planes *= axes[first].in;
  for (; last > first && axes[last - 1].identity; --last) p.resize.inner *= axes[last - 1].in;
  p.resize.axes.assign(axes.begin() + static_cast<ptrdiff_t>(first),
                       axes.begin() + static_cast<ptrdiff_t>(last));
  if (p.resize.axes.empty()) {
    c.alias(0, 0);
    return {};
  }
  float value = c.attributes().get_float("extrapolation_value");
  DType dtype = c.dtype(0);
  if (rule.mode == ResizeMode::kNearest) {
    KL_ASSIGN(p.extrapolation, element_of(dtype, static_cast<double>(value)));
    add_move_step<run>(c, "resize/nearest", dtype, std::move(p));
    return {};
  }
  KL_ASSIGN(p.extrapolation, Tensor::scalar<double>(static_cast<double>(value)));
  add_float_step<run>(c, rule.mode == ResizeMode::kLinear ? "resize/linear" : "resize/cubic", dtype,
                      std::move(p), rule.antialias ? Rounding::kNearest : Rounding::kTruncate);
  return {};
}

}  // namespace

extern const OpDef resize{
    .domain = kOnnx,
    .name = "Resize",
    .signature =
        "X:T roi:R? scales:float32? sizes:int64? -> Y:T | T=all R=floats | antialias:i=0 axes:is "
        "coordinate_transformation_mode:s='half_pixel' cubic_coeff_a:f=-0.75 exclude_outside:i=0 "
        "extrapolation_value:f=0 keep_aspect_ratio_policy:s='stretch' mode:s='nearest' "
        "nearest_mode:s='round_prefer_floor'",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
